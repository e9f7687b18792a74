"""The control: random Gaussian noise with exactly the per-coil norms that the adversary may use."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from advmri.attacks.coil_ball import CoilBall
from advmri.attacks.search import BestIterate, Objective, SearchResult


@dataclass(frozen=True)
class Optimiser:
    """Draw perturbations on the surface of the balls and keep the worst: a conservative control."""

    draws: int = 3

    def maximise(self, objective: Objective, ball: CoilBall, generators: Sequence[torch.Generator]) -> SearchResult:
        """See `advmri.attacks.search.Optimiser`; the trace holds one value per draw."""
        found = BestIterate()
        draw = ball.zero()
        for _ in range(self.draws):
            draw = ball.random_on_surface(generators)
            with torch.no_grad():
                found.offer(draw, objective(draw))
        return found.result(draw)
