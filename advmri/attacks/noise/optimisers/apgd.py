"""Auto-PGD (Croce & Hein 2020, algorithm 1) on complex k-space and any bound."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from advmri.attacks.noise.bounded_set import BoundedSet
from advmri.attacks.noise.search import (
    BestIterate,
    SearchObjective,
    SearchResult,
    Start,
    first_iterate,
    value_and_gradient,
)

FIRST_STEP = 2.0
"""In units of the radius, as in the paper: 2 epsilon."""
INCREASES = 0.75
"""Share of the steps since the last checkpoint that must have raised the objective; the paper's rho."""
FIRST_WINDOW, WINDOW_DECREASE, SMALLEST_WINDOW = 0.22, 0.03, 0.06
"""Of the number of steps; the paper's checkpoints."""


def checkpoints(steps: int) -> list[int]:
    """Return after how many steps the step size is judged: windows that shrink, each of one step at least."""
    window = max(int(FIRST_WINDOW * steps), 1)
    found = [window]
    while found[-1] < steps:
        window = max(window - max(int(WINDOW_DECREASE * steps), 1), int(SMALLEST_WINDOW * steps), 1)
        found.append(found[-1] + window)
    return [step for step in found if step < steps]


@dataclass(frozen=True)
class Optimiser:
    """Projected ascent with momentum whose step halves when progress stalls, and which then returns to its best.

    Carried over: the sign of the gradient becomes the bound's steepest ascent, per coil for the coil balls. The
    first step is two radii long, so that it reaches the surface. After a return to the best iterate momentum starts
    anew, where the authors' code keeps the difference to the iterate that was left.
    """

    steps: int = 10
    momentum: float = 0.75
    start: Literal["zero", "random"] = "zero"
    stop_gain: float = 0.0

    def maximise(self, objective: SearchObjective, bound: BoundedSet, starts: Sequence[Start]) -> SearchResult:
        """See `advmri.attacks.noise.search.Optimiser`; as many gradients as `pgd` with the same number of steps."""
        iterate = first_iterate(bound, starts, self.start)
        previous = best_gradient = iterate
        found = BestIterate(iterate, self.stop_gain)
        step_size = torch.full((len(starts),), FIRST_STEP, device=iterate.device)
        judge = _StepJudge(len(starts), checkpoints(self.steps), iterate.device)
        for step in range(self.steps):
            value, gradient = value_and_gradient(objective, iterate)
            better = found.offer(iterate, value, gradient)
            best_gradient = torch.where(better[:, None, None, None], gradient, best_gradient)
            if not found.searching.any():
                return found.result()
            halved = judge.halve(step, value, found.best_value)
            if halved.any():
                step_size = torch.where(halved, step_size / 2, step_size)
                back = halved[:, None, None, None]
                iterate = torch.where(back, found.best, iterate)
                previous = torch.where(back, found.best, previous)
                gradient = torch.where(back, best_gradient, gradient)
            ascended = bound.project(iterate + bound.ascent(gradient, step_size))
            if step > 0:
                move = self.momentum * (ascended - iterate) + (1 - self.momentum) * (iterate - previous)
                ascended = bound.project(iterate + move)
            previous, iterate = iterate, ascended
        with torch.no_grad():
            found.offer(iterate, objective(iterate))
        return found.result()


class _StepJudge:
    """The two conditions of the paper under which the step is halved, for each member on its own."""

    def __init__(self, members: int, at: list[int], device: torch.device) -> None:
        self._at = at
        self._last_checkpoint = 0
        self._increases = torch.zeros(members, device=device)
        self._value: Tensor | None = None
        self._best_at_checkpoint = torch.full((members,), -torch.inf, device=device)
        self._just_halved = torch.ones(members, dtype=torch.bool, device=device)

    def halve(self, step: int, value: Tensor, best_value: Tensor) -> Tensor:
        """Say for which members [B] to halve, given the objective [B] after `step` steps and the best so far [B]."""
        if self._value is None:
            self._best_at_checkpoint = best_value
        else:
            self._increases = self._increases + (value > self._value)
        self._value = value
        if step not in self._at:
            return torch.zeros_like(self._just_halved)
        few_increases = self._increases < INCREASES * (step - self._last_checkpoint)
        stuck = ~self._just_halved & (best_value <= self._best_at_checkpoint)
        halved = few_increases | stuck
        self._just_halved, self._best_at_checkpoint = halved, best_value
        self._last_checkpoint, self._increases = step, torch.zeros_like(self._increases)
        return halved
