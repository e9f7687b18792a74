"""Every coil amplified too much and too little; the worst is kept."""

from collections.abc import Sequence

import torch
from torch import Tensor

from advmri.acquisition.kspace import rss_reconstruction
from advmri.attacks.coil_gain.settings import CoilGainAttack
from advmri.attacks.family_programs import Task
from advmri.attacks.region_error import region_error
from advmri.attacks.scan import Scan
from advmri.reconstruction.full_precision import full_precision

Trial = dict[str, Tensor]


@torch.no_grad()
@full_precision()
def attack(tasks: Sequence[Task], settings: CoilGainAttack, batch_size: int) -> list[dict[str, Trial]]:
    """See `advmri.attacks.family_programs.Attack`; one gain error is computed at a time."""
    return [
        {name: worst_errors(task.scan, region, settings) for name, region in task.selected().items()} for task in tasks
    ]


def worst_errors(scan: Scan, region: Tensor, settings: CoilGainAttack) -> Trial:
    """Return the datasets of one target; region S bool [h, w]."""
    worst = []
    for severity in settings.severities:
        signed = [(coil, sign * severity) for coil in range(len(scan.kspace)) for sign in (1, -1)]
        trials = [trial(scan, region, coil, error) for coil, error in signed]
        worst.append(max(trials, key=lambda one: float(one["final_objective"])))
    stacked = {name: torch.stack([one[name] for one in worst]).cpu() for name in worst[0]}
    return {"severity": torch.tensor(settings.severities, dtype=torch.float32), **stacked}


def trial(scan: Scan, region: Tensor, coil: int, error: float) -> Trial:
    """Return what one gain error does to one target."""
    gains = torch.ones(len(scan.kspace), device=scan.kspace.device)
    gains[coil] += error
    kspace = scan.kspace * gains[:, None, None]
    image = scan.reconstruct(kspace[None])
    return {
        "reconstruction": image[0],
        "perturbed_target": rss_reconstruction(kspace, scan.crop),
        "final_objective": region_error(image, scan.target, region[None])[0],
        "coil": torch.tensor(coil),
        "gain_error": torch.tensor(error, dtype=torch.float32),
    }
