"""Whether what a volume's file says of itself agrees with its k-space."""

import numpy as np
from numpy.typing import NDArray

from advmri.errors import InputError
from advmri.volumes.reading import Volume, read_target, rss_image

TOLERANCE = 0.01
"""Relative difference that a stored image or maximum may have: rounding, and other FFT libraries, stay far below."""


def checked_target(volume: Volume, number: int, kspace: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Return the fully sampled RSS [h, w] of one slice, the stored one only where it is that of `kspace` [C, H, W].

    Networks are trained and validated on the stored images, attacked and scored against the computed ones.

    Raises:
        InputError: where they differ.
        UnusableSliceError: where the stored one cannot be read.
    """
    stored = read_target(volume, number)
    computed = rss_image(kspace, volume.crop)
    difference = np.linalg.norm(stored - computed) / np.linalg.norm(computed)
    if not difference <= TOLERANCE:
        raise InputError(
            f"{volume.path}: 'reconstruction_rss' of slice {number} differs by {difference:.1%} from the RSS of its"
            " k-space; make it anew, or remove it from the file."
        )
    return stored


def check_maximum(volume: Volume) -> None:
    """Compare the attribute `max`, the data range of SSIM and PSNR, with the images.

    Raises:
        InputError: where they differ.
        UnusableSliceError: where an image cannot be read.
    """
    if volume.maximum is None:
        return
    found = max(float(read_target(volume, number).max()) for number in range(volume.slices))
    if abs(volume.maximum - found) > TOLERANCE * found:
        raise InputError(
            f"{volume.path}: its attribute 'max' is {volume.maximum:g}, the largest value of its images {found:g};"
            " correct or remove the attribute."
        )
