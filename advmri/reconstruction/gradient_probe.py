"""Whether a gradient is the one of its function: central differences along parts of it.

Attacks follow the gradient. One that lacks a part, for instance what flows through coil maps, is finite and not zero,
yet finds less: a broken network would look robust.
"""

from collections.abc import Callable, Sequence

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
"""k-space [1, C, H, W] to a number."""


def central_ratio(objective: Objective, kspace: Tensor, gradient: Tensor, direction: Tensor, step: float) -> float:
    """Return the central difference along a direction over what the gradient says of it; NaN where that is nothing.

    Args:
        objective: differentiable in k-space.
        kspace: where [1, C, H, W].
        gradient: of the objective there, as autograd gives it for complex tensors [1, C, H, W].
        direction: [1, C, H, W], of any length but zero.
        step: its length, relative to the norm of `kspace`.
    """
    length = torch.linalg.vector_norm(direction)
    expected = torch.view_as_real(gradient).double().mul(torch.view_as_real(direction / length).double()).sum()
    if not length > 0 or not expected.abs() > 0:
        return float("nan")
    change = (direction / length) * (step * torch.linalg.vector_norm(kspace))
    with torch.no_grad():
        difference = objective(kspace + change).double() - objective(kspace - change).double()
    return float(difference / (2 * step * torch.linalg.vector_norm(kspace).double() * expected))


def nearest_ratio(
    objective: Objective, kspace: Tensor, gradient: Tensor, direction: Tensor, steps: Sequence[float] = STEPS
) -> float:
    """Return the ratio of the step that agrees best, or of the first within `TOLERANCE`; see `central_ratio`."""
    nearest = float("nan")
    for step in steps:
        ratio = central_ratio(objective, kspace, gradient, direction, step)
        if not abs(nearest - 1) <= abs(ratio - 1):
            nearest = ratio
        if abs(nearest - 1) <= TOLERANCE:
            break
    return nearest


def parts_of_gradient(gradient: Tensor, num_low_frequencies: int) -> dict[str, Tensor]:
    """Return the directions that are tried, each [1, C, H, W]: what each is called, and a part of the gradient.

    The parts lie apart: what maps or scales drop is mostly in the centre, which they are estimated from.
    """
    width = gradient.shape[-1]
    first = (width - num_low_frequencies + 1) // 2
    centre = torch.zeros_like(gradient)
    centre[..., first : first + num_low_frequencies] = gradient[..., first : first + num_low_frequencies]
    return {"centre columns": centre, "other columns": gradient - centre}


def balanced_direction(gradient: Tensor, num_low_frequencies: int) -> Tensor:
    """Return one direction [1, C, H, W] in which both parts of the gradient count alike: for want of time for each."""
    parts = [part for part in parts_of_gradient(gradient, num_low_frequencies).values() if part.any()]
    return sum((part / torch.linalg.vector_norm(part) for part in parts), torch.zeros_like(gradient))
