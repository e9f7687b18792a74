"""Simulates multi-coil k-space of one knee in the layout of fastMRI.

Arrays are stored upside down, as in fastMRI: rows run from inferior to superior, so `image[::-1]` is upright.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from advmri.simulation import tissues
from advmri.simulation.anatomy import paint_section
from advmri.simulation.canvas import Canvas
from advmri.simulation.coils import add_thermal_noise, biot_savart_sensitivities, smooth_phase
from advmri.simulation.frame import Frame, make_frame
from advmri.simulation.lesion_plan import FAT_SUPPRESSED, acquisition, planned_lesions
from advmri.simulation.lesions import Lesion, lesion_fraction, paint_lesion, place_lesion
from advmri.simulation.random_streams import random_stream
from advmri.simulation.section import Section, make_section
from advmri.simulation.settings import SimulationSettings
from advmri.simulation.slice_position import slice_position_mm
from advmri.simulation.subject import Subject, draw_subject
from advmri.simulation.texture import Textures, make_textures

BRIGHT_TISSUE_SCALE = 0.8e-3
"""Receiver scaling: RSS images peak near 1e-3, the order of magnitude of fastMRI's units."""

EXCITED_HALF_LENGTH_MM = 112.0
"""Along the limb the transmit field of a knee coil fades beyond this distance from the image centre in mm."""

EXCITED_FADE_MM = 18.0

BOX_THRESHOLD = 0.25
"""Diseased fraction above which a pixel belongs to the lesion."""

BOX_MARGIN_MM = 2.5
BOX_MINIMUM_PIXELS = 8

PHASE_DEPTH_MM = 25.0
"""Distance between slices over which the background phase changes by one draw of `smooth_phase` in mm."""

FAT_SHIFT_MM = 0.8
"""Chemical shift of fat along the readout in mm."""


@dataclass(frozen=True)
class LesionBox:
    """A lesion's bounding box in the cropped, upside-down reconstruction array; rows and columns are half-open."""

    slice: int
    label: str
    row0: int
    row1: int
    column0: int
    column1: int


@dataclass(frozen=True)
class SimulatedVolume:
    """One simulated acquisition."""

    kspace: NDArray[np.complex64]
    """Fully sampled k-space. Shape [slices, coils, 2 * crop, columns]"""
    acquisition: str
    """CORPD_FBK (proton density) or CORPDFS_FBK (with fat suppression)."""
    noise_sigma: float
    """Standard deviation of the real part of the k-space noise in each coil."""
    boxes: list[LesionBox]
    patient_id: str


def simulate_volume(
    settings: SimulationSettings, seed: int, volume: str, *, with_lesions: bool = True
) -> SimulatedVolume:
    """Simulate the k-space of one knee; equal arguments give equal bits.

    Each slice is the mean of sub-slices painted on a fine grid; it is multiplied by the coil sensitivities and the
    background phase, Fourier transformed, and cut to the acquired k-space, which band-limits it as a scanner does.
    """
    subject = draw_subject(random_stream(seed, volume, "subject"))
    grid = _Grid(settings)
    textures = make_textures((len(grid.z), len(grid.x)), grid.spacing_mm, random_stream(seed, volume, "texture"))
    lesions = _lesions(settings, seed, volume, subject) if with_lesions else []
    shape = (2 * settings.crop * settings.supersampling, settings.columns * settings.supersampling)
    scale = BRIGHT_TISSUE_SCALE * subject.gain
    phase_rng = random_stream(seed, volume, "phase")
    phase = smooth_phase(shape, phase_rng)
    phase_gradient = smooth_phase(shape, phase_rng, strength=0.4)
    suppression = _suppression_map(settings, acquisition(volume), shape, random_stream(seed, volume, "fat"))
    kspace = np.empty((settings.slices, settings.coils, 2 * settings.crop, settings.columns), dtype=np.complex64)
    for index in range(settings.slices):
        water, fat = _slice_signal(settings, grid, subject, textures, lesions, seed, volume, index)
        image = np.zeros(shape, dtype=np.float32)
        image[grid.rows] = water + _shifted(fat, FAT_SHIFT_MM / grid.spacing_mm) * suppression[grid.rows]
        position = slice_position_mm(settings, index)
        turned = phase + np.float32(position / PHASE_DEPTH_MM) * phase_gradient
        rotated = (np.float32(scale) * image) * np.exp(np.complex64(1j) * turned)
        maps = biot_savart_sensitivities(
            shape,
            grid.spacing_mm,
            settings.coils,
            random_stream(seed, volume, "coils"),
            slice_offset_mm=position,
        )
        for coil, sensitivity in enumerate(maps):
            kspace[index, coil] = _acquire(rotated * sensitivity, settings)
    sigma = scale * muscle_signal(settings) / settings.snr
    return SimulatedVolume(
        add_thermal_noise(kspace, sigma, random_stream(seed, volume, "noise")),
        acquisition(volume),
        sigma,
        lesion_boxes(settings, seed, volume) if with_lesions else [],
        f"simulated_{seed}_{volume}",
    )


def lesion_boxes(settings: SimulationSettings, seed: int, volume: str) -> list[LesionBox]:
    """Find the boxes of a volume's lesions from geometry alone, without simulating k-space."""
    subject = draw_subject(random_stream(seed, volume, "subject"))
    boxes = []
    for lesion in _lesions(settings, seed, volume, subject):
        section = _crop_section(settings, subject, lesion.planned.slice)
        fraction = np.zeros(section.frame.x.shape, dtype=np.float32)
        fraction[section.window] = lesion_fraction(lesion, section, subject)
        boxes.append(_bounding_box(fraction, lesion, settings))
    return boxes


def muscle_signal(settings: SimulationSettings) -> float:
    """Signal of muscle in the units of the signal equation; the same in both contrasts, for it holds no fat."""
    return tissues.tissue_signal(tissues.MUSCLE, settings.repetition_time_ms, settings.echo_time_ms).water


class _Grid:
    """The fine grid on which anatomy is painted: the rows that are excited, all columns."""

    def __init__(self, settings: SimulationSettings) -> None:
        self.spacing_mm = settings.pixel_mm / settings.supersampling
        rows = 2 * settings.crop * settings.supersampling
        columns = settings.columns * settings.supersampling
        reach = int((EXCITED_HALF_LENGTH_MM + EXCITED_FADE_MM) / self.spacing_mm)
        self.rows = slice(max(rows // 2 - reach, 0), min(rows // 2 + reach, rows))
        self.z = ((np.arange(rows) - rows // 2) * self.spacing_mm)[self.rows]
        self.x = (np.arange(columns) - columns // 2) * self.spacing_mm
        fade = np.clip((EXCITED_HALF_LENGTH_MM + EXCITED_FADE_MM - np.abs(self.z)) / EXCITED_FADE_MM, 0, 1)
        self.excitation = np.asarray(np.sin(np.pi / 2 * fade) ** 3, dtype=np.float32)[:, None]


def _slice_signal(
    settings: SimulationSettings,
    grid: _Grid,
    subject: Subject,
    textures: Textures,
    lesions: list[Lesion],
    seed: int,
    volume: str,
    index: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Water and fat signal of one slice on the excited rows, averaged over sub-slices."""
    rng = random_stream(seed, volume, f"slice {index}")
    shift = rng.integers(0, max(len(grid.z), len(grid.x)), 2)
    local = textures.shifted(int(shift[0]), int(shift[1]))
    shape = (len(grid.z), len(grid.x))
    water, fat = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    for offset in _sub_slice_offsets(settings):
        frame = make_frame(subject, grid.x, grid.z, slice_position_mm(settings, index) + offset)
        section = make_section(frame, subject, settings.slice_thickness_mm / settings.supersampling)
        canvas = Canvas(shape, grid.spacing_mm, settings.repetition_time_ms, settings.echo_time_ms)
        paint_section(canvas, section, subject, local)
        for lesion in lesions:
            if lesion.planned.slice == index:
                paint_lesion(canvas, lesion, section, subject)
        water += canvas.water
        fat += canvas.fat
    weight = grid.excitation / settings.supersampling
    return water * weight, fat * weight


def _sub_slice_offsets(settings: SimulationSettings) -> list[float]:
    count = settings.supersampling
    return [((number + 0.5) / count - 0.5) * settings.slice_thickness_mm for number in range(count)]


def _suppression_map(
    settings: SimulationSettings, contrast: str, shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Factor on the fat signal: 1, or the residue that an inhomogeneous field leaves after fat suppression."""
    if contrast != FAT_SUPPRESSED:
        return np.ones(shape, dtype=np.float32)
    row = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    detuning = smooth_phase(shape, rng)
    detuning -= detuning.mean()
    return np.clip(settings.residual_fat * (1 + 0.4 * detuning + 2.5 * np.abs(row) ** 3), 0, 1).astype(np.float32)


def _shifted(fat: NDArray[np.float32], samples: float) -> NDArray[np.float32]:
    """Displace fat along the readout by a fraction of a sample or more."""
    whole = int(np.floor(samples))
    part = np.float32(samples - whole)
    return (1 - part) * np.roll(fat, whole, axis=0) + part * np.roll(fat, whole + 1, axis=0)


def _acquire(coil_image: NDArray[np.complex64], settings: SimulationSettings) -> NDArray[np.complex64]:
    """Fourier transform a fine coil image and keep the k-space that the scanner samples."""
    spectrum = fft.fftshift(fft.fft2(fft.ifftshift(coil_image, axes=(-2, -1))), axes=(-2, -1))
    rows, columns = 2 * settings.crop, settings.columns
    top, left = (spectrum.shape[-2] - rows) // 2, (spectrum.shape[-1] - columns) // 2
    # The mean over the finer samples of a pixel, then the orthonormal transform of the coarse grid.
    factor = np.float32(1 / (settings.supersampling**2 * np.sqrt(rows * columns)))
    return np.asarray(spectrum[..., top : top + rows, left : left + columns] * factor, dtype=np.complex64)


def _crop_section(settings: SimulationSettings, subject: Subject, index: int) -> Section:
    """Evaluate the anatomy at the pixels of the cropped reconstruction, in the middle of a slice."""
    pixels = (np.arange(settings.crop) - settings.crop // 2) * settings.pixel_mm
    first_column = (settings.columns - settings.crop) // 2
    columns = (np.arange(settings.crop) + first_column - settings.columns // 2) * settings.pixel_mm
    frame: Frame = make_frame(subject, columns, pixels, slice_position_mm(settings, index))
    return make_section(frame, subject, settings.slice_thickness_mm / settings.supersampling)


def _lesions(settings: SimulationSettings, seed: int, volume: str, subject: Subject) -> list[Lesion]:
    return [
        place_lesion(
            planned,
            _crop_section(settings, subject, planned.slice),
            subject,
            random_stream(seed, volume, f"lesion {planned.number}"),
        )
        for planned in planned_lesions(settings, seed, volume)
    ]


def _bounding_box(fraction: NDArray[np.float32], lesion: Lesion, settings: SimulationSettings) -> LesionBox:
    found = fraction > BOX_THRESHOLD * lesion.opacity
    if not found.any():
        found = fraction >= max(float(fraction.max()), 1e-6)
    margin = max(int(round(BOX_MARGIN_MM / settings.pixel_mm)), 2)
    sides = []
    for axis in (0, 1):
        hit = np.flatnonzero(found.any(axis=1 - axis))
        start, stop = (int(hit[0]) - margin, int(hit[-1]) + 1 + margin) if hit.size else (0, settings.crop)
        lacking = BOX_MINIMUM_PIXELS - (stop - start)
        if lacking > 0:
            start, stop = start - (lacking + 1) // 2, stop + lacking // 2
        sides.append((max(start, 0), min(stop, settings.crop)))
    (row0, row1), (column0, column1) = sides
    return LesionBox(lesion.planned.slice, lesion.planned.label, row0, row1, column0, column1)
