"""What an attack by noise came to, measured: tensors by the names of their datasets."""

from dataclasses import dataclass

import torch
from torch import Tensor

from advmri.attacks.noise.settings import DIRECTIONS

NOT_MEASURED = torch.full((DIRECTIONS,), torch.nan)
SCALED_UP, TAKEN_OVER = -1, -2
"""Values of `best_start` where the warm start won: the noise of the severity before, scaled up or as it was."""


@dataclass(frozen=True)
class NoiseOutcome:
    """The noise of the largest objective found against one region of one slice; S severities, T iterates, R starts.

    Attributes:
        severity: eta [S].
        perturbation: z complex64 [S, C, H, n], measured columns only.
        reconstruction: f(M(k + z)) [S, h, w].
        last_reconstruction: the same for the last iterate of the best start [S, h, w].
        perturbed_target: RSS of the fully sampled k + z [S, h, w].
        relative_norm: ||z_i|| / ||k_i|| [S, C].
        relative_norm_measured: ||z_i|| / ||M(k_i)|| [S, C].
        objective: trace of the best start [S, T], in the search's precision; constant for severity 0, where nothing is
            searched.
        best_step: int [S], where in the trace the best iterate is.
        best_start: int [S], the start it came from, or `SCALED_UP` or `TAKEN_OVER`.
        start_objective: largest objective of each start [S, R]; NaN where a restart was not needed.
        zero_gradient: bool [S], a gradient was zero everywhere.
        final_objective, gauge, budget_used, largest_unmeasured: [S], see `Certificate` in
            `advmri.attacks.noise.certificate`.
        non_deterministic: bool [S], two evaluations of the stored noise differ.
        gradient_ratio: of each direction [3], see `advmri.attacks.noise.gradient_ratio`; NaN where it was not measured.
    """

    severity: Tensor
    perturbation: Tensor
    reconstruction: Tensor
    last_reconstruction: Tensor
    perturbed_target: Tensor
    relative_norm: Tensor
    relative_norm_measured: Tensor
    objective: Tensor
    best_step: Tensor
    best_start: Tensor
    start_objective: Tensor
    zero_gradient: Tensor
    final_objective: Tensor
    gauge: Tensor
    budget_used: Tensor
    largest_unmeasured: Tensor
    non_deterministic: Tensor
    gradient_ratio: Tensor = NOT_MEASURED
