"""Projected gradient ascent, the paper's optimiser: 10 steps of 0.5 on the normalised gradient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from advmri.attacks.noise.bounded_set import BoundedSet
from advmri.attacks.noise.search import (
    BestIterate,
    SearchObjective,
    SearchResult,
    Start,
    first_iterate,
    value_and_gradient,
)


@dataclass(frozen=True)
class Optimiser:
    """Steepest ascent in the bound's geometry, then exact projection; the best iterate is kept.

    For the coil balls: z <- P(z + step_size * eta ||k_i|| g_i / ||g_i||) for every coil i (paper, section 2 after
    eq. (5)). A start at zero makes the search deterministic and puts the clean reconstruction at the head of the trace.
    """

    steps: int = 10
    step_size: float = 0.5
    start: Literal["zero", "random"] = "zero"
    stop_gain: float = 0.0

    def maximise(self, objective: SearchObjective, bound: BoundedSet, starts: Sequence[Start]) -> SearchResult:
        """See `advmri.attacks.noise.search.Optimiser`."""
        iterate = first_iterate(bound, starts, self.start)
        found = BestIterate(iterate, self.stop_gain)
        for _ in range(self.steps):
            value, gradient = value_and_gradient(objective, iterate)
            found.offer(iterate, value, gradient)
            if not found.searching.any():
                return found.result()
            iterate = bound.project(iterate + bound.ascent(gradient, self.step_size))
        with torch.no_grad():
            found.offer(iterate, objective(iterate))
        return found.result()
