"""What of an imported array looks as if it were given the wrong way: a caution, since nothing is certain."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advmri.volumes.sampling import filled_range, zero_lines

SHARE = 100
"""The energy of the largest of so many samples tells how concentrated an array is."""
MORE = 1.5
"""So many times as concentrated counts: noise is the same in both domains, real scans differ by 5 and more."""
SMALLEST_IMAGE = 32
"""Pixels of a side; no MR image is smaller."""


def _concentration(array: NDArray[np.complexfloating[Any, Any]]) -> float:
    """Return the share of the energy of [C, H, W] that lies in the largest hundredth of its samples."""
    energy = np.sort((array.real**2 + array.imag**2).sum(axis=0, dtype=np.float64), axis=None)[::-1]
    total = energy.sum()
    return float(energy[: max(1, energy.size // SHARE)].sum() / total) if total else 0.0


def looks_like_images(kspace: NDArray[np.complex64]) -> bool:
    """Whether k-space [C, H, W] is rather coil images: its energy is more concentrated after the transform.

    Of a real scan the largest hundredth of the samples holds some four fifths of the energy of k-space, and a tenth of
    the images'. Where the centre lies does not matter.
    """
    return _concentration(np.fft.fft2(kspace, norm="ortho")) > MORE * _concentration(kspace)


def kspace_cautions(kspace: NDArray[np.complex64], coil_images: bool) -> list[str]:
    """Return what looks wrong with one slice's k-space [C, H, W], in words.

    Args:
        kspace: as it is going to be written.
        coil_images: whether it was transformed from what `--coil-images` calls coil images.
    """
    coils, rows, columns = kspace.shape
    found = []
    if coils > min(rows, columns):
        found.append(
            f"{coils} coils of {rows} x {columns} samples: more coils than lines; --axes names the array's axes in"
            " their order, is that another one?"
        )
    first, last = filled_range(zero_lines(kspace, 1))
    if last and (first, last) != (0, rows):
        found.append(
            f"rows outside [{first}, {last}) are zero in every coil: an asymmetric echo, or zero padding along the"
            " readout; set dataset.acquired_columns to kspace in the config, or the audit stops there"
        )
    if looks_like_images(kspace):
        found.append(
            "after the transform its energy is spread over all of k-space, as if the array held k-space already; if so,"
            " leave --coil-images out"
            if coil_images
            else "its energy is spread over the array as over an image, and concentrated after the transform; if it"
            " holds coil images, give --coil-images"
        )
    return found


def image_cautions(images: int, size: Sequence[int]) -> list[str]:
    """Return what looks wrong with the shape of so many images of (rows, columns), in words."""
    if min(size) >= SMALLEST_IMAGE or images < SMALLEST_IMAGE:
        return []
    return [f"{images} images of {size[0]} x {size[1]} pixels: the array's first axis must count the images, does it?"]
