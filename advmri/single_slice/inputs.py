"""What a user hands over from Python, checked and as the attacks take it."""

from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from advmri.errors import InputError
from advmri.image_quality.image_pair import SsimOfBox
from advmri.image_quality.ssim import SSIM_WINDOW, Region
from advmri.volumes.sampling import check_centre, check_no_gaps, zero_lines

Bounds = tuple[tuple[int, int], tuple[int, int]]
"""Rows (first, one past the last) and columns of a box in the cropped reconstruction."""


@dataclass(frozen=True)
class LiveKspace:
    """K-space of the coils that hold any data.

    Attributes:
        samples: complex64 [C, H, W].
        coils: places of these coils in what was given [C].
        all_coils: how many were given.
    """

    samples: NDArray[np.complex64]
    coils: NDArray[np.int64]
    all_coils: int


def _as_array(values: Tensor | ArrayLike) -> NDArray[Any]:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def live_kspace(given: Tensor | ArrayLike) -> LiveKspace:
    """Return fully sampled k-space [C, H, W] without its dead coils, which the workflow leaves out too.

    Raises:
        InputError: where it is not complex64 of three axes, not finite, or zero everywhere.
    """
    kspace = _as_array(given)
    if kspace.ndim != 3 or 0 in kspace.shape:
        raise InputError(f"kspace: of shape {list(kspace.shape)}; give the k-space of one slice, [C, H, W].")
    if kspace.dtype != np.complex64:
        raise InputError(f"kspace: {kspace.dtype}; give complex64, for instance by kspace.astype('complex64').")
    if not np.isfinite(kspace).all():
        raise InputError(f"kspace: {int((~np.isfinite(kspace)).sum())} samples are NaN or infinite; mend the slice.")
    coils = np.flatnonzero(kspace.any(axis=(-2, -1)))
    if not coils.size:
        raise InputError("kspace: zero everywhere; choose a slice that holds data.")
    return LiveKspace(np.ascontiguousarray(kspace[coils]), coils, len(kspace))


def measured_columns(given: Tensor | ArrayLike, width: int) -> NDArray[np.bool_]:
    """Return the measured columns bool [W].

    Raises:
        InputError: where the mask is of another width, no mask, or measures nothing.
    """
    mask = _as_array(given)
    if mask.shape != (width,):
        raise InputError(f"mask: of shape {list(mask.shape)}; give one value for each of the {width} columns, [W].")
    if mask.dtype.kind not in "biuf" or not np.isin(mask, (0, 1)).all():
        raise InputError("mask: holds more than True and False (or 1 and 0); give the measured columns as bool [W].")
    if not mask.any():
        raise InputError("mask: measures no column; give at least one that is True.")
    return mask.astype(bool)


def central_columns(mask: NDArray[np.bool_]) -> int:
    """Count the fully sampled central columns of a mask [W], as fastMRI's VarNet does; at least 1."""
    centre = len(mask) // 2
    left, right = (int(np.cumprod(side).sum()) for side in (mask[:centre][::-1], mask[centre:]))
    return max(2 * min(left, right), 1)


def checked_centre(given: int | None, mask: NDArray[np.bool_]) -> int:
    """Return the number of fully sampled central columns: the one given, or that counted in the mask [W].

    Raises:
        InputError: where it is no number of columns.
    """
    if given is None:
        return central_columns(mask)
    if not isinstance(given, int | np.integer) or not 1 <= given <= len(mask):
        raise InputError(f"num_low_frequencies: {given!r}; give a whole number from 1 to the {len(mask)} columns.")
    return int(given)


def check_fully_sampled(kspace: NDArray[np.complex64], acquired: tuple[int, int]) -> None:
    """Check k-space [C, H, W] as the index of a volume does.

    Raises:
        InputError: where its centre lies at the corner, or rows, or acquired columns, are zero between others.
    """
    check_centre("kspace", kspace)
    check_no_gaps("kspace", zero_lines(kspace, 2), acquired, "columns")
    check_no_gaps("kspace", zero_lines(kspace, 1), (0, kspace.shape[1]), "rows")


def acquired_columns(given: tuple[int, int] | None, kspace: NDArray[np.complex64]) -> tuple[int, int]:
    """Return the acquired columns [left, right): those given, or from the first to the last of k-space that holds data.

    Raises:
        InputError: where they are no range within k-space [C, H, W].
    """
    if given is None:
        filled = np.flatnonzero(kspace.any(axis=(0, 1)))
        return int(filled[0]), int(filled[-1]) + 1
    width = kspace.shape[2]
    try:
        left, right = (int(column) for column in given)
    except (TypeError, ValueError) as error:
        raise InputError(f"padding: {given!r}; give the acquired columns, (left, right).") from error
    if (left, right) != tuple(given) or not 0 <= left < right <= width:
        raise InputError(f"padding: {given!r}; give the acquired columns (left, right) within the {width} of k-space.")
    return left, right


def checked_crop(given: Any, limits: tuple[int, int]) -> tuple[int, int]:
    """Return a crop (h, w) within `limits`, the size of the k-space's image.

    Raises:
        InputError: where it is none.
    """
    try:
        rows, columns = (int(size) for size in given)
        whole = (rows, columns) == tuple(given)
    except (TypeError, ValueError) as error:
        raise InputError(f"crop: {given!r}; give two whole numbers, (h, w).") from error
    if not whole or not (SSIM_WINDOW <= rows <= limits[0] and SSIM_WINDOW <= columns <= limits[1]):
        raise InputError(
            f"crop: {given!r}; give two whole numbers from {SSIM_WINDOW} (the window of SSIM) to {limits[0]} rows"
            f" and {limits[1]} columns."
        )
    return rows, columns


def checked_region(box: Any, crop: tuple[int, int]) -> Region:
    """Return the rows and columns of a box ((row0, row1), (column0, column1)), half-open, in the crop (h, w).

    Raises:
        InputError: where it is no box, empty, or not inside the image.
    """
    try:
        (row0, row1), (column0, column1) = box
        corners = tuple(int(corner) for corner in (row0, row1, column0, column1))
        whole = corners == (row0, row1, column0, column1)
    except (TypeError, ValueError) as error:
        raise InputError(f"box: {box!r}; give ((row0, row1), (column0, column1)), half-open.") from error
    row0, row1, column0, column1 = corners
    if not whole or not (0 <= row0 < row1 <= crop[0] and 0 <= column0 < column1 <= crop[1]):
        raise InputError(
            f"box: {box!r} is not inside the image of {crop[0]} rows and {crop[1]} columns (of the crop, half-open);"
            " correct it."
        )
    return slice(row0, row1), slice(column0, column1)


def checked_options(batch_size: Any, ssim_of_box: Any) -> tuple[int, SsimOfBox]:
    """Return how much is computed at a time, and which SSIM a box has.

    Raises:
        InputError: where one is impossible.
    """
    if not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise InputError(f"batch_size: {batch_size!r}; give a whole number of at least 1.")
    if ssim_of_box not in get_args(SsimOfBox):
        raise InputError(f"ssim_of_box: {ssim_of_box!r}; choose {' or '.join(get_args(SsimOfBox))}.")
    return int(batch_size), ssim_of_box


def checked_range(given: float | None, target: NDArray[np.float32]) -> float:
    """Return the data range of SSIM and PSNR: the one given, or the largest value of the target [h, w].

    Raises:
        InputError: where it is not a positive number.
    """
    value = float(target.max()) if given is None else given
    if not (isinstance(value, int | float | np.number) and np.isfinite(value) and value > 0):
        raise InputError(f"data_range: {value!r}; give the largest value of the volume's RSS, a positive number.")
    return float(value)
