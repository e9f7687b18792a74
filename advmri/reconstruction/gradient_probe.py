"""Whether a gradient is the one of its function: central differences along parts of it, and along k-space.

Attacks follow the gradient. One that lacks a part, for instance what flows through coil maps, is finite and not zero,
yet finds less: a broken network would look robust. What is lacking may be orthogonal to the rest, for instance all of
a coil: along the gradient itself it is not seen, so other directions are tried too.
"""

import math
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
"""Largest distance of a ratio from 1, along the gradient."""
DRAWN_TOLERANCE = 0.1
"""The same in a direction that was drawn: the gradient says less there, so kinks and rounding weigh more.

Right networks of this project are within 3%; what does not reach a coil, or half of the samples, is beyond 20%.
"""
DRAWS = 8
"""Directions of k-space that are drawn. Those of the largest slopes are measured: small ones drown in rounding."""

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

    def _slope(self, direction: Tensor) -> Tensor:
        """Return the inner product of the gradient and a direction, both as real numbers."""
        return torch.view_as_real(self.gradient).double().mul(torch.view_as_real(direction).double()).sum()

    def ratio_of_step(self, direction: Tensor, step: float) -> float:
        """Return the central difference along a direction over what the gradient says of it.

        Where both are 0 it is 1, where only the latter is 0 it is infinite; NaN where there is no direction.
        """
        length = torch.linalg.vector_norm(direction)
        if not length > 0:
            return float("nan")
        direction = direction / length
        expected = self._slope(direction)
        change = direction * (step * self.scale)
        with torch.no_grad():
            difference = self.objective(self.at + change).double() - self.objective(self.at - change).double()
        if not expected.abs() > 0:
            return 1.0 if difference == 0 else float("inf")
        return float(difference / (2 * step * self.scale * expected))

    def ratio(self, direction: Tensor) -> float:
        """Return the ratio of the step that agrees best, or of the first within `TOLERANCE`.

        Where the gradient says nothing of a direction, that of the longest: rounding hides small changes.
        """
        if not self._slope(direction).abs() > 0:
            return self.ratio_of_step(direction, max(STEPS))
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


def directions_of_kspace(kspace: Tensor, gradient: Tensor, central: Tensor, kept: int) -> dict[str, list[Tensor]]:
    """Return directions that do not come from the gradient, each [1, C, H, W]: k-space times a phase for each coil.

    The phases are random, the same in every call: no coil counts for less than its share. Central columns and the
    others are directions of their own: together, the larger hides what the smaller lacks. Parts in which k-space is
    zero are left out.

    Args:
        kspace: [1, C, H, W].
        gradient: what is to be tried, of that shape.
        central: which of its columns are the central ones, bool [W].
        kept: how many of `DRAWS` are returned for each part: those along which the gradient says most.
    """
    generator = torch.Generator().manual_seed(0)
    angles = 2 * math.pi * torch.rand(DRAWS, kspace.shape[1], generator=generator, dtype=torch.float64)
    factors = torch.polar(torch.ones_like(angles), angles)
    directions = {}
    for name, columns in {"centre columns": central, "other columns": ~central}.items():
        part = kspace * columns
        if not part.any():
            continue
        per_coil = (gradient.conj() * part).to(torch.complex128).sum(dim=(0, 2, 3)).cpu()
        slopes = (factors @ per_coil).real.abs()
        chosen = factors[slopes.argsort(descending=True)[:kept]].to(kspace.device, kspace.dtype)
        directions[name] = [part * factor[:, None, None] for factor in chosen]
    return directions
