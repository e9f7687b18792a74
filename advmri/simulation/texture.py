"""Random textures of tissue: trabeculae, muscle fascicles, fat septa, rough boundaries."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Textures:
    """Texture fields on the anatomy grid of one volume, each [rows, columns]."""

    mottle: Image
    """Scale-free (about 1/f) variation of any tissue, zero mean, unit SD."""
    trabeculae: Image
    """Plates and rods of spongy bone, elongated along the load, zero mean, unit SD."""
    fascicles: Image
    """Muscle fibre bundles along the limb, zero mean, unit SD."""
    septa: Image
    """Connective-tissue sheets in fat, 0 (fat) to 1 (septum)."""
    fibres: Image
    """Fine striation along ligaments, zero mean, unit SD."""
    patches: Image
    """Smooth variation over about 20 mm (red marrow, fat lobes), zero mean, unit SD."""
    roughness: Image
    """Irregularity of boundaries over 3-12 mm, zero mean, unit SD."""

    def shifted(self, rows: int, columns: int) -> "Textures":
        """Roll every field, which makes another realisation for another slice (the fields are periodic)."""
        return Textures(**{name: np.roll(field, (rows, columns), (0, 1)) for name, field in vars(self).items()})


def make_textures(shape: tuple[int, int], spacing_mm: float, rng: np.random.Generator) -> Textures:
    """Draw all textures on a grid of the given spacing in mm."""

    def noise(power: float, longest_mm: float, shortest_mm: float, stretch: float = 1.0, tilt: float = 0.0) -> Image:
        return filtered_noise(shape, spacing_mm, rng, power, longest_mm, shortest_mm, stretch, tilt)

    fine = noise(0.5, 5.0, 0.7, stretch=1.6, tilt=0.1)
    coarse = noise(1.2, 14.0, 1.5, stretch=2.2, tilt=0.1)
    return Textures(
        mottle=noise(1.0, 25.0, 0.8),
        trabeculae=_unit(fine + 0.6 * coarse),
        fascicles=_unit(noise(1.0, 9.0, 1.0, stretch=6.0, tilt=0.12) + 0.7 * noise(0.8, 5.0, 0.9, 3.0, -0.15)),
        septa=_sheets(noise(1.2, 14.0, 3.0, stretch=4.5, tilt=0.15), spacing_mm, 0.5),
        fibres=noise(0.5, 4.0, 0.8, stretch=5.0),
        patches=noise(2.0, 40.0, 8.0),
        roughness=noise(1.3, 14.0, 2.0),
    )


def filtered_noise(
    shape: tuple[int, int],
    spacing_mm: float,
    rng: np.random.Generator,
    power: float,
    longest_mm: float,
    shortest_mm: float,
    stretch: float = 1.0,
    tilt: float = 0.0,
) -> Image:
    """Gaussian noise with amplitude spectrum f^-power between two wavelengths, zero mean, unit SD.

    `stretch` elongates structures along the rows' axis, rotated by `tilt` radians.
    """
    row = fft.fftfreq(shape[0], spacing_mm).astype(np.float32)[:, None]
    column = fft.rfftfreq(shape[1], spacing_mm).astype(np.float32)[None, :]
    along = np.cos(tilt) * row + np.sin(tilt) * column
    across = np.cos(tilt) * column - np.sin(tilt) * row
    frequency = np.sqrt((stretch * along) ** 2 + across**2)
    low = np.float32(1.0 / longest_mm)
    amplitude = (frequency**2 + low**2) ** np.float32(-power / 2) * np.exp(-((shortest_mm * frequency / 1.2) ** 2))
    amplitude[0, 0] = 0.0
    white = fft.rfft2(rng.standard_normal(shape, dtype=np.float32))
    return _unit(fft.irfft2(white * amplitude, s=shape))


def _unit(field: Image) -> Image:
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


def _sheets(field: Image, spacing_mm: float, width_mm: float) -> Image:
    """Turn the zero level of a smooth field into lines of the given width in mm, some fainter than others."""
    slope = np.hypot(*np.gradient(field, spacing_mm)) + 1e-3
    line = np.clip(1.2 - np.abs(field) / (slope * np.float32(width_mm)), 0, 1)
    strength = np.clip(slope / np.percentile(slope, 80), 0.15, 1.0)
    return np.asarray(line * strength, dtype=np.float32)
