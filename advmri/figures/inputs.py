"""What figures are drawn from: the tables, the showcase, and the part of the config that concerns them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import pandas as pd

from advmri.attacks.family import Severity
from advmri.errors import InputError
from advmri.figures.picking import PickedBox
from advmri.figures.showcase_file import ShownSlice, read_showcase
from advmri.figures.style import times
from advmri.scores.cautions import cautions_on
from advmri.scores.leakage import LEAKAGE
from advmri.scores.search_end import STILL_RISING
from advmri.storage.tables import read_table

LEAKAGE_MARK = "†"
LEAKAGE_NOTE = f"{LEAKAGE_MARK} trained on the audited split too ({LEAKAGE})"


@dataclass(frozen=True)
class FigureOptions:
    """The config's part for figures.

    Attributes:
        models: label of each model by its name, in the config's order.
        attacks: names of the attacks by the roles that the config fills.
        severities: what the severities of the attacks in the figure's roles count, as their families say.
        flip_up_down: whether images are shown flipped; None: as their volumes say.
        zoom: side of the enlarged region in units of the box's.
        rotation_selection: what made an angle the worst, `objective` or `ssim`.
    """

    models: dict[str, str]
    accelerations: tuple[int, ...]
    attacks: Mapping[str, str] = field(default_factory=dict)
    severities: Mapping[str, Severity] = field(default_factory=dict)
    confidence: float = 0.95
    flip_up_down: bool | None = None
    zoom: float = 1.6
    rotation_selection: str = "objective"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read options from JSON; `models` is a list of [name, label] there, since its order counts."""
        content: dict[str, Any] = json.loads(text)
        content["models"] = dict(content["models"])
        content["accelerations"] = tuple(content["accelerations"])
        content["severities"] = {role: Severity(**facts) for role, facts in content.get("severities", {}).items()}
        return cls(**content)

    @property
    def worst_angle(self) -> str:
        """What makes an angle the worst, in words."""
        return {"objective": "largest error (L2)", "ssim": "lowest SSIM"}[self.rotation_selection]

    def role(self, role: str) -> str:
        """Return the attack that plays a role, for instance `region_attack`.

        Raises:
            InputError: where the config names none.
        """
        if role not in self.attacks:
            raise InputError(f"figures.{role}: this figure needs an attack in that role; name one in the config.")
        return self.attacks[role]

    def severity(self, role: str) -> Severity:
        """Return what the severities of the attack that plays a role count.

        Raises:
            InputError: where the figure was not told.
        """
        if role not in self.severities:
            raise InputError(f"severities.{role}: the figure's settings do not say what its severities count; add it.")
        return self.severities[role]


@dataclass(frozen=True)
class FigureInputs:
    """Tables and showcase.

    Attributes:
        metrics: one row per box, severity and region; summary: means and intervals; quality: clean, per volume.
        showcase: the slices that image figures show, by the role that picked them; empty where there is no file.
    """

    options: FigureOptions
    metrics: pd.DataFrame
    summary: pd.DataFrame
    quality: pd.DataFrame
    showcase: Mapping[str, ShownSlice]

    @classmethod
    def read(cls, options: FigureOptions, metrics: Path, summary: Path, quality: Path, showcase: Path | None) -> Self:
        """Read the tables, and the showcase where a figure shows slices."""
        tables = [read_table(path) for path in (metrics, summary, quality)]
        return cls(options, tables[0], tables[1], tables[2], {} if showcase is None else read_showcase(showcase))

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

    @property
    def caution_note(self) -> str:
        """What speaks against the networks shown, one sentence; empty where nothing does."""
        found: dict[str, dict[str, list[str]]] = {}
        for caution in cautions_on(self.quality):
            label = self.options.models.get(caution.model)
            if label is not None and caution.acceleration in self.options.accelerations:
                found.setdefault(caution.short, {}).setdefault(label, []).append(times(caution.acceleration))
        parts = []
        for short, labels in found.items():
            networks = " and ".join(f"{label} ({', '.join(at)})" for label, at in labels.items())
            parts.append(f"{networks} {short}")
        return f"Caution: {'; '.join(parts)}" if parts else ""

    @property
    def foot(self) -> str:
        """The footnotes of every figure: on leakage, and on the networks."""
        return ". ".join(filter(None, [self.leakage_note, self.caution_note]))

    def with_leakage_marked(self) -> Self:
        """Return the same with a mark behind the labels of models that have seen the audited split."""
        marks = {model: LEAKAGE_MARK if self.trained_on(model) == LEAKAGE else "" for model in self.options.models}
        labels = {model: f"{label}{marks[model]}" for model, label in self.options.models.items()}
        return replace(self, options=replace(self.options, models=labels))

    def shown(self, role: str) -> ShownSlice:
        """Return the slice that the attack in a role has picked, from the showcase.

        Raises:
            InputError: where the config names no such attack, or the showcase was made without it.
        """
        attack = self.options.role(role)
        if role not in self.showcase:
            raise InputError(
                f"figures.{role}: the showcase holds no slice that {attack} has picked; run the rule showcase again, or"
                " give its file with --showcase."
            )
        return self.showcase[role]

    def rising_note(self, attacks: Mapping[str, str], box: PickedBox) -> str:
        """Say against which networks the attacks shown on a box, by their words, were still rising when they stopped.

        A sentence with its full stop and a space; empty where none was.
        """
        parts = []
        for words, attack in attacks.items():
            rising = [
                label
                for model, label in self.options.models.items()
                if self.box_scores(attack, model, box.acceleration, box).get("last_step_gain", 0.0) > STILL_RISING
            ]
            parts += [f"{words} against {', '.join(rising)}"] if rising else []
        return f"Still rising when it stopped: {'; '.join(parts)}. " if parts else ""

    def box_scores(self, attack: str, model: str, acceleration: int, box: PickedBox) -> pd.Series:
        """Return the row of `metrics` for a box under one attack, the nearest severity."""
        table = self.metrics
        rows = table[
            (table.attack == attack)
            & (table.model == model)
            & (table.acceleration == acceleration)
            & (table.volume == box.volume)
            & (table.slice == box.slice)
            & (table.box == box.box)
            & (table.region == "box")
        ]
        if rows.empty:
            raise InputError(f"metrics.csv: no row for {attack}, {model}, {acceleration}x, {box.volume}, {box.slice}.")
        return rows.loc[(rows.severity - box.severity).abs().idxmin()]
