"""Compare what an attack file says of a noise attack with what its perturbation does."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from advmri.attacks.comparison import TOLERANCE, compare
from advmri.attacks.family_programs import Task
from advmri.attacks.noise.certificate import certify
from advmri.attacks.noise.gradient_ratio import gradient_ratio
from advmri.attacks.noise.outcome import TAKEN_OVER
from advmri.attacks.noise.problem import Case, NoiseProblem
from advmri.attacks.noise.search import value_and_gradient
from advmri.attacks.noise.settings import DIRECTIONS, NoiseAttack
from advmri.attacks.norms import coil_norms

ROUGH_TOLERANCE = 3e-2
"""The tolerance of a trace that was searched in bfloat16."""
BOUND_TOLERANCE = 1e-5
RATIO_TOLERANCE = 0.02
"""Of the gradient's ratios, differences of float32 numbers: absolute, and relative to large ones."""
MEASURED = ("reconstruction", "perturbed_target", "gauge", "budget_used", "largest_unmeasured")


def verify(task: Task, settings: NoiseAttack, stored: Mapping[str, Any]) -> list[str]:
    """See `advmri.attacks.family_programs.Verify`."""
    return check_noise(NoiseProblem([task.scan], [task.selected()], settings, task.data_range), stored)


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
    found += _check_gradient(problem, region, stored)
    return found + _check_trace(problem, stored, objectives) + _check_flags(problem, stored)


def _check_gradient(problem: NoiseProblem, region: str, stored: Mapping[str, Any]) -> list[str]:
    """Compare the gradient's ratios where they were measured: on the first slice of a job.

    Older files have none, or a single one of another definition: nothing is said of them.
    """
    recorded = np.asarray(stored.get("gradient_ratio", np.nan))
    if recorded.shape != (DIRECTIONS,) or np.isnan(recorded).all():
        return []
    ratios = gradient_ratio(problem, region)
    if np.allclose(ratios, recorded, rtol=RATIO_TOLERANCE, atol=RATIO_TOLERANCE, equal_nan=True):
        return []
    texts = [", ".join(f"{ratio:.4g}" for ratio in values) for values in (recorded, ratios)]
    return [f"gradient_ratio: {texts[0]} stored, {texts[1]} measured again"]


def _check_flags(problem: NoiseProblem, stored: Mapping[str, Any]) -> list[str]:
    """Check that a search from zero whose gradient vanishes there has said so."""
    settings, flags = problem.settings, stored.get("zero_gradient")
    if flags is None or np.shape(flags) != (len(settings.severities),):
        return ["zero_gradient: missing, or not one for each severity"]
    if not settings.starts_at_zero:
        return []
    (region,) = problem.regions[0]
    searched = [place for place, severity in enumerate(settings.severities) if severity > 0]
    if all(flags[place] for place in searched):
        return []
    cases = [Case(0, region, searched[0])]
    _, gradient = value_and_gradient(problem.objective(cases), problem.bound(cases).zero())
    if gradient.any():
        return []
    return ["zero_gradient: not set, but the gradient at zero noise is zero"]


def _length_of_trace(problem: NoiseProblem) -> int:
    settings = problem.settings
    if not any(severity > 0 for severity in settings.severities):
        return 1
    return settings.iterates


def _check_trace(problem: NoiseProblem, stored: Mapping[str, Any], objectives: np.ndarray) -> list[str]:
    """Check that the stored noise is the best of its trace, or better where a warm start won."""
    settings = problem.settings
    tolerance = TOLERANCE if settings.search_precision == "float32" else ROUGH_TOLERANCE
    missing = [name for name in ("objective", "best_step", "best_start", "start_objective") if name not in stored]
    if missing:
        return [f"{name}: missing" for name in missing]
    length, shape = _length_of_trace(problem), stored["objective"].shape
    early = settings.least_gain > 0 and shape[1] <= length
    if shape[0] != len(objectives) or (shape[1] != length and not early):
        return [f"objective: traces of shape {shape}, expected {(len(objectives), length)}"]
    starts = stored["start_objective"]
    if starts.shape != (len(objectives), settings.starts):
        return [f"start_objective: of shape {starts.shape}, expected {(len(objectives), settings.starts)}"]
    best = np.nanmax(stored["objective"], axis=1)
    found = _check_starts(problem, stored, best, tolerance)
    for place, (value, objective) in enumerate(zip(best, objectives, strict=True)):
        warm = stored["best_start"][place] < 0
        close = abs(value - objective) <= tolerance * abs(objective)
        if not (close or (warm and objective > value)):
            found.append(f"objective: the best of trace {place} is {value:.6g}, its perturbation gives {objective:.6g}")
        if stored["objective"][place, stored["best_step"][place]] != value:
            found.append(f"best_step: not the largest value of trace {place}")
    return found


def _check_starts(problem: NoiseProblem, stored: Mapping[str, Any], best: np.ndarray, tolerance: float) -> list[str]:
    """Check that the starts agree with the settings, the best of the traces, and the clean value where they begin."""
    settings, starts = problem.settings, stored["start_objective"]
    (region,), scan = problem.regions[0], problem.scans[0]
    clean = problem.damage([Case(0, region, 0)])(scan.clean()[None]).item()
    found = []
    for place, (value, start) in enumerate(zip(best, stored["best_start"], strict=True)):
        if not (TAKEN_OVER if settings.carries_upwards else 0) <= start < settings.starts:
            found.append(f"best_start: {start} at severity {settings.severities[place]}: there is no such start")
            continue
        largest = np.nanmax(starts[place])
        if abs(largest - value) > tolerance * abs(value) or (start >= 0 and starts[place, start] != largest):
            found.append(f"start_objective: the largest of {place} is {largest:.6g}, the best of its trace {value:.6g}")
        at_zero = settings.starts_at_zero and start == 0
        first = stored["objective"][place, 0]
        if at_zero and not abs(first - clean) <= tolerance * abs(clean):
            found.append(f"objective: trace {place} begins with {first:.6g}, the clean value is {clean:.6g}")
    return found
