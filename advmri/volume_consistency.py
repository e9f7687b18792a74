"""Whether what a volume's file says of itself agrees with its k-space."""

from collections.abc import Iterable

import numpy as np

from advmri.errors import InputError
from advmri.volumes import Volume, read_kspace, read_target, rss_image

TOLERANCE = 0.01
"""Relative difference that a stored image or maximum may have: rounding, and other FFT libraries, stay far below."""


def check_targets(volume: Volume, slices: Iterable[int]) -> None:
    """Compare the stored `reconstruction_rss` of some slices with the RSS of their k-space.

    Networks are trained and validated on the stored images, attacked and scored against the computed ones.

    Raises:
        InputError: where they differ.
        UnusableSliceError: where one cannot be read.
    """
    for number in slices:
        stored = read_target(volume, number)
        computed = rss_image(read_kspace(volume, number), volume.crop)
        difference = np.linalg.norm(stored - computed) / np.linalg.norm(computed)
        if not difference <= TOLERANCE:
            raise InputError(
                f"{volume.path}: 'reconstruction_rss' of slice {number} differs by {difference:.1%} from the RSS of its"
                " k-space; make it anew, or remove it from the file."
            )


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
