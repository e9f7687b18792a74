"""Bounded k-space noise, eq. (4): every slice, region, severity and restart in one flat batch."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from advmri.attacks.family_programs import NotFiniteError, Task, on_cpu
from advmri.attacks.noise.certificate import Certificate, certify
from advmri.attacks.noise.gradient_ratio import TOLERANCES, gradient_ratio
from advmri.attacks.noise.outcome import SCALED_UP, TAKEN_OVER, NoiseOutcome
from advmri.attacks.noise.problem import Case, NoiseProblem, make_optimiser
from advmri.attacks.noise.search import Optimiser, Start
from advmri.attacks.noise.settings import NoiseAttack
from advmri.attacks.norms import coil_norms
from advmri.attacks.scan import Scan
from advmri.reconstruction.full_precision import full_precision
from advmri.seeds import derive_seed

LOGGER = logging.getLogger("advmri")


@dataclass(frozen=True)
class _Found:
    """The largest objective found for one case so far: its perturbation, in the bound's coordinates, and its origin."""

    value: float
    perturbation: Tensor
    last: Tensor
    trace: Tensor
    best_step: int
    start: int
    zero_gradient: bool
    start_values: dict[int, float]


def attack(tasks: Sequence[Task], settings: NoiseAttack, batch_size: int) -> list[dict[str, dict[str, Tensor]]]:
    """See `advmri.attacks.family_programs.Attack`; the slices are searched together."""
    outcomes = attack_with_noise(
        [task.scan for task in tasks],
        [task.selected() for task in tasks],
        settings,
        [task.seed for task in tasks],
        tasks[0].data_range,
        batch_size,
    )
    outcomes = [_with_gradient_ratio(task, named, settings) for task, named in zip(tasks, outcomes, strict=True)]
    return [{name: on_cpu(outcome) for name, outcome in named.items()} for named in outcomes]


def _with_gradient_ratio(
    task: Task, outcomes: dict[str, NoiseOutcome], settings: NoiseAttack
) -> dict[str, NoiseOutcome]:
    """Add the ratio to the first target of a slice that is to be probed."""
    if not (task.probes_gradient and settings.follows_gradient and outcomes):
        return outcomes
    first, outcome = next(iter(outcomes.items()))
    ratios = gradient_ratio(NoiseProblem([task.scan], [task.selected()], settings, task.data_range), first)
    wrong = [ratio for ratio, tolerance in zip(ratios, TOLERANCES, strict=True) if abs(ratio - 1) > tolerance]
    if wrong:
        LOGGER.warning(
            "the error changes by %.3g times what the network's gradient says: part of it does not reach k-space,"
            " and the attack finds less than there is; mend the network",
            max(wrong, key=lambda ratio: abs(ratio - 1)),
        )
    return {**outcomes, first: replace(outcome, gradient_ratio=torch.tensor(ratios))}


def attack_with_noise(
    scans: Sequence[Scan],
    regions: Sequence[dict[str, Tensor]],
    settings: NoiseAttack,
    seeds: Sequence[int],
    data_range: float,
    batch_size: int,
) -> list[dict[str, NoiseOutcome]]:
    """Attack every region of some slices at every severity.

    Args:
        scans: slices with the same mask, shape and network.
        regions: S bool [h, w] by name, for each scan.
        settings: the attack.
        seeds: one per scan; each region, severity and restart derives its own.
        data_range: the volume's maximum, for SSIM.
        batch_size: perturbations searched at a time; it changes results by rounding only.

    Returns:
        For each scan, the outcome by region name.
    """
    problem = NoiseProblem(scans, regions, settings, data_range)
    optimiser = make_optimiser(settings, scans[0])
    cases = [
        Case(scan, region, severity)
        for scan, named in enumerate(regions)
        for region in named
        for severity, eta in enumerate(settings.severities)
        if eta > 0
    ]
    found: dict[Case, _Found] = {}
    for round_of_starts in _rounds(settings):
        members = [(case, start) for case in cases for start in round_of_starts]
        before = {case: one.value for case, one in found.items()}
        for first in range(0, len(members), batch_size):
            _search(problem, optimiser, members[first : first + batch_size], seeds, found)
        if settings.least_gain > 0 and before:
            cases = [
                case for case in cases if found[case].value - before[case] >= settings.least_gain * abs(before[case])
            ]
    if settings.carries_upwards:
        _carry_upwards(problem, found, batch_size)
    return [{name: _outcome(problem, scan, name, found) for name in named} for scan, named in enumerate(regions)]


def _rounds(settings: NoiseAttack) -> list[list[int]]:
    """Return the starts that are searched together: all at once, or one by one where each must be worth it."""
    numbers = list(range(settings.starts))
    return [[number] for number in numbers] if settings.least_gain > 0 else [numbers]


def _generator(problem: NoiseProblem, seed: int, case: Case, start: int) -> torch.Generator:
    names = [str(problem.eta(case)), *([f"restart {start}"] if start else [])]
    return torch.Generator().manual_seed(derive_seed(derive_seed(seed, case.region), *names))


def _search(
    problem: NoiseProblem,
    optimiser: Optimiser,
    members: Sequence[tuple[Case, int]],
    seeds: Sequence[int],
    found: dict[Case, _Found],
) -> None:
    """Search one batch of cases and starts and keep what is worse than `found`."""
    cases = [case for case, _ in members]
    starts = [Start(number, _generator(problem, seeds[case.scan], case, number)) for case, number in members]
    result = optimiser.maximise(problem.search_objective(cases), problem.bound(cases), starts)
    best_values = result.trace.gather(1, result.best_step[:, None])[:, 0]
    if problem.settings.search_precision != "float32":
        with torch.no_grad():
            best_values = problem.objective(cases)(result.best)
        if not torch.isfinite(best_values).all():
            raise NotFiniteError("at the best iterate of a search")
    for place, (case, number) in enumerate(members):
        step, value = int(result.best_step[place]), float(best_values[place])
        one = _Found(
            value=value,
            perturbation=result.best[place].clone(),
            last=result.last[place].clone(),
            trace=result.trace[place],
            best_step=step,
            start=number,
            zero_gradient=bool(result.zero_gradient[place]),
            start_values={number: value},
        )
        other = found.get(case)
        if other is not None:
            values = other.start_values | one.start_values
            one = replace(one if value > other.value else other, start_values=values)
        found[case] = one


def _carry_upwards(problem: NoiseProblem, found: dict[Case, _Found], batch_size: int) -> None:
    """Offer each severity's noise to the next, scaled to its budget and as it is; one pass upwards, from no noise."""
    for case in found:
        if case._replace(severity=case.severity - 1) not in found:
            clean = problem.damage([case])(problem.scans[case.scan].clean()[None]).item()
            if clean > found[case].value:
                nothing = torch.zeros_like(found[case].perturbation)
                found[case] = replace(found[case], value=clean, perturbation=nothing, start=TAKEN_OVER)
    for severity in range(1, len(problem.settings.severities)):
        cases = [case for case in found if case.severity == severity and case._replace(severity=severity - 1) in found]
        for first in range(0, len(cases), batch_size):
            chunk = cases[first : first + batch_size]
            below = [found[case._replace(severity=severity - 1)] for case in chunk]
            growth = problem.eta(chunk[0]) / problem.settings.severities[severity - 1]
            scaled = problem.bound(chunk).project(growth * torch.stack([one.perturbation for one in below]))
            with torch.no_grad():
                values = problem.objective(chunk)(scaled).tolist()
            if not all(map(math.isfinite, values)):
                raise NotFiniteError("at noise scaled up from the severity before")
            for case, lower, noise, value in zip(chunk, below, scaled, values, strict=True):
                if value > max(found[case].value, lower.value):
                    found[case] = replace(found[case], value=value, perturbation=noise, start=SCALED_UP)
                elif lower.value > found[case].value:
                    found[case] = replace(
                        found[case], value=lower.value, perturbation=lower.perturbation, start=TAKEN_OVER
                    )


def _outcome(problem: NoiseProblem, scan_place: int, region: str, found: dict[Case, _Found]) -> NoiseOutcome:
    """Measure what was found for one region: every reported number in float32, each perturbation on its own."""
    scan, settings = problem.scans[scan_place], problem.settings
    cases = [Case(scan_place, region, severity) for severity in range(len(settings.severities))]
    searched = [found.get(case) for case in cases]
    zero = problem.bound(cases[:1]).zero()
    clean_value = problem.damage(cases[:1])(scan.clean()[None]).item()
    iterates = max((len(one.trace) for one in searched if one is not None), default=1)
    certificates: list[Certificate] = []
    lasts, traces, noises = [], [], []
    for case, one in zip(cases, searched, strict=True):
        noise = zero if one is None else problem.coloured([case], one.perturbation[None])
        certificate = certify(problem, case, noise)
        certificates.append(certificate)
        noises.append(noise[0])
        if one is None or torch.equal(one.last, one.perturbation):
            lasts.append(certificate.reconstruction)
        else:
            with torch.no_grad(), full_precision():
                lasts.append(problem.reconstruct([case], problem.coloured([case], one.last[None]))[0])
        trace = torch.full((iterates,), torch.nan)
        values = [clean_value] * iterates if one is None else one.trace.tolist()
        trace[: len(values)] = torch.tensor(values)
        traces.append(trace)
    starts = torch.full((len(cases), settings.starts), torch.nan)
    for place, one in enumerate(searched):
        for number, value in ({} if one is None else one.start_values).items():
            starts[place, number] = value
        if one is None:
            starts[place] = clean_value
    perturbation = torch.stack(noises)
    norms = coil_norms(perturbation)
    return NoiseOutcome(
        severity=torch.tensor(settings.severities, dtype=torch.float32),
        perturbation=perturbation,
        reconstruction=torch.stack([one.reconstruction for one in certificates]),
        last_reconstruction=torch.stack(lasts),
        perturbed_target=torch.stack([one.perturbed_target for one in certificates]),
        relative_norm=norms / scan.coil_norms,
        relative_norm_measured=norms / coil_norms(scan.kspace * scan.mask),
        objective=torch.stack(traces),
        best_step=torch.tensor([0 if one is None else one.best_step for one in searched]),
        best_start=torch.tensor([0 if one is None else one.start for one in searched]),
        start_objective=starts,
        zero_gradient=torch.tensor([one is not None and one.zero_gradient for one in searched]),
        final_objective=torch.tensor([one.objective for one in certificates]),
        gauge=torch.tensor([one.gauge for one in certificates]),
        budget_used=torch.tensor([one.budget_used for one in certificates]),
        largest_unmeasured=torch.tensor([one.largest_unmeasured for one in certificates]),
        non_deterministic=torch.tensor([one.non_deterministic for one in certificates]),
    )
