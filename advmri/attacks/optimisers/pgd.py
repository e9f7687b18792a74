"""Projected gradient ascent, the paper's optimiser: 10 steps of 0.5 on the normalised gradient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from advmri.attacks.coil_ball import CoilBall, scale_coils
from advmri.attacks.search import BestIterate, Objective, SearchResult


@dataclass(frozen=True)
class Optimiser:
    """Steepest ascent in the geometry of the coil balls, then exact projection; the best iterate is kept.

    z <- P(z + step_size * eta ||k_i|| g_i / ||g_i||) for every coil i (paper, section 2 after eq. (5)). Starting at
    zero makes the search deterministic and puts the clean reconstruction at the head of the trace.
    """

    steps: int = 10
    step_size: float = 0.5
    start: Literal["zero", "random"] = "zero"

    def maximise(self, objective: Objective, ball: CoilBall, generators: Sequence[torch.Generator]) -> SearchResult:
        """See `advmri.attacks.search.Optimiser`."""
        found = BestIterate()
        iterate = ball.zero() if self.start == "zero" else ball.random_on_surface(generators)
        for _ in range(self.steps):
            iterate.requires_grad_(True)
            value = objective(iterate)
            (gradient,) = torch.autograd.grad(value.sum(), iterate)
            iterate = iterate.detach()
            found.offer(iterate, value.detach())
            iterate = ball.project(iterate + scale_coils(gradient, self.step_size * ball.radius))
        with torch.no_grad():
            found.offer(iterate, objective(iterate))
        return found.result(iterate)
