"""Lines of mean SSIM in the annotated boxes against severity, with bootstrap intervals over patients."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from advmri.errors import InputError
from advmri.figures.inputs import FigureInputs
from advmri.figures.style import REFERENCE_COLOUR, SMALL, acceleration_style, model_colour, times

KEYS = ["series", "attack", "model", "model_label", "acceleration", "severity"]
NOTE_WIDTH = 68
"""Characters in a line below a figure one column wide."""
LEGEND_WIDTH, COLUMN_ROOM, LEGEND_LINE = 68, 8, 0.15
"""Above it: characters side by side, of which each column's line sample takes some; height of a line in inches."""


def box_curves(inputs: FigureInputs, attack: str, series: str, measure: str = "ssim") -> pd.DataFrame:
    """Return one row per model, acceleration and severity: mean over boxes and its interval.

    Args:
        inputs: the tables.
        attack: name of the attack.
        series: what the rows are called in the table behind the figure.
        measure: `ssim` of the reconstruction, or `fully_sampled_ssim` under the same perturbation.

    Returns:
        Columns `KEYS`, `ssim`, `ssim_ci_low`, `ssim_ci_high`, `n_boxes`, `n_still_rising`, `n_patients`,
        `thermal_multiple`.
    """
    table = inputs.summary
    rows = table[(table.attack == attack) & (table.region == "box") & table.model.isin(list(inputs.options.models))]
    if rows.empty:
        raise InputError(f"summary.csv: has no row for attack {attack} in boxes.")
    scores = inputs.metrics
    patients = (
        scores[(scores.attack == attack) & (scores.region == "box")]
        .groupby(["model", "acceleration", "severity"])
        .patient.nunique()
        .rename("n_patients")
    )
    rows = rows.join(patients, on=["model", "acceleration", "severity"])
    return pd.DataFrame(
        {
            "series": series,
            "attack": attack,
            "model": rows.model,
            "model_label": rows.model.map(inputs.options.models),
            "trained_on": rows.trained_on,
            "acceleration": rows.acceleration,
            "severity": rows.severity,
            "ssim": rows[f"{measure}_mean"],
            "ssim_ci_low": rows[f"{measure}_ci_low"],
            "ssim_ci_high": rows[f"{measure}_ci_high"],
            "n_boxes": rows.n_boxes,
            "n_still_rising": rows.get("n_still_rising"),
            "n_patients": rows.n_patients,
            "thermal_multiple": rows.thermal_multiple,
        }
    ).sort_values(KEYS, ignore_index=True)


def curves_of(points: pd.DataFrame, inputs: FigureInputs) -> list[tuple[str, int, pd.DataFrame]]:
    """Split points into lines: model, acceleration, rows; in the config's order."""
    lines = [
        (model, acceleration, points[(points.model == model) & (points.acceleration == acceleration)])
        for model in inputs.options.models
        for acceleration in inputs.options.accelerations
    ]
    return [line for line in lines if not line[2].empty]


def draw_curve(axes: Axes, points: pd.DataFrame, scale: float, shift: float = 0.0, **looks: Any) -> None:
    """Draw a line through the means with bars for the intervals, where there are any.

    Args:
        axes: where.
        points: rows of `box_curves`.
        scale: severity is multiplied by it, for instance 100 for per cent.
        shift: along the x axis in its units, so that bars stand side by side.
        looks: of `Axes.plot`.
    """
    x = points.severity.to_numpy() * scale + shift
    axes.plot(x, points.ssim, clip_on=False, **looks)
    known = points.ssim_ci_low.notna().to_numpy()
    axes.vlines(
        x[known], points.ssim_ci_low[known], points.ssim_ci_high[known], color=looks["color"], linewidth=0.8, alpha=0.75
    )


def shifts(number: int, severities: Sequence[float], scale: float) -> list[float]:
    """Return side steps of `number` lines: together a fifth of the least distance of severities, 4% of all at most."""
    distances = np.diff(np.unique(np.asarray(severities, dtype=float))) * scale
    room = min(0.2 * float(distances.min()), 0.04 * float(distances.sum())) if len(distances) else 0.0
    return [0.0] if number == 1 else list(np.linspace(-room / 2, room / 2, number))


def model_handles(inputs: FigureInputs) -> list[Line2D]:
    """Return legend entries for the models' colours."""
    models = inputs.options.models
    return [
        Line2D([], [], color=model_colour(model, list(models)), linewidth=2.2, label=label)
        for model, label in models.items()
    ]


def acceleration_handles(inputs: FigureInputs, markers: bool = True) -> list[Line2D]:
    """Return legend entries for the accelerations' line styles, with or without markers."""
    accelerations = inputs.options.accelerations
    styles = [acceleration_style(acceleration, accelerations) for acceleration in accelerations]
    return [
        Line2D(
            [],
            [],
            color=REFERENCE_COLOUR,
            linestyle=line,
            marker=marker if markers else None,
            label=times(acceleration),
        )
        for acceleration, (line, marker) in zip(accelerations, styles, strict=True)
    ]


def write_legend(figure: Figure, *groups: Sequence[Line2D]) -> None:
    """Write a legend above a figure one column wide, which grows by it; a column per group, fewer for long labels."""
    first, *others = groups
    arrangements = (groups, (first, [handle for group in others for handle in group]))
    for columns in arrangements:
        longest = [max(len(str(handle.get_label())) for handle in column) for column in columns]
        if sum(longest) + COLUMN_ROOM * len(columns) <= LEGEND_WIDTH:
            break
    else:
        columns = ([handle for group in groups for handle in group],)
    rows = max(len(column) for column in columns)
    empty = Line2D([], [], linestyle="none", label=" ")
    padded = [handle for column in columns for handle in [*column, *[empty] * (rows - len(column))]]
    figure.set_figheight(figure.get_figheight() + LEGEND_LINE * max(0, rows - 2))
    figure.legend(handles=padded, loc="outside upper center", ncols=len(columns))


def _count(numbers: pd.Series, one: str, many: str) -> str:
    low, high = int(numbers.min()), int(numbers.max())
    if low != high:
        return f"{low}-{high} {many}"
    return f"{high} {one if high == 1 else many}"


def means_note(points: pd.DataFrame, inputs: FigureInputs) -> str:
    """Say over how many boxes and patients the means and their bars are."""
    among = f"Means of {_count(points.n_boxes, 'box', 'boxes')} in {_count(points.n_patients, 'patient', 'patients')}"
    if points.ssim_ci_low.notna().any():
        return f"{among}, {100 * inputs.options.confidence:g}% patient bootstrap"
    return f"{among}: no interval"


def rising_note(points: pd.DataFrame) -> str:
    """Say that values are the largest found, and of how many the attack was still rising; empty where unknown."""
    known = points[points.n_still_rising.notna()]
    if known.empty:
        return ""
    rising, searched = int(known.n_still_rising.sum()), int(known.n_boxes.sum())
    return f"Largest found: {rising} of {searched} attacks still rose at the last step"


def finish(axes: Axes, x_label: str, y_label: str) -> None:
    """Label the axes and let SSIM end at 1."""
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.set_ylim(axes.get_ylim()[0], 1.0)


def write_note(figure: Figure, note: str, inputs: FigureInputs) -> None:
    """Write a note at the foot of a figure one column wide, and below it what to know of the networks."""
    parts = [*note.splitlines(), inputs.leakage_note, inputs.caution_note]
    lines = [line for part in parts for line in wrap(part, NOTE_WIDTH)]
    figure.supxlabel("\n".join(lines), fontsize=SMALL, color=REFERENCE_COLOUR)
