"""Whether the gradient that a search follows is that of its objective, on the slice at hand."""

import math

import torch

from advmri.attacks.noise.problem import Case, NoiseProblem
from advmri.attacks.noise.search import value_and_gradient
from advmri.attacks.noise.settings import DIRECTIONS
from advmri.reconstruction.full_precision import full_precision
from advmri.reconstruction.gradient_probe import (
    DRAWN_TOLERANCE,
    TOLERANCE,
    Probe,
    balanced_direction,
    central_columns,
    directions_of_kspace,
)

TOLERANCES = (TOLERANCE, DRAWN_TOLERANCE, DRAWN_TOLERANCE)
"""Largest distance from 1 in each of the directions."""


@full_precision()
def gradient_ratio(problem: NoiseProblem, region: str) -> list[float]:
    """Return by how much the error changes around no noise, over what the gradient there says; 1 is right.

    Of the L2 error of the region, whatever the attack maximises: what does not reach k-space is the network's, and
    SSIM changes too little for float32. Three directions: that of the gradient, in which its central columns and the
    others count alike, and two that do not come from it: the k-space of the central columns and that of the others,
    each times a phase for each coil. A gradient and, where it is right, six evaluations.

    Args:
        problem: of one slice.
        region: the target.

    Returns:
        One for each direction; infinite where the gradient says nothing of what changes, NaN where there is no k-space
        to change, the gradient is zero, or no severity is searched.
    """
    scan = problem.scans[0]
    searched = [place for place, severity in enumerate(problem.settings.severities) if severity > 0]
    if not searched:
        return [math.nan] * DIRECTIONS
    cases = [Case(0, region, searched[0])]
    error = NoiseProblem(
        problem.scans, problem.regions, problem.settings.model_copy(update={"objective": "l2"}), problem.data_range
    )
    objective, nothing = error.objective(cases), error.bound(cases).zero()
    _, gradient = value_and_gradient(objective, nothing)
    if not gradient.any():
        return [math.nan] * DIRECTIONS
    central = central_columns(len(scan.mask), scan.num_low_frequencies, scan.mask.device)[scan.measured_columns]
    kspace = scan.kspace[None, ..., scan.measured_columns]
    probe = Probe(objective, nothing, gradient, float(torch.linalg.vector_norm(kspace)))
    drawn = directions_of_kspace(kspace, gradient, central, kept=1)
    return [
        probe.ratio(balanced_direction(gradient, central)),
        *(probe.ratio(drawn[part][0]) if part in drawn else math.nan for part in ("centre columns", "other columns")),
    ]
