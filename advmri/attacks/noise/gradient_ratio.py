"""Whether the gradient that a search follows is that of its objective, on the slice at hand."""

import torch

from advmri.attacks.noise.problem import Case, NoiseProblem
from advmri.attacks.noise.search import value_and_gradient
from advmri.reconstruction.full_precision import full_precision
from advmri.reconstruction.gradient_probe import Probe, balanced_direction, central_columns


@full_precision()
def gradient_ratio(problem: NoiseProblem, region: str) -> float:
    """Return by how much the objective changes around no noise, over what the gradient there says; 1 is right.

    One direction, in which the gradient on the central columns and that on the others count alike. In float32: a
    gradient and, where it is right, two evaluations.

    Args:
        problem: of one slice.
        region: the target.

    Returns:
        NaN where the gradient is zero, or no severity is searched.
    """
    scan = problem.scans[0]
    searched = [place for place, severity in enumerate(problem.settings.severities) if severity > 0]
    if not searched:
        return float("nan")
    cases = [Case(0, region, searched[0])]
    objective, nothing = problem.objective(cases), problem.bound(cases).zero()
    _, gradient = value_and_gradient(objective, nothing)
    central = central_columns(len(scan.mask), scan.num_low_frequencies, scan.mask.device)[scan.measured_columns]
    scale = float(torch.linalg.vector_norm(scan.kspace * scan.mask))
    return Probe(objective, nothing, gradient, scale).ratio(balanced_direction(gradient, central))
