"""What an optimiser is given and what it returns."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from advmri.attacks.family_programs import NotFiniteError
from advmri.attacks.noise.bounded_set import BoundedSet
from advmri.attacks.noise.settings import PATIENCE
from advmri.errors import InputError

SearchObjective = Callable[[Tensor], Tensor]
"""Perturbations complex [B, C, H, n] to the values [B] that are maximised; differentiable."""


@dataclass(frozen=True)
class RegionObjective(ABC):
    """How bad reconstructions are in their regions; base of the class `Objective` in each module of `objectives`.

    Attributes, all of a batch of B members:
        target: X [B, h, w], the fully sampled RSS.
        region: S bool [B, h, w].
        clean: the unperturbed reconstruction [B, h, w].
        data_range: the volume's maximum.
    """

    target: Tensor
    region: Tensor
    clean: Tensor
    data_range: float

    @abstractmethod
    def __call__(self, reconstruction: Tensor) -> Tensor:
        """Return the value [B] of reconstructions [B, h, w]; differentiable, larger is worse."""


@dataclass(frozen=True)
class Start:
    """One start of a search.

    Attributes:
        number: 0 for the first, then the restarts.
        generator: all randomness of this start; on the CPU.
    """

    number: int
    generator: torch.Generator


@dataclass(frozen=True)
class SearchResult:
    """The perturbations of the largest objective found.

    Attributes:
        best: complex [B, C, H, n], the iterate with the largest objective.
        last: complex [B, C, H, n], the last iterate.
        trace: [B, T], the objective at every iterate; NaN after a search that stopped early.
        best_step: int [B], where in the trace the best one is.
        zero_gradient: bool [B], a gradient was zero everywhere: the search could not move there.
    """

    best: Tensor
    last: Tensor
    trace: Tensor
    best_step: Tensor
    zero_gradient: Tensor


class BestIterate:
    """Keep the best iterate of each member of a batch while a search goes on, and say which members go on.

    Args:
        stop_gain: a member stops when its best value rose by less than this share in `PATIENCE` steps; 0: never.
            Members stop on their own: what is kept of one does not depend on the others.
    """

    def __init__(self, first: Tensor, stop_gain: float = 0.0) -> None:
        members, device = len(first), first.device
        self.best, self.last = first, first
        self.best_value = torch.full((members,), -torch.inf, device=device)
        self.best_step = torch.zeros(members, dtype=torch.long, device=device)
        self.searching = torch.ones(members, dtype=torch.bool, device=device)
        self.zero_gradient = torch.zeros(members, dtype=torch.bool, device=device)
        self._stop_gain = stop_gain
        self._values: list[Tensor] = []
        self._best_values: list[Tensor] = []

    def offer(self, iterate: Tensor, value: Tensor, gradient: Tensor | None = None) -> Tensor:
        """Take note of an iterate [B, C, H, n], its objective [B] and gradient; return where it is the new best [B].

        Raises:
            NotFiniteError: where value or gradient of a member that is still searched is not finite.
        """
        finite = torch.isfinite(value)
        if gradient is not None:
            finite = finite & torch.isfinite(torch.view_as_real(gradient)).flatten(1).all(dim=1)
        if not (finite | ~self.searching).all():
            raise NotFiniteError(f"at step {len(self._values)} of a search")
        better = (value > self.best_value) & self.searching
        self.best = torch.where(better[:, None, None, None], iterate, self.best)
        self.last = torch.where(self.searching[:, None, None, None], iterate, self.last)
        self.best_value = torch.where(better, value, self.best_value)
        self.best_step = torch.where(better, len(self._values), self.best_step)
        self._values.append(torch.where(self.searching, value, torch.nan))
        self._best_values.append(self.best_value)
        if gradient is not None:
            self.zero_gradient |= self.searching & ~gradient.flatten(1).any(dim=1)
        if self._stop_gain > 0 and len(self._best_values) > PATIENCE:
            gain = self.best_value - self._best_values[-1 - PATIENCE]
            self.searching = self.searching & (gain >= self._stop_gain * self.best_value.abs())
        return better

    def result(self) -> SearchResult:
        """Return what was found."""
        trace = torch.stack(self._values, dim=1)
        return SearchResult(self.best, self.last, trace, self.best_step, self.zero_gradient)


def value_and_gradient(objective: SearchObjective, iterate: Tensor) -> tuple[Tensor, Tensor]:
    """Return the objective [B] and its gradient [B, C, H, n]; members of a batch do not influence one another.

    Raises:
        InputError: where the objective does not depend on the iterate by differentiable operations.
    """
    iterate = iterate.detach().requires_grad_(True)
    value = objective(iterate)
    if not value.requires_grad:
        raise InputError(
            "the network's image does not depend on k-space by differentiable operations; mend the network."
        )
    (gradient,) = torch.autograd.grad(value.sum(), iterate)
    return value.detach(), gradient


def first_iterate(bound: BoundedSet, starts: Sequence[Start], start: Literal["zero", "random"]) -> Tensor:
    """Return where the members begin: restarts always on the surface, the first start there or at zero."""
    zero = bound.zero()
    at_zero = [start == "zero" and one.number == 0 for one in starts]
    if all(at_zero):
        return zero
    drawn = bound.random_on_surface([one.generator for one in starts])
    return torch.where(torch.tensor(at_zero, device=zero.device)[:, None, None, None], zero, drawn)


class Optimiser(Protocol):
    """A search for the member of a bound with the largest objective."""

    def maximise(self, objective: SearchObjective, bound: BoundedSet, starts: Sequence[Start]) -> SearchResult:
        """Search within `bound`; all randomness comes from `starts`, one per member of the batch."""
        ...
