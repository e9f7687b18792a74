"""How many hours planned jobs take: by the times of this run's finished jobs, or else by documented ones."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from advmri.attacks.family import FORWARD
from advmri.config.pass_cost import FASTMRI_KNEE, ScanSize, seconds_of_pass
from advmri.config.planning import Plan
from advmri.config.schema import ComputeSettings
from advmri.storage.layout import BENCHMARKS, INDEX, SERIES, place
from advmri.storage.slice_jobs import job_range, range_of_file

STAGES = ("train", "validate", "attack", "convergence")
"""Rules that compute with networks; all others take seconds per job."""
TRAINING = 1.6
"""A training pass in passes with frozen weights."""
START = 4.0
"""Seconds of a core in which a job loads torch, the network and the data."""
CORES_OF_A_GPU = 200
"""docs/paper-run.md: both were estimated for the paper's run, and nothing was measured on a GPU."""
JOBS_READ = 5
"""Finished jobs of a series whose times are read."""
Wildcards = Mapping[str, str]


def computes_on_gpu(compute: ComputeSettings) -> bool:
    """Return whether jobs compute on a GPU: as the config says, or where this machine has NVIDIA's driver."""
    return compute.device == "cuda" or (compute.device == "auto" and Path("/dev/nvidiactl").exists())


@dataclass(frozen=True)
class Estimate:
    """Of one stage.

    Attributes:
        jobs: planned; seconds: of a core, or of a GPU, for those whose time is known.
        measured: how many of them by times of this run; unknown: of how many nothing is known.
    """

    jobs: int = 0
    seconds: float = 0.0
    measured: int = 0
    unknown: int = 0

    def with_job(self, seconds: float | None, measured: bool) -> "Estimate":
        """Return the estimate with another job."""
        known = seconds is not None
        return Estimate(
            self.jobs + 1,
            self.seconds + (seconds or 0.0),
            self.measured + (known and measured),
            self.unknown + (not known),
        )


def _seconds(path: Path) -> float | None:
    """Return the time of a finished job as Snakemake noted it."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return float(next(csv.DictReader(file, delimiter="\t"))["s"])
    except (OSError, StopIteration, KeyError, ValueError):
        return None


@dataclass(frozen=True)
class Costs:
    """Of the jobs of one run.

    Attributes:
        run: results/<name>.
        on_gpu: whether networks compute on a GPU.
    """

    plan: Plan
    run: Path
    on_gpu: bool

    @cached_property
    def scan(self) -> ScanSize:
        """Sizes of the data: the simulation's, those of the first volume's index, or fastMRI's."""
        dataset = self.plan.config.dataset
        if dataset.kind == "simulated":
            made = dataset.simulation
            return ScanSize(made.coils, 2 * made.crop, made.columns, (made.crop, made.crop), made.slices)
        for volume in self.plan.audited_volumes[:1]:
            try:
                facts = json.loads(place(self.run, INDEX, volume=volume).read_text(encoding="utf-8"))
                height, width = facts["crop"]
                return ScanSize(facts["coils"], facts["rows"], facts["columns"], (height, width), facts["slices"])
            except (OSError, ValueError, KeyError):
                break
        return FASTMRI_KNEE

    def _passes(self, rule: str, wildcards: Wildcards) -> float:
        """Return about how many passes of the network a job computes."""
        config, plan = self.plan.config, self.plan
        if rule == "attack":
            attack, (first, last) = config.attacks[wildcards["attack"]], job_range(wildcards["slices"])
            boxes = self._boxes(wildcards["volume"])
            held = [count for number, count in boxes.items() if first <= number <= last]
            return sum(attack.passes(count if attack.target == "box" else 1) for count in held)
        if rule == "train":
            training = config.models[wildcards["model"]].training
            assert training is not None, "only trained models have such a job"
            slices = len(plan.training_volumes) * self.scan.slices
            images = (training.steps or 0) * training.batch_size + (training.epochs or 0) * slices
            return TRAINING * images
        if rule == "convergence":
            asked = config.convergence
            return asked.slices * sum(asked.steps) * asked.restarts * len(asked.optimisers)
        return FORWARD * len(plan.audited_volumes) * self.scan.slices

    def _boxes(self, volume: str) -> dict[int, int]:
        if volume not in self._counted:
            self._counted[volume] = self.plan.boxes_on(volume)
        return self._counted[volume]

    @cached_property
    def _counted(self) -> dict[str, dict[int, int]]:
        return {}

    @cached_property
    def _rates(self) -> dict[tuple[str, ...], float]:
        """Seconds per pass that finished jobs took: of a rule and model, of attacks also of each."""
        seconds: dict[tuple[str, ...], float] = defaultdict(float)
        passes: dict[tuple[str, ...], float] = defaultdict(float)
        for rule, wildcards, path in self._finished():
            taken = _seconds(path)
            done = self._passes(rule, wildcards)
            if taken is None or not done:
                continue
            keys: list[tuple[str, ...]] = [(rule, wildcards["model"])]
            if rule == "attack":
                keys.append((rule, wildcards["model"], wildcards["attack"]))
            for key in keys:
                seconds[key] += taken
                passes[key] += done
        return {key: seconds[key] / passes[key] for key in seconds if passes[key]}

    def _finished(self) -> Iterable[tuple[str, Wildcards, Path]]:
        """Give some jobs of every series that were done: rule, wildcards, and the file with the time."""
        config, folder = self.plan.config, self.run / BENCHMARKS
        for model in config.models:
            for acceleration in map(str, config.accelerations):
                series = SERIES.format(model=model, acceleration=acceleration)
                names = {"model": model, "acceleration": acceleration}
                wanted = [rule for rule in STAGES if rule not in ("attack", "train")]
                wanted += ["train"] if config.models[model].training is not None else []
                yield from ((rule, names, folder / rule / f"{series}.tsv") for rule in wanted)
                for attack in config.attacks:
                    found = (folder / "attack" / attack / series).glob("*/slices_*.tsv")
                    for path in islice(found, JOBS_READ):
                        if range_of_file(path):
                            job = {"attack": attack, "volume": path.parent.name}
                            yield "attack", names | job | {"slices": path.stem.removeprefix("slices_")}, path

    def of_job(self, rule: str, wildcards: Wildcards) -> tuple[float | None, bool]:
        """Return the seconds of a core or GPU that a job takes, None where nothing is known, and whether measured."""
        compute, model = self.plan.config.compute, wildcards["model"]
        devices = compute.training_processes if rule == "train" else 1
        passes = self._passes(rule, wildcards)
        for key in ((rule, model, wildcards.get("attack", "")), (rule, model)):
            if key in self._rates:
                return self._rates[key] * passes * devices * (1 if self.on_gpu else compute.threads), True
        one = seconds_of_pass(self.plan.config.models[model], self.scan)
        return (None if one is None else START + one * passes / (CORES_OF_A_GPU if self.on_gpu else 1)), False

    def of_jobs(self, jobs: Iterable[tuple[str, Wildcards]]) -> dict[str, Estimate]:
        """Return what each stage takes of the planned jobs, given by rule and wildcards."""
        found: dict[str, Estimate] = {}
        for rule, wildcards in jobs:
            if rule in STAGES:
                found[rule] = found.get(rule, Estimate()).with_job(*self.of_job(rule, wildcards))
        return {rule: found[rule] for rule in STAGES if rule in found}


def _time(seconds: float) -> str:
    if seconds < 5400:
        return f"{seconds / 60:.0f} min" if seconds >= 60 else "a minute"
    return f"{seconds / 3600:,.1f} h" if seconds < 36e4 else f"{round(seconds / 3600, -1):,.0f} h"


def _source(one: Estimate) -> str:
    parts = []
    if one.measured:
        parts.append(f"{one.measured} by times of this run's finished jobs")
    if documented := one.jobs - one.measured - one.unknown:
        parts.append(f"{documented} by documented times")
    if one.unknown:
        parts.append(f"{one.unknown} unknown before the first is done")
    return ", ".join(parts)


def cost_lines(costs: Costs, jobs: Iterable[tuple[str, Wildcards]]) -> list[str]:
    """Return what is said after a plan; nothing where no planned job computes with a network."""
    found = costs.of_jobs(jobs)
    if not found:
        return []
    unit, total = "GPU" if costs.on_gpu else "core", _time(sum(one.seconds for one in found.values()))
    more = ", and what is not known" if any(one.unknown for one in found.values()) else ""
    lines = [f"note: planned jobs take about {total} of one {unit}{more}; several share that:"]
    lines += [f"  {rule} ({one.jobs} jobs): {_time(one.seconds)} ({_source(one)})" for rule, one in found.items()]
    if any(one.jobs > one.measured + one.unknown for one in found.values()):
        size = f"k-space of {costs.scan.coils} x {costs.scan.rows} x {costs.scan.columns}"
        kind = "no GPU was measured: a guess" if costs.on_gpu else "within a factor of two"
        if costs.scan == FASTMRI_KNEE:
            kind += " where the data have that size"
        lines.append(f"  documented: docs/performance.md, for {size}; {kind}")
    return lines
