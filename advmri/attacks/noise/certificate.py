"""The certificate of one noise attack: what anyone can recompute from the stored perturbation alone."""

from dataclasses import dataclass

import torch
from torch import Tensor

from advmri.acquisition.kspace import rss_reconstruction
from advmri.attacks.noise.problem import Case, NoiseProblem
from advmri.reconstruction.full_precision import full_precision


@dataclass(frozen=True)
class Certificate:
    """What the stored noise does, evaluated in float32 with a batch of one.

    Attributes:
        reconstruction: f(M(k + z)) [h, w].
        perturbed_target: RSS of the fully sampled k + z [h, w].
        objective: the objective of `reconstruction`.
        gauge: by how much the bound would have to be scaled to just hold z; at most 1 up to rounding.
        budget_used: share of the budget in use, averaged over the parts that are bounded separately; 0 at severity 0.
        largest_unmeasured: largest change of a sample outside the measured columns, of the whole k-space put together.
        non_deterministic: a second evaluation gave another reconstruction.
    """

    reconstruction: Tensor
    perturbed_target: Tensor
    objective: float
    gauge: float
    budget_used: float
    largest_unmeasured: float
    non_deterministic: bool


@torch.no_grad()
@full_precision()
def certify(problem: NoiseProblem, case: Case, noise: Tensor) -> Certificate:
    """Evaluate the noise z [1, C, H, n] of one case.

    Determinism is a matter of the network: the second evaluation is made at the largest severity alone.
    """
    scan = problem.scans[case.scan]
    nothing = not noise.any()
    kspace = scan.perturbed_kspace(noise)
    reconstruction = scan.clean()[None] if nothing else scan.reconstruct(kspace)
    differs = False
    if case.severity == len(problem.settings.severities) - 1:
        differs = not torch.equal(scan.reconstruct(kspace), reconstruction)
    bound = problem.bound([case])
    bounded = problem.whitened([case], noise)
    return Certificate(
        reconstruction=reconstruction[0],
        perturbed_target=rss_reconstruction(kspace, scan.crop)[0],
        objective=problem.damage([case])(reconstruction).item(),
        gauge=0.0 if nothing else bound.gauge(bounded).item(),
        budget_used=0.0 if nothing else bound.budget_used(bounded).item(),
        largest_unmeasured=((kspace[0] - scan.kspace) * ~scan.mask).abs().max().item(),
        non_deterministic=differs,
    )
