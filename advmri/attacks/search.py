"""What an optimiser is given and what it returns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from advmri.attacks.coil_ball import CoilBall

Objective = Callable[[Tensor], Tensor]
"""Perturbations complex [B, C, H, n] to the values [B] that are maximised; differentiable."""


@dataclass(frozen=True)
class SearchResult:
    """The worst perturbations found.

    Attributes:
        best: complex [B, C, H, n], the iterate with the largest objective.
        last: complex [B, C, H, n], the last iterate.
        trace: [B, steps + 1], the objective at every iterate.
        best_step: int [B], where in the trace the best one is.
    """

    best: Tensor
    last: Tensor
    trace: Tensor
    best_step: Tensor


class BestIterate:
    """Keep the best iterate of each member of a batch while a search goes on."""

    def __init__(self) -> None:
        self.values: list[Tensor] = []
        self.best: Tensor | None = None
        self.best_value: Tensor | None = None
        self.best_step: Tensor | None = None

    def offer(self, iterate: Tensor, value: Tensor) -> None:
        """Take note of an iterate [B, C, H, n] and its objective [B]."""
        if self.best is None or self.best_value is None or self.best_step is None:
            self.best, self.best_value, self.best_step = iterate, value, torch.zeros_like(value, dtype=torch.long)
        else:
            better = value > self.best_value
            self.best = torch.where(better[:, None, None, None], iterate, self.best)
            self.best_value = torch.where(better, value, self.best_value)
            self.best_step = torch.where(better, len(self.values), self.best_step)
        self.values.append(value)

    def result(self, last: Tensor) -> SearchResult:
        """Return what was found; `last` is the last iterate [B, C, H, n]."""
        assert self.best is not None and self.best_step is not None
        return SearchResult(self.best, last, torch.stack(self.values, dim=1), self.best_step)


class Optimiser(Protocol):
    """A search for the member of a threat model with the largest objective."""

    def maximise(self, objective: Objective, ball: CoilBall, generators: Sequence[torch.Generator]) -> SearchResult:
        """Search within `ball`; all randomness comes from `generators` (CPU), one per member of the batch."""
        ...
