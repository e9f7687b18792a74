"""Picks the slices that figures show, by the scores, and cuts them out of the attack files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
import pandas as pd

from advmri.attacks.family import StoredResults
from advmri.attacks.settings import reader_of
from advmri.figures.picking import PickedBox, pick_box, pick_moved_box
from advmri.figures.showcase_file import ANGLE_TOLERANCE, AttackedSlice, ShownSlice
from advmri.storage.attack_file import open_attack_file
from advmri.storage.layout import ATTACK_FILE, job_with, place

MOVING = "rotation_attack"
"""The role whose slice is picked among those that the attack moves."""


@dataclass(frozen=True)
class WantedSlice:
    """A slice to be shown.

    Attributes:
        role: of the attack that picks it; attack: its name.
        shown: accelerations of which each attack's file is shown.
    """

    role: str
    attack: str
    shown: Mapping[str, list[int]]


@dataclass(frozen=True)
class Wanted:
    """What the config says of the showcase.

    Attributes:
        pick: `median` or `worst`; severity: eta, the nearest there is; acceleration: of the networks that pick.
    """

    models: list[str]
    slices: list[WantedSlice]
    acceleration: int
    pick: str = "median"
    severity: float = 0.02

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it as `advmri.config.figure_plan` writes it."""
        content: dict[str, Any] = json.loads(text)
        content["slices"] = [WantedSlice(**one) for one in content["slices"]]
        return cls(**content)


@dataclass(frozen=True)
class Cutter:
    """Cuts slices out of a run's attack files.

    Attributes:
        run: results/<name>; jobs: attack jobs of a series, as `<volume>/<slices>`; metrics: rows of metrics.csv.
        files_read: grows.
    """

    run: Path
    jobs: list[str]
    metrics: pd.DataFrame
    files_read: set[Path] = field(default_factory=set)

    def showcase(self, wanted: Wanted) -> dict[str, ShownSlice]:
        """Return every wanted slice by its role; raises InputError where no box was attacked, or a file is missing."""
        return {one.role: self._shown(one, wanted) for one in wanted.slices}

    def _shown(self, one: WantedSlice, wanted: Wanted) -> ShownSlice:
        if one.role == MOVING:
            box = pick_moved_box(self.metrics, one.attack, wanted.acceleration, wanted.pick)
        else:
            box = pick_box(self.metrics, one.attack, wanted.acceleration, wanted.severity, wanted.pick)
        return ShownSlice(
            box,
            {
                (attack, model, acceleration): self._cut(attack, model, acceleration, box)
                for attack, accelerations in one.shown.items()
                for model in wanted.models
                for acceleration in accelerations
            },
        )

    def _cut(self, attack: str, model: str, acceleration: int, box: PickedBox) -> AttackedSlice:
        """Read a slice as attacked in a box (or as a whole, where the attack is on the image), nearest severity."""
        job = job_with(self.jobs, box.volume, box.slice)
        names = {"attack": attack, "model": model, "acceleration": acceleration, "volume": box.volume, "slices": job}
        path = place(self.run, ATTACK_FILE, **names)
        self.files_read.add(path)
        with open_attack_file(path) as file:
            group, family = file.group(box.slice), reader_of(file.attributes["attack"])
            on_box = f"box_{box.box}" in group
            result = group[f"box_{box.box}" if on_box else "image"]
            severities = result["severity"][()]
            nearest = int(np.abs(severities - box.severity).argmin())
            return AttackedSlice(
                target=group["target"][()],
                clean=group["clean"][()],
                reconstruction=result["reconstruction"][nearest],
                perturbed_target=result["perturbed_target"][nearest],
                rows=_bounds(result, "rows") if on_box else None,
                columns=_bounds(result, "columns") if on_box else None,
                severity=round(float(severities[nearest]), 6),
                angle=float(family.worst(result, nearest).get("angle", np.nan)),
                sweep=_sweep(family, result, nearest),
            )


def _bounds(result: h5py.Group, name: str) -> tuple[int, int]:
    first, end = result.attrs[name]
    return int(first), int(end)


def _sweep(family: StoredResults, result: h5py.Group, nearest: int) -> pd.DataFrame:
    """Return the sweep with the worst move of a severity in its place, by ascending angle; empty without one."""
    sweep, worst = pd.DataFrame(family.sweep(result)), family.worst(result, nearest)
    if sweep.empty:
        return sweep
    if not np.isclose(sweep.angle, worst["angle"], rtol=0, atol=ANGLE_TOLERANCE).any():
        sweep.loc[len(sweep)] = [worst[name] for name in sweep]
    return sweep.sort_values("angle", kind="stable", ignore_index=True)
