"""Bounded k-space noise against one slice, eq. (4): every region and severity in one batch."""

from dataclasses import dataclass
from importlib import import_module

import torch
from torch import Tensor

from advmri.attacks.coil_ball import CoilBall, coil_norms
from advmri.attacks.objective import region_error
from advmri.attacks.scan import Scan
from advmri.attacks.search import Optimiser
from advmri.attacks.settings import NoiseAttack
from advmri.kspace import rss_reconstruction
from advmri.seeds import derive_seed


@dataclass(frozen=True)
class NoiseOutcome:
    """The worst noise found against one region of one slice; S severities, T iterates.

    Attributes:
        severity: eta [S].
        perturbation: z complex64 [S, C, H, n], measured columns only.
        reconstruction: f(M(k + z)) [S, h, w].
        last_reconstruction: the same for the last iterate [S, h, w].
        perturbed_target: RSS of the fully sampled k + z [S, h, w].
        relative_norm: ||z_i|| / ||k_i|| [S, C].
        relative_norm_measured: ||z_i|| / ||M(k_i)|| [S, C].
        objective: trace [S, T]; constant for severity 0, where nothing is searched.
        best_step: int [S].
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


def make_optimiser(settings: NoiseAttack) -> Optimiser:
    """Return the optimiser that the settings name, with those of the settings that it takes."""
    optimiser = import_module(f"advmri.attacks.optimisers.{settings.optimiser}").Optimiser
    taken = {name: getattr(settings, name) for name in optimiser.__dataclass_fields__}
    return optimiser(**taken)


def attack_with_noise(
    scan: Scan, regions: dict[str, Tensor], settings: NoiseAttack, seed: int, batch_size: int
) -> dict[str, NoiseOutcome]:
    """Attack every region of one slice at every severity.

    Args:
        scan: the slice and the network.
        regions: S bool [h, w] by name.
        settings: the attack.
        seed: of this slice; each region and severity derives its own.
        batch_size: perturbations searched at a time.

    Returns:
        The outcome by region name.
    """
    optimiser = make_optimiser(settings)
    return {
        name: _attack_region(scan, region, optimiser, settings, derive_seed(seed, name), batch_size)
        for name, region in regions.items()
    }


def _attack_region(
    scan: Scan, region: Tensor, optimiser: Optimiser, settings: NoiseAttack, seed: int, batch_size: int
) -> NoiseOutcome:
    device = scan.kspace.device
    severity = torch.tensor(settings.severities, dtype=torch.float32, device=device)
    searched = severity.nonzero().squeeze(1)
    clean = scan.clean()
    clean_error = region_error(clean[None], scan.target, region[None])
    shape = (scan.kspace.shape[-2], len(scan.measured_columns))
    best = CoilBall(severity[:, None] * scan.coil_norms, shape).zero()
    reconstruction = clean.repeat(len(severity), 1, 1)
    last_reconstruction = reconstruction.clone()
    best_step = torch.zeros(len(severity), dtype=torch.long, device=device)
    traces: list[Tensor] = []

    def reconstruct(perturbation: Tensor) -> Tensor:
        return scan.reconstruct(scan.perturbed_kspace(perturbation))

    def objective(perturbation: Tensor) -> Tensor:
        return region_error(reconstruct(perturbation), scan.target, region.expand(len(perturbation), -1, -1))

    for chunk in searched.split(batch_size) if len(searched) else ():
        ball = CoilBall(severity[chunk, None] * scan.coil_norms, shape)
        generators = [
            torch.Generator().manual_seed(derive_seed(seed, str(settings.severities[i]))) for i in chunk.tolist()
        ]
        found = optimiser.maximise(objective, ball, generators)
        best[chunk], best_step[chunk] = found.best, found.best_step
        with torch.no_grad():
            reconstruction[chunk] = reconstruct(found.best)
            last_reconstruction[chunk] = reconstruct(found.last)
        traces.append(found.trace)

    iterates = traces[0].shape[1] if traces else 1
    trace = clean_error.repeat(len(severity), iterates)
    if traces:
        trace[searched] = torch.cat(traces)
    measured_norms = coil_norms(scan.kspace * scan.mask)
    norms = coil_norms(best)
    return NoiseOutcome(
        severity=severity,
        perturbation=best,
        reconstruction=reconstruction,
        last_reconstruction=last_reconstruction,
        perturbed_target=rss_reconstruction(scan.perturbed_kspace(best), scan.crop),
        relative_norm=norms / scan.coil_norms,
        relative_norm_measured=norms / measured_norms,
        objective=trace,
        best_step=best_step,
    )
