"""Compare what an attack file says of a noise attack with what its perturbation does."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from advmri.attacks.certificate import certify
from advmri.attacks.noise_problem import Case, NoiseProblem
from advmri.attacks.norms import coil_norms

TOLERANCE = 1e-3
"""Of the largest value: another device or library version computes float32 sums in another order."""
ROUGH_TOLERANCE = 3e-2
"""The same of a trace that was searched in bfloat16."""
BOUND_TOLERANCE = 1e-5
MEASURED = ("reconstruction", "perturbed_target", "gauge", "budget_used", "largest_unmeasured")


def compare(name: str, stored: Any, expected: Any) -> list[str]:
    """Return a line where stored values are missing, of another shape, or differ by more than rounding."""
    if stored is None:
        return [f"{name}: missing"]
    stored, expected = np.asarray(stored), np.asarray(expected.cpu() if isinstance(expected, Tensor) else expected)
    if stored.shape != expected.shape:
        return [f"{name}: of shape {stored.shape}, expected {expected.shape}"]
    if (np.isnan(stored) != np.isnan(expected)).any():
        return [f"{name}: NaN where none is expected, or none where one is"]
    difference = np.abs(np.nan_to_num(stored) - np.nan_to_num(expected)).max(initial=0.0)
    allowed = TOLERANCE * np.abs(np.nan_to_num(expected)).max(initial=0.0)
    return [f"{name}: differs by {difference:.3g} from what was computed again"] if difference > allowed else []


def check_noise(problem: NoiseProblem, stored: Mapping[str, Any]) -> list[str]:
    """Check one target of one slice.

    Args:
        problem: of that slice and target alone.
        stored: the target's datasets by name.

    Returns:
        a line per mismatch; none where all is well.
    """
    (region,), scan = problem.regions[0], problem.scans[0]
    severities = problem.settings.severities
    found = compare("severity", stored.get("severity"), np.asarray(severities, np.float32))
    shape = (len(severities), *scan.kspace.shape[:2], len(scan.measured_columns))
    noise = stored.get("perturbation")
    if noise is None or noise.shape != shape:
        return [*found, f"perturbation: missing, or not of shape {shape}"]
    perturbation = torch.from_numpy(noise).to(scan.kspace.device)
    certificates = [
        certify(problem, Case(0, region, place), perturbation[place : place + 1]) for place in range(len(severities))
    ]
    for name in MEASURED:
        values = [getattr(one, name) for one in certificates]
        found += compare(name, stored.get(name), torch.stack(values) if isinstance(values[0], Tensor) else values)
    objectives = np.array([one.objective for one in certificates])
    found += compare("final_objective", stored.get("final_objective"), objectives)
    norms = coil_norms(perturbation)
    found += compare("relative_norm", stored.get("relative_norm"), norms / scan.coil_norms)
    measured = coil_norms(scan.kspace * scan.mask)
    found += compare("relative_norm_measured", stored.get("relative_norm_measured"), norms / measured)
    for severity, one in zip(severities, certificates, strict=True):
        if one.gauge > 1 + BOUND_TOLERANCE:
            found.append(f"perturbation: at severity {severity} it uses {one.gauge:.4f} times its budget")
        if one.largest_unmeasured > 0:
            found.append(f"perturbation: at severity {severity} it reaches outside the measured columns")
        if one.non_deterministic and not np.any(stored.get("non_deterministic")):
            found.append(f"non_deterministic: not set, but two evaluations differ at severity {severity}")
    tolerance = TOLERANCE if problem.settings.search_precision == "float32" else ROUGH_TOLERANCE
    return found + _check_trace(stored, objectives, tolerance)


def _check_trace(stored: Mapping[str, Any], objectives: np.ndarray, tolerance: float) -> list[str]:
    """Check that the stored noise is the best of its trace, or better where a warm start won."""
    missing = [name for name in ("objective", "best_step", "best_start", "start_objective") if name not in stored]
    if missing:
        return [f"{name}: missing" for name in missing]
    found = []
    best = np.nanmax(stored["objective"], axis=1)
    for place, (value, objective) in enumerate(zip(best, objectives, strict=True)):
        warm = stored["best_start"][place] < 0
        close = abs(value - objective) <= tolerance * abs(objective)
        if not (close or (warm and objective > value)):
            found.append(f"objective: the best of trace {place} is {value:.6g}, its perturbation gives {objective:.6g}")
        if stored["objective"][place, stored["best_step"][place]] != value:
            found.append(f"best_step: not the largest value of trace {place}")
    return found
