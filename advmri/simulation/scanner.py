"""The scanner's part: fine grid, excitation, fat suppression, chemical shift and k-space sampling."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from advmri.simulation.coils import smooth_phase
from advmri.simulation.lesion_plan import FAT_SUPPRESSED
from advmri.simulation.settings import SimulationSettings

EXCITED_HALF_LENGTH_MM = 112.0
"""Along the limb the transmit field of a knee coil fades beyond this distance from the image centre in mm."""

EXCITED_FADE_MM = 18.0
"""Distance over which it fades to nothing in mm."""

FAT_SHIFT_MM = 0.8
"""Chemical shift of fat along the readout in mm: 440 Hz at 3 T, about 280 Hz per mm."""


class FineGrid:
    """The grid on which anatomy is painted, finer than the acquisition's: the rows that are excited, all columns."""

    def __init__(self, settings: SimulationSettings) -> None:
        self.spacing_mm = settings.pixel_mm / settings.supersampling
        self.shape = (2 * settings.crop * settings.supersampling, settings.columns * settings.supersampling)
        """Rows and columns of the whole field of view."""
        rows, columns = self.shape
        reach = int((EXCITED_HALF_LENGTH_MM + EXCITED_FADE_MM) / self.spacing_mm)
        self.excited_rows = slice(max(rows // 2 - reach, 0), min(rows // 2 + reach, rows))
        self.z: NDArray[np.float64] = ((np.arange(rows) - rows // 2) * np.float64(self.spacing_mm))[self.excited_rows]
        self.x: NDArray[np.float64] = (np.arange(columns) - columns // 2) * np.float64(self.spacing_mm)
        self.excited_shape = (len(self.z), len(self.x))
        fade = np.clip((EXCITED_HALF_LENGTH_MM + EXCITED_FADE_MM - np.abs(self.z)) / EXCITED_FADE_MM, 0, 1)
        # A spin echo from flip angles a and 2a goes with the third power of sin(a).
        self.excitation = (np.sin(np.pi / 2 * fade) ** 3).astype(np.float32)[:, None]

    def image(
        self, water: NDArray[np.float32], fat: NDArray[np.float32], suppression: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Combine water and fat of the excited rows, fat suppressed and shifted, into the whole field of view."""
        image = np.zeros(self.shape, dtype=np.float32)
        image[self.excited_rows] = (
            water + _shifted(fat, FAT_SHIFT_MM / self.spacing_mm) * suppression[self.excited_rows]
        )
        return image


def fat_suppression(
    settings: SimulationSettings, contrast: str, shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Factor on the fat signal: 1, or the residue that an inhomogeneous field leaves after fat suppression."""
    if contrast != FAT_SUPPRESSED:
        return np.ones(shape, dtype=np.float32)
    row = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    detuning = smooth_phase(shape, rng)
    detuning -= detuning.mean()
    factor = np.float32(settings.residual_fat) * (1 + np.float32(0.4) * detuning + np.float32(2.5) * np.abs(row) ** 3)
    return np.clip(factor, 0, 1)


def sample_kspace(coil_image: NDArray[np.complex64], settings: SimulationSettings) -> NDArray[np.complex64]:
    """Fourier transform a coil image on the fine grid and keep the k-space that the scanner samples.

    What lies outside is lost as in a scanner: edges ring, and nothing aliases along the oversampled readout.
    """
    spectrum = fft.fftshift(fft.fft2(fft.ifftshift(coil_image)))
    rows, columns = 2 * settings.crop, settings.columns
    top, left = (spectrum.shape[0] - rows) // 2, (spectrum.shape[1] - columns) // 2
    # The mean over the finer samples of a pixel, then the orthonormal transform of the coarse grid.
    factor = np.float32(1 / (settings.supersampling**2 * np.sqrt(rows * columns)))
    return np.asarray(spectrum[top : top + rows, left : left + columns] * factor, dtype=np.complex64)


def _shifted(fat: NDArray[np.float32], samples: float) -> NDArray[np.float32]:
    """Displace fat along the readout by any number of samples, with linear interpolation."""
    whole = int(np.floor(samples))
    part = np.float32(samples - whole)
    return (1 - part) * np.roll(fat, whole, axis=0) + part * np.roll(fat, whole + 1, axis=0)
