"""Simulates multi-coil k-space of one knee in the layout of fastMRI.

Arrays are stored upside down, as in fastMRI: rows run from inferior to superior, so `image[::-1]` is upright.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advmri.simulation import tissues
from advmri.simulation.anatomy import paint_section
from advmri.simulation.canvas import Canvas
from advmri.simulation.coils import add_thermal_noise, biot_savart_sensitivities, smooth_phase
from advmri.simulation.frame import make_frame
from advmri.simulation.lesion_boxes import LesionBox, lesion_boxes, placed_lesions
from advmri.simulation.lesion_plan import acquisition
from advmri.simulation.lesions import Lesion, paint_lesion
from advmri.simulation.random_streams import random_stream
from advmri.simulation.scanner import FineGrid, fat_suppression, sample_kspace
from advmri.simulation.section import make_section
from advmri.simulation.settings import SimulationSettings
from advmri.simulation.slice_position import slice_position_mm
from advmri.simulation.subject import Subject, draw_subject
from advmri.simulation.texture import Textures, make_textures

__all__ = ["LesionBox", "SimulatedVolume", "lesion_boxes", "muscle_signal", "simulate_volume"]

RECEIVER_SCALE = 0.8e-3
"""Signal of fully relaxed pure water in the image: RSS maxima come near 1e-3, the order of magnitude of fastMRI's."""

PHASE_DEPTH_MM = 25.0
"""Distance between slices over which the background phase changes by one draw of `smooth_phase` in mm."""


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
    grid = FineGrid(settings)
    textures = make_textures(grid.excited_shape, grid.spacing_mm, random_stream(seed, volume, "texture"))
    lesions = placed_lesions(settings, seed, volume, subject) if with_lesions else []
    suppression = fat_suppression(settings, acquisition(volume), grid.shape, random_stream(seed, volume, "fat"))
    scale = RECEIVER_SCALE * subject.gain
    phase_rng = random_stream(seed, volume, "phase")
    phase, phase_gradient = smooth_phase(grid.shape, phase_rng), smooth_phase(grid.shape, phase_rng, strength=0.4)
    kspace = np.empty((settings.slices, settings.coils, 2 * settings.crop, settings.columns), dtype=np.complex64)
    for index in range(settings.slices):
        slice_rng = random_stream(seed, volume, f"texture of slice {index}")
        local = textures.shifted(*slice_rng.integers(0, max(grid.excited_shape), 2).tolist())
        here = [lesion for lesion in lesions if lesion.planned.slice == index]
        position = slice_position_mm(settings, index)
        image = grid.image(*_slice_signal(settings, grid, subject, local, here, position), suppression)
        turned = phase + np.float32(position / PHASE_DEPTH_MM) * phase_gradient
        magnetisation = (np.float32(scale) * image) * np.exp(np.complex64(1j) * turned)
        # The same stream for every slice: they share the coil.
        coil_rng = random_stream(seed, volume, "coils")
        maps = biot_savart_sensitivities(
            grid.shape, grid.spacing_mm, settings.coils, coil_rng, slice_offset_mm=position
        )
        for coil, sensitivity in enumerate(maps):
            kspace[index, coil] = sample_kspace(magnetisation * sensitivity, settings)
    sigma = scale * muscle_signal(settings) / settings.snr
    return SimulatedVolume(
        add_thermal_noise(kspace, sigma, random_stream(seed, volume, "noise")),
        acquisition(volume),
        sigma,
        lesion_boxes(settings, seed, volume) if with_lesions else [],
        f"simulated_{seed}_{volume}",
    )


def muscle_signal(settings: SimulationSettings) -> float:
    """Signal of muscle in the units of the signal equation; the same in both contrasts, for it holds no fat."""
    return tissues.tissue_signal(tissues.MUSCLE, settings.repetition_time_ms, settings.echo_time_ms).water


def _slice_signal(
    settings: SimulationSettings,
    grid: FineGrid,
    subject: Subject,
    textures: Textures,
    lesions: list[Lesion],
    position_mm: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Water and fat signal of one slice on the excited rows, averaged over sub-slices."""
    count = settings.supersampling
    thickness = settings.slice_thickness_mm / count
    water, fat = (np.zeros(grid.excited_shape, dtype=np.float32) for _ in range(2))
    for number in range(count):
        offset = (number - (count - 1) / 2) * thickness
        frame = make_frame(subject, grid.x, grid.z, position_mm + offset)
        section = make_section(frame, subject, thickness)
        canvas = Canvas(grid.excited_shape, grid.spacing_mm, settings.repetition_time_ms, settings.echo_time_ms)
        paint_section(canvas, section, subject, textures)
        for lesion in lesions:
            paint_lesion(canvas, lesion, section)
        water += canvas.water
        fat += canvas.fat
    weight = grid.excitation * np.float32(1 / count)
    return water * weight, fat * weight
