"""Cartesian sampling masks: fastMRI's own mask functions, seeded by the volume's name."""

from dataclasses import dataclass

import numpy as np
import torch
from fastmri.data.subsample import create_mask_for_mask_type
from torch import Tensor


@dataclass(frozen=True)
class SamplingMask:
    """Which columns of k-space are measured.

    Attributes:
        columns: bool [W].
        num_low_frequencies: number of fully sampled central columns.
    """

    columns: Tensor
    num_low_frequencies: int

    @property
    def realised_acceleration(self) -> float:
        """Columns in all over columns measured."""
        return self.columns.numel() / int(self.columns.sum())


def fastmri_seed(volume: str) -> tuple[int, ...]:
    """Return the seed that fastMRI derives from a volume's file name, its ending included (data/transforms.py:338)."""
    return tuple(map(ord, f"{volume}.h5"))


def make_mask(
    width: int,
    acceleration: int,
    centre_fraction: float,
    mask_type: str,
    seed: int | tuple[int, ...],
    padding: tuple[int, int] | None = None,
) -> SamplingMask:
    """Draw a mask of `width` columns exactly as fastMRI's transforms do.

    Args:
        width: number of columns of k-space.
        acceleration: nominal acceleration.
        centre_fraction: share of the columns that is fully sampled in the centre.
        mask_type: `random` or `equispaced_fraction` (names of fastMRI).
        seed: for a volume's one mask, `fastmri_seed(volume)`.
        padding: acquired columns [left, right); columns outside are never measured.

    Raises:
        ValueError: where no column would be measured, the centre holds none, or it alone uses the acceleration up.
    """
    centre = round(width * centre_fraction)
    if not 0 < centre * acceleration < width:
        raise ValueError(
            f"a centre of {centre_fraction} is {centre} of {width} columns; it must hold one, and fewer than"
            f" 1/{acceleration} of them"
        )
    mask_function = create_mask_for_mask_type(mask_type, [centre_fraction], [acceleration])
    if isinstance(seed, int):
        seed = tuple(int(word) for word in np.random.SeedSequence(seed).generate_state(4))
    mask, num_low_frequencies = mask_function((1, width, 2), seed=seed)
    columns = mask.reshape(width).to(torch.bool)
    if padding is not None:
        columns[: padding[0]] = False
        columns[padding[1] :] = False
    if not columns.any():
        raise ValueError(f"none of the columns acquired, {padding or (0, width)}, would be measured")
    return SamplingMask(columns, int(num_low_frequencies))
