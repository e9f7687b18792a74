"""Where along the readout the receiver's filter has removed noise: bands of the image that are too quiet.

The filter's edge lies in the part of the view that readout oversampling adds. Anatomy in the middle makes outer bands
look quiet too; so a band counts only where the corners of k-space, which hold hardly any anatomy, say the same of it.
"""

import numpy as np
from numpy.typing import NDArray

EDGE_FRACTION = 0.1
SMALLEST_STEP = 0.03
STANDARD_ERRORS = 3
SHARE_IN_CORNERS = 1 / 3
"""Part of the margins' fall that the corners must show: between none (anatomy) and all of it (the filter)."""
LARGEST_SHARE = 3 / 4
"""Of the bands that may lie on the slope."""


def corner_power(kspace: NDArray[np.complex64], bands: int) -> NDArray[np.float64]:
    """Return the mean power [B, C] of the corners of acquired k-space [C, H, W] in bands along the readout.

    The corners alone are transformed along the readout: their share of the noise in every row of the image.
    """
    rows, columns = (max(1, round(size * EDGE_FRACTION)) for size in kspace.shape[1:])
    outer = np.concatenate([kspace[:, :, :columns], kspace[:, :, -columns:]], axis=2)
    outer[:, rows : kspace.shape[1] - rows] = 0
    lines = np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(outer, axes=1), axis=1, norm="ortho"), axes=1)
    parts = np.array_split(np.abs(lines) ** 2, bands, axis=1)
    return np.stack([part.mean(axis=(1, 2), dtype=np.float64) for part in parts])


def _rings(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the power of bands [B, C] by distance from the ends [B / 2]: filters treat both alike, ghosts do not."""
    level = np.median(power, axis=0)
    live = level > 0
    relative = (power[:, live] / level[live]).mean(axis=1)
    half = len(relative) // 2
    return np.minimum(relative[:half], relative[::-1][:half])


def bands_on_the_slope(margins: NDArray[np.float64], corners: NDArray[np.float64], standard_error: float) -> int:
    """Return how many bands at either end the receiver's filter has made quieter.

    Args:
        margins: power [B, C] of the image's margins along phase encoding.
        corners: power [B, C] of the corners of k-space.
        standard_error: relative, of the amplitude of one band of the margins, all coils together.
    """
    if len(margins) % 2 or not (margins.any() and corners.any()):
        return 0
    margin, corner = np.sqrt(_rings(margins)), np.sqrt(_rings(corners))
    least = max(SMALLEST_STEP, STANDARD_ERRORS * standard_error)
    found = 0
    for place in range(int(len(margin) * LARGEST_SHARE)):
        if not (margin[place] > 0 and corner[place] > 0):
            break
        step, in_corners = margin[place + 1] / margin[place] - 1, corner[place + 1] / corner[place] - 1
        if not (step > least and in_corners > SHARE_IN_CORNERS * step):
            break
        found = place + 1
    return found
