"""What figures are drawn from: the tables, the attack files, and the part of the config that concerns them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from advmri.attacks.family import StoredResults
from advmri.attacks.settings import reader_of
from advmri.errors import InputError
from advmri.scores.leakage import LEAKAGE
from advmri.storage.attack_file import open_attack_file
from advmri.storage.slice_jobs import job_range
from advmri.storage.tables import read_table

Image = NDArray[np.float32]
ANGLE_TOLERANCE = 1e-4

LEAKAGE_MARK = "†"
LEAKAGE_NOTE = f"{LEAKAGE_MARK} trained on the audited split too ({LEAKAGE})"


@dataclass(frozen=True)
class FigureOptions:
    """The config's part for figures.

    Attributes:
        models: label of each model by its name, in the config's order.
        region_attack: names of the attacks by their role; None where the config gives none.
        severity: eta that image figures show; the nearest there is.
        zoom: side of the enlarged region in units of the box's.
        rotation_selection: what made an angle the worst, `objective` or `ssim`.
        severity_axis: what the region attack's severities count, in per cent, as its family says.
    """

    models: dict[str, str]
    accelerations: tuple[int, ...]
    confidence: float = 0.95
    region_attack: str | None = None
    image_attack: str | None = None
    control_attack: str | None = None
    rotation_attack: str | None = None
    flip_up_down: bool = True
    pick: str = "median"
    severity: float = 0.02
    acceleration: int | None = None
    zoom: float = 1.6
    rotation_selection: str = "objective"
    severity_axis: str = "Noise level η (% of each coil's ‖k‖)"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read options from JSON; `models` is a list of [name, label] there, since its order counts."""
        content: dict[str, Any] = {key: value for key, value in json.loads(text).items() if value is not None}
        content["models"] = dict(content["models"])
        content["accelerations"] = tuple(content["accelerations"])
        return cls(**content)

    @property
    def showcase_acceleration(self) -> int:
        """The acceleration that image figures show."""
        return self.acceleration if self.acceleration is not None else max(self.accelerations)

    @property
    def worst_angle(self) -> str:
        """What makes an angle the worst, in words."""
        return {"objective": "largest error (L2)", "ssim": "lowest SSIM"}[self.rotation_selection]

    def role(self, role: str) -> str:
        """Return the attack that plays a role, for instance `region_attack`.

        Raises:
            InputError: where the config names none.
        """
        name: str | None = getattr(self, role)
        if name is None:
            raise InputError(f"figures.{role}: this figure needs an attack in that role; name one in the config.")
        return name


@dataclass(frozen=True)
class AttackedSlice:
    """One slice under one attack at one severity; images [h, w] as stored.

    Attributes:
        rows: first and one past the last row of the box; None where the whole image was attacked.
        angle: degrees, NaN for noise.
        sweep: columns angle, ssim, floor_ssim of the grid, and of the worst move where refinement found it beyond;
            empty for noise.
    """

    target: Image
    clean: Image
    reconstruction: Image
    perturbed_target: Image
    rows: tuple[int, int] | None
    columns: tuple[int, int] | None
    severity: float
    angle: float
    sweep: pd.DataFrame


def _bounds(result: h5py.Group, name: str) -> tuple[int, int]:
    first, end = result.attrs[name]
    return int(first), int(end)


def _sweep(family: StoredResults, result: h5py.Group, place: int) -> pd.DataFrame:
    """Return the sweep with the worst move of a severity in its place, by ascending angle; empty without one."""
    sweep, worst = pd.DataFrame(family.sweep(result)), family.worst(result, place)
    if sweep.empty:
        return sweep
    if not np.isclose(sweep.angle, worst["angle"], rtol=0, atol=ANGLE_TOLERANCE).any():
        sweep.loc[len(sweep)] = [worst[name] for name in sweep]
    return sweep.sort_values("angle", kind="stable", ignore_index=True)


@dataclass(frozen=True)
class FigureInputs:
    """Tables and attack files.

    Attributes:
        metrics: one row per box, severity and region; summary: means and intervals; quality: clean, per volume.
        attacks_folder: holds `<attack>/<model>-<acceleration>x/<volume>/slices_<job>.h5`.
        jobs: the jobs of each volume, for instance `012-027`.
        attack_files_read: grows with those that a figure asks for.
    """

    options: FigureOptions
    metrics: pd.DataFrame
    summary: pd.DataFrame
    quality: pd.DataFrame
    attacks_folder: Path
    jobs: dict[str, list[str]]
    attack_files_read: set[Path] = field(default_factory=set)

    @classmethod
    def read(
        cls, options: FigureOptions, metrics: Path, summary: Path, quality: Path, folder: Path, jobs: Iterable[str]
    ) -> Self:
        """Read the tables; `jobs` are given as `volume/slices`."""
        by_volume: dict[str, list[str]] = {}
        for job in jobs:
            volume, _, slices = job.rpartition("/")
            by_volume.setdefault(volume, []).append(slices)
        tables = [read_table(path) for path in (metrics, summary, quality)]
        return cls(options, tables[0], tables[1], tables[2], folder, by_volume)

    def trained_on(self, model: str) -> str:
        """Return what a model was trained on, as its checkpoints say: `train+val` where any of them saw both."""
        found = {
            *self.metrics.trained_on[self.metrics.model == model],
            *self.quality.trained_on[self.quality.model == model],
        }
        return LEAKAGE if LEAKAGE in found else min(found, default="")

    @property
    def leakage_note(self) -> str:
        """The footnote to `LEAKAGE_MARK`; empty where no model has seen the audited split."""
        leaking = any(self.trained_on(model) == LEAKAGE for model in self.options.models)
        return LEAKAGE_NOTE if leaking else ""

    def with_leakage_marked(self) -> Self:
        """Return the same with a mark behind the labels of models that have seen the audited split."""
        marks = {model: LEAKAGE_MARK if self.trained_on(model) == LEAKAGE else "" for model in self.options.models}
        labels = {model: f"{label}{marks[model]}" for model, label in self.options.models.items()}
        return replace(self, options=replace(self.options, models=labels))

    def attack_path(self, attack: str, model: str, acceleration: int, volume: str, slice_number: int) -> Path:
        """Return the attack file that holds a slice."""
        for job in self.jobs.get(volume, []):
            first, last = job_range(job)
            if first <= slice_number <= last:
                path = self.attacks_folder / attack / f"{model}-{acceleration}x" / volume / f"slices_{job}.h5"
                self.attack_files_read.add(path)
                return path
        raise InputError(f"{volume}, slice {slice_number}: none of the attack files given holds it.")

    def attacked_slice(
        self, attack: str, model: str, acceleration: int, volume: str, slice_number: int, box: int, severity: float
    ) -> AttackedSlice:
        """Read a slice as attacked in a box (or as a whole, where the attack is on the image), nearest severity."""
        with open_attack_file(self.attack_path(attack, model, acceleration, volume, slice_number)) as file:
            group, family = file.group(slice_number), reader_of(file.attributes["attack"])
            on_box = f"box_{box}" in group
            result = group[f"box_{box}" if on_box else "image"]
            severities = result["severity"][()]
            place = int(np.abs(severities - severity).argmin())
            return AttackedSlice(
                target=group["target"][()],
                clean=group["clean"][()],
                reconstruction=result["reconstruction"][place],
                perturbed_target=result["perturbed_target"][place],
                rows=_bounds(result, "rows") if on_box else None,
                columns=_bounds(result, "columns") if on_box else None,
                severity=round(float(severities[place]), 6),
                angle=float(family.worst(result, place).get("angle", np.nan)),
                sweep=_sweep(family, result, place),
            )

    def box_scores(
        self, attack: str, model: str, acceleration: int, volume: str, slice_number: int, box: int, severity: float
    ) -> pd.Series:
        """Return the row of `metrics` for one box under one attack, the nearest severity."""
        table = self.metrics
        rows = table[
            (table.attack == attack)
            & (table.model == model)
            & (table.acceleration == acceleration)
            & (table.volume == volume)
            & (table.slice == slice_number)
            & (table.box == box)
            & (table.region == "box")
        ]
        if rows.empty:
            raise InputError(f"metrics.csv: no row for {attack}, {model}, {acceleration}x, {volume}, {slice_number}.")
        return rows.loc[(rows.severity - severity).abs().idxmin()]
