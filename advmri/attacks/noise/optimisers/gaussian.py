"""The control: random noise that uses exactly the budget that the adversary has."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from advmri.attacks.noise.bounded_set import BoundedSet
from advmri.attacks.noise.search import BestIterate, SearchObjective, SearchResult, Start


@dataclass(frozen=True)
class Optimiser:
    """Draw perturbations on the surface of the bound and keep the worst: a conservative control."""

    draws: int = 3

    def maximise(self, objective: SearchObjective, bound: BoundedSet, starts: Sequence[Start]) -> SearchResult:
        """See `advmri.attacks.noise.search.Optimiser`; the trace holds one value per draw."""
        found = BestIterate(bound.zero())
        for _ in range(self.draws):
            draw = bound.random_on_surface([start.generator for start in starts])
            with torch.no_grad():
                found.offer(draw, objective(draw))
        return found.result()
