"""Compare what is stored of gain errors with what they do."""

from collections.abc import Mapping
from typing import Any

import torch

from advmri.attacks.coil_gain.attack import trial
from advmri.attacks.coil_gain.settings import CoilGainAttack
from advmri.attacks.comparison import compare
from advmri.attacks.family_programs import Task
from advmri.reconstruction.full_precision import full_precision


@torch.no_grad()
@full_precision()
def verify(task: Task, settings: CoilGainAttack, stored: Mapping[str, Any]) -> list[str]:
    """See `advmri.attacks.family_programs.Verify`."""
    (region,) = task.selected().values()
    lines = compare("severity", stored.get("severity"), settings.severities)
    for place, severity in enumerate(settings.severities):
        error = float(stored["gain_error"][place])
        if abs(error) > severity + 1e-6:
            lines.append(f"gain_error: {error:.4f} is beyond severity {severity}")
        made = trial(task.scan, region, int(stored["coil"][place]), error)
        for name in ("reconstruction", "perturbed_target", "final_objective"):
            lines += compare(name, stored[name][place], made[name])
    return lines
