"""One row per image panel in the tables behind image figures: what is shown, and how it scored in the box."""

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from advmri.figures.inputs import FigureInputs
from advmri.figures.picking import PickedBox
from advmri.figures.showcase_file import AttackedSlice, ShownSlice
from advmri.figures.view import View
from advmri.image_quality.metrics import METRICS, shown_metrics

Shown = Literal["target", "clean", "reconstruction", "perturbed_target"]
SCORES: dict[Shown, str] = {"clean": "clean_", "reconstruction": "", "perturbed_target": "fully_sampled_"}


@dataclass(frozen=True)
class Panel:
    """What one panel shows.

    Attributes:
        shown: a dataset of the attack file.
        attack: None for what no attack touched.
    """

    shown: Shown
    model: str | None = None
    attack: str | None = None


def panel_facts(
    panel: Panel, found: AttackedSlice, scores: pd.Series, box: PickedBox, view: View, row: int, column: int
) -> dict[str, Any]:
    """Return a panel's row: its place, slice, box, model, attack, severity, scores in the box, and display."""
    attacked = panel.shown in ("reconstruction", "perturbed_target")
    perturbation = {
        "severity": found.severity if attacked else 0.0,
        "angle": found.angle if attacked else float("nan"),
        "relative_norm": scores.relative_norm if attacked else 0.0,
        "thermal_multiple": scores.thermal_multiple if attacked else 0.0,
        "last_step_gain": scores.get("last_step_gain", float("nan")) if attacked else float("nan"),
    }
    prefix = SCORES.get(panel.shown)
    nan = float("nan")
    measured = {name: nan if prefix is None else float(scores[f"{prefix}{name}"]) for name in METRICS}
    head = {"panel_row": row, "panel_column": column, "shown": panel.shown, "model": panel.model or ""}
    head |= {"attack": panel.attack or "", "trained_on": scores.trained_on if panel.model else ""}
    return head | box.facts() | perturbation | measured | view.facts()


def panel_values(facts: dict[str, Any]) -> str:
    """Return the line of values above a panel, for instance `SSIM 0.621, 24.1 dB`; the target has none."""
    if facts["shown"] == "target":
        return "target"
    return ", ".join(metric.text(facts[metric.name]) for metric in shown_metrics())


def read_panel(inputs: FigureInputs, shown: ShownSlice, attack: str, model: str) -> tuple[AttackedSlice, pd.Series]:
    """Return the images and the scores of the picked box under one attack on one model."""
    acceleration = shown.box.acceleration
    return shown.under(attack, model, acceleration), inputs.box_scores(attack, model, acceleration, shown.box)
