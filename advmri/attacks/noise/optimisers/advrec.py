"""The update rule of AdvRec, the code that the paper's authors published, for a comparison of numbers.

github.com/NikolasMorshuis/AdvRec, augmentor/kspace_noise.py; differences from the paper in docs/differences.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from advmri.attacks.noise.bounds import coil_l2
from advmri.attacks.noise.search import BestIterate, SearchObjective, SearchResult, Start, value_and_gradient
from advmri.attacks.norms import coil_norms, complex_gaussian, scale_coils

STEP_SIZE = 0.5
"""perturbation_finder.py:208."""


@dataclass(frozen=True)
class Optimiser:
    """Noise and gradient are normalised over all coils together, and a coil is only ever scaled down.

    AdvRec's noise covers all acquired columns, but it is masked afterwards: what lies on unmeasured columns has no
    gradient and enters through its norm in each coil alone. That norm is carried along here instead of the noise.
    The last iterate is AdvRec's result; the best one is reported as for every optimiser, the last stored beside it.

    Attributes:
        steps: gradient steps.
        unmeasured_samples: acquired samples per coil that the mask leaves out; filled in from the scan.
    """

    steps: int = 10
    unmeasured_samples: int = 0

    def maximise(self, objective: SearchObjective, bound: coil_l2.Bound, starts: Sequence[Start]) -> SearchResult:
        """See `advmri.attacks.noise.search.Optimiser`; the set must be that of `coil_l2`."""
        return self.search_from(objective, bound, *self.draw(bound, starts))

    def draw(self, bound: coil_l2.Bound, starts: Sequence[Start]) -> tuple[Tensor, Tensor]:
        """Draw the start: Gaussian noise on all acquired columns, scaled per coil (kspace_noise.py:66-81).

        Returns:
            the part on measured columns [B, C, H, n], and the norm of the rest in each coil [B, C].
        """
        device = bound.radius.device
        generators = [start.generator for start in starts]
        measured = complex_gaussian(bound.shape, generators, device)
        rest = complex_gaussian((bound.shape[0], self.unmeasured_samples), generators, device)
        rest_norm = torch.linalg.vector_norm(rest, dim=-1)
        whole = torch.hypot(coil_norms(measured), rest_norm)
        return scale_coils(measured, bound.radius * coil_norms(measured) / whole), bound.radius * rest_norm / whole

    def search_from(
        self, objective: SearchObjective, bound: coil_l2.Bound, iterate: Tensor, rest_norm: Tensor
    ) -> SearchResult:
        """Search from a start: its part on measured columns [B, C, H, n], and the norm of the rest [B, C]."""
        found = BestIterate(iterate)
        for _ in range(self.steps):
            value, gradient = value_and_gradient(objective, iterate)
            found.offer(iterate, value, gradient)
            # kspace_noise.py:101: both normalised over everything, and the sum per coil held to 1 (line 12-15) ...
            share = torch.hypot(coil_norms(iterate), rest_norm).norm(dim=1)
            slope = coil_norms(gradient).norm(dim=1).clamp_min(torch.finfo(torch.float32).tiny)
            moved = iterate / _members(share) + STEP_SIZE * gradient / _members(slope)
            rest_norm = rest_norm / share[:, None]
            excess = torch.hypot(coil_norms(moved), rest_norm).clamp_min(1.0)
            # ... and multiplied by eta ||k_i|| (line 115), which is far below the bound for a sum held to 1.
            scale = bound.radius / excess
            iterate, rest_norm = moved * scale[..., None, None], rest_norm * scale
        with torch.no_grad():
            found.offer(iterate, objective(iterate))
        return found.result()


def _members(values: Tensor) -> Tensor:
    return values[:, None, None, None]
