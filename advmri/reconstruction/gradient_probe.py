"""Whether a gradient is the one of its function: central differences along parts of it.

Attacks follow the gradient. One that lacks a part, for instance what flows through coil maps, is finite and not zero,
yet finds less: a broken network would look robust.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

STEPS = (1e-4, 1e-5, 1e-6, 1e-3, 1e-7)
"""Lengths of the steps, relative to the k-space's norm, in the order in which they are tried.

Kinks spoil long steps and float32's rounding short ones, each some of them only; a wrong gradient is wrong at all.
On this project's networks 1e-4 is within 0.7%, in float32 too. Where normalised layers meet a flat background,
thousands of kinks lie together: 0.51 there, and right only at 1e-6.
"""
TOLERANCE = 0.03
"""Largest distance of a ratio from 1."""

Objective = Callable[[Tensor], Tensor]
"""k-space, or noise on it, [1, C, H, W] to a number."""


@dataclass(frozen=True)
class Probe:
    """An objective at a place, and what its gradient is there.

    Attributes:
        objective: differentiable in k-space.
        at: where [1, C, H, W].
        gradient: as autograd gives it for complex tensors [1, C, H, W].
        scale: the k-space's norm, of which steps are shares.
    """

    objective: Objective
    at: Tensor
    gradient: Tensor
    scale: float

    def ratio_of_step(self, direction: Tensor, step: float) -> float:
        """Return the central difference along a direction over what the gradient says of it; NaN where that is 0."""
        length = torch.linalg.vector_norm(direction)
        if not length > 0:
            return float("nan")
        direction = direction / length
        expected = torch.view_as_real(self.gradient).double().mul(torch.view_as_real(direction).double()).sum()
        if not expected.abs() > 0:
            return float("nan")
        change = direction * (step * self.scale)
        with torch.no_grad():
            difference = self.objective(self.at + change).double() - self.objective(self.at - change).double()
        return float(difference / (2 * step * self.scale * expected))

    def ratio(self, direction: Tensor) -> float:
        """Return the ratio of the step that agrees best, or of the first within `TOLERANCE`."""
        nearest = float("nan")
        for step in STEPS:
            ratio = self.ratio_of_step(direction, step)
            if not abs(nearest - 1) <= abs(ratio - 1):
                nearest = ratio
            if abs(nearest - 1) <= TOLERANCE:
                break
        return nearest


def central_columns(width: int, num_low_frequencies: int, device: torch.device) -> Tensor:
    """Return which columns are the fully sampled central ones, bool [W]."""
    first = (width - num_low_frequencies + 1) // 2
    columns = torch.arange(width, device=device)
    return (columns >= first) & (columns < first + num_low_frequencies)


def parts_of_gradient(gradient: Tensor, central: Tensor) -> dict[str, Tensor]:
    """Return the directions that are tried, each [1, C, H, W]: what each is called, and a part of the gradient.

    The parts lie apart: what maps or scales drop is mostly in the centre, which they are estimated from. Parts that are
    zero are left out.

    Args:
        gradient: [1, C, H, W].
        central: which of its columns are the central ones, bool [W].
    """
    parts = {"centre columns": gradient * central, "other columns": gradient * ~central}
    return {name: part for name, part in parts.items() if part.any()}


def balanced_direction(gradient: Tensor, central: Tensor) -> Tensor:
    """Return one direction [1, C, H, W] in which both parts of the gradient count alike: for want of time for each."""
    parts = parts_of_gradient(gradient, central).values()
    return sum((part / torch.linalg.vector_norm(part) for part in parts), torch.zeros_like(gradient))
