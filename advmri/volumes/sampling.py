"""Whether k-space is what the audit takes it for: fully sampled on the acquired columns, its centre in the middle.

The RSS of undersampled k-space, or of k-space with its centre at the corner, looks like a target: nothing else tells.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from advmri.errors import InputError, UnusableSliceError
from advmri.volumes.reading import Volume, read_kspace

AcquiredColumns = Literal["header", "kspace"]
"""Values of dataset.acquired_columns."""
ZERO = 1e-7
"""Norm of a line relative to the largest one's that counts as zero: rounding of complex64 transforms stays below."""
CONCENTRATED = 0.3
"""Length of the mean vector of a line's energy around a circle; 0 where it is the same everywhere, as noise's."""
LARGEST_OFFSET = 1 / 4
"""Share of the lines that the centre of energy may lie off the middle; beyond, it is nearer to the corner."""
CENTRE_SHARE = 0.02
"""Of the columns: half the smallest centre in use, 4% at 8x."""
NAMED = 6


def _energy(kspace: NDArray[np.complex64], axis: int) -> NDArray[np.float64]:
    """Return the energy of every row (axis 1) or column (axis 2) of k-space [C, H, W]."""
    others = tuple(other for other in range(3) if other != axis)
    return (kspace.real**2 + kspace.imag**2).sum(axis=others, dtype=np.float64)


def zero_lines(kspace: NDArray[np.complex64], axis: int) -> NDArray[np.bool_]:
    """Return which rows (axis 1) or columns (axis 2) of k-space [C, H, W] are zero in every coil."""
    norms = np.sqrt(_energy(kspace, axis))
    return norms <= ZERO * norms.max()


def filled_range(zero: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the range [first, last) of the lines that hold anything; (0, 0) where none does."""
    filled = np.flatnonzero(~zero)
    return (int(filled[0]), int(filled[-1]) + 1) if filled.size else (0, 0)


def filled_rows(kspace: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Return k-space [C, H, W] without outer rows that are zero: they hold no noise."""
    first, last = filled_range(zero_lines(kspace, 1))
    return kspace[:, first:last]


def _listed(lines: NDArray[np.bool_]) -> str:
    numbers = list(map(str, np.flatnonzero(lines)))
    return ", ".join(numbers if len(numbers) <= NAMED else [*numbers[: NAMED - 1], "...", numbers[-1]])


def check_no_gaps(place: str, zero: NDArray[np.bool_], acquired: tuple[int, int], what: str) -> tuple[int, int]:
    """Return the range [first, last) of the acquired lines that hold anything.

    Args:
        place: file and slice, for the message.
        zero: which lines are zero in every coil.
        acquired: range that was acquired.
        what: rows or columns.

    Raises:
        InputError: where lines are zero between others.
    """
    inside = np.zeros(zero.size, bool)
    inside[slice(*acquired)] = True
    first, last = filled_range(zero | ~inside)
    if zero[first:last].any():
        zeros = zero & inside
        raise InputError(
            f"{place}: {zeros.sum()} of {inside.sum()} acquired {what} are zero in every coil ({_listed(zeros)}): an"
            " undersampled volume, whose aliased image would be the target; give the fully sampled k-space, or take the"
            " volume out of the folder."
        )
    return first, last


def written_columns(place: str, kspace: NDArray[np.complex64]) -> tuple[int, int] | None:
    """Return the acquired columns [first, last) of a slice [C, H, W] to be written; None where it tells none.

    A slice that is zero everywhere or not finite says nothing, and no audit uses it.

    Raises:
        InputError: where `check_sampling` would raise it and no setting helps: lines that are zero between others, or
            a centre of k-space at the corner.
    """
    if not np.isfinite(kspace).all() or not kspace.any():
        return None
    check_centre(place, kspace)
    rows, columns = zero_lines(kspace, 1), zero_lines(kspace, 2)
    check_no_gaps(place, rows, filled_range(rows), "rows")
    return check_no_gaps(place, columns, filled_range(columns), "columns")


def check_sampling(
    volume: Volume, number: int, kspace: NDArray[np.complex64], acquired: AcquiredColumns = "header"
) -> None:
    """Compare k-space [C, H, W] of one slice with what its volume says of it.

    Raises:
        InputError: where acquired columns or rows are zero in every coil, others hold data, or the centre of k-space
            lies nearer to the corner than to the middle.
    """
    place = f"{volume.path}: slice {number}"
    check_centre(place, kspace)
    zero = zero_lines(kspace, 2)
    left, right = volume.padding
    outside = ~zero
    outside[left:right] = False
    if outside.any():
        raise InputError(
            f"{place}: its header says that columns [{left}, {right}) of {volume.columns} were acquired, but others"
            f" hold data ({_listed(outside)}); correct encodingLimits/kspace_encoding_step_1 in the header."
        )
    first, last = check_no_gaps(place, zero, (left, right), "columns")
    if (first, last) != (left, right):
        raise InputError(
            f"{place}: its header says that columns [{left}, {right}) were acquired, but those outside"
            f" [{first}, {last}) are zero in every coil: partial Fourier, or zero padding; say so in the header"
            " (encodingLimits/kspace_encoding_step_1), or set dataset.acquired_columns to kspace."
        )
    first, last = check_no_gaps(place, zero_lines(kspace, 1), (0, volume.rows), "rows")
    if acquired == "header" and (first, last) != (0, volume.rows):
        raise InputError(
            f"{place}: rows outside [{first}, {last}) of {volume.rows} are zero in every coil: an asymmetric echo, or"
            " zero padding along the readout; set dataset.acquired_columns to kspace if that is so."
        )


def _offset(kspace: NDArray[np.complex64], axis: int) -> float:
    """Return how far from the middle the energy lies, in shares of the lines; 0 where it lies nowhere.

    By the circular mean: a single bright sample, or one half that is missing, hardly counts.
    """
    energy = _energy(kspace, axis)
    size = energy.size
    mean = (energy * np.exp(2j * np.pi * (np.arange(size) - size // 2) / size)).sum() / energy.sum()
    return float(np.angle(mean) / (2 * np.pi)) if abs(mean) > CONCENTRATED else 0.0


def check_centre(place: str, kspace: NDArray[np.complex64]) -> None:
    """Raise InputError where the energy of k-space [C, H, W] lies around its corner, not around its middle."""
    if not kspace.any():
        return
    off = [name for axis, name in ((1, "rows"), (2, "columns")) if abs(_offset(kspace, axis)) > LARGEST_OFFSET]
    if off:
        raise InputError(
            f"{place}: the centre of its k-space lies at the corner along {' and '.join(off)}, not in the middle: masks"
            " would keep the wrong lines as low frequencies; store it shifted (numpy.fft.fftshift over those axes)."
        )


def centre_caution(kspace: NDArray[np.complex64]) -> str | None:
    """Return a caution where the centre of k-space is so many columns off that masks may miss it; else None."""
    columns = kspace.shape[2]
    offset = _offset(kspace, 2) * columns
    if abs(offset) <= max(2.0, CENTRE_SHARE * columns):
        return None
    return (
        f"the centre of k-space lies {abs(offset):.0f} columns {'right' if offset > 0 else 'left'} of column"
        f" {columns // 2}, around which masks keep the low frequencies"
    )


def with_acquired_columns(volume: Volume, acquired: AcquiredColumns) -> Volume:
    """Return a volume with its acquired columns: the header's, or those of them that hold data in a slice.

    Args:
        volume: as `read_volume` returns it.
        acquired: `kspace` takes outer columns that are zero in every coil for not acquired (partial Fourier, padding):
            in the usable slice nearest the middle. Without a usable one the header stands.
    """
    if acquired == "header":
        return volume
    left, right = volume.padding
    for number in sorted(range(volume.slices), key=lambda number: abs(number - volume.slices // 2)):
        try:
            kspace = read_kspace(volume, number)
        except UnusableSliceError:
            continue
        first, last = filled_range(zero_lines(kspace, 2)[left:right])
        return replace(volume, padding=(left + first, left + last)) if last else volume
    return volume
