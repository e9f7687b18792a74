"""Learning curves: training loss, and SSIM of the volumes kept back, against optimiser steps."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from advmri.figures.curves import write_legend
from advmri.figures.style import COLUMN_WIDTH, REFERENCE_COLOUR, SMALL, acceleration_style, model_colour, times

PANEL_HEIGHT, PANELS_PER_ROW = 1.5, 2
WINDOW_SHARE = 0.1
"""Of a run's rows: the width of the running mean through single batches, which scatter."""
NOTE = "Pale: single batches; lines: running mean"
LABELS = {"train_loss": "Training loss", "holdout_ssim": "SSIM, kept back"}


def draw(rows: pd.DataFrame, labels: Mapping[str, str]) -> tuple[Figure, pd.DataFrame]:
    """Draw a panel per model, since losses differ, with a line per acceleration; SSIM below where it was measured.

    Args:
        rows: columns model, acceleration, step, train_loss, learning_rate, holdout_ssim; one run after the other.
        labels: of the models by name, in the config's order.

    Returns:
        The figure, and the rows with `train_loss_smooth`.
    """
    table = rows.sort_values(["model", "acceleration", "step"], ignore_index=True)
    table["train_loss_smooth"] = table.groupby(["model", "acceleration"]).train_loss.transform(_smooth)
    models = [model for model in labels if (table.model == model).any()]
    accelerations = sorted(int(one) for one in table.acceleration.unique())
    panels = [(model, "train_loss") for model in models]
    panels += [(model, "holdout_ssim") for model in models if table.holdout_ssim[table.model == model].notna().any()]
    columns = min(PANELS_PER_ROW, len(models))
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(COLUMN_WIDTH, 0.6 + PANEL_HEIGHT * lines), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, (model, measure) in zip(grid, panels, strict=False):
        for acceleration in accelerations:
            run = table[(table.model == model) & (table.acceleration == acceleration)]
            looks: dict[str, Any] = {
                "color": model_colour(model, list(labels)),
                "linestyle": acceleration_style(acceleration, accelerations)[0],
            }
            _draw_run(axes, run, measure, looks)
        axes.set_title(labels[model])
        axes.set_ylabel(LABELS[measure])
        axes.set_xlabel("Optimiser step")
    for axes in grid[len(panels) :]:
        axes.remove()
    styles = [acceleration_style(acceleration, accelerations)[0] for acceleration in accelerations]
    handles = [
        Line2D([], [], color=REFERENCE_COLOUR, linestyle=style, label=times(acceleration))
        for style, acceleration in zip(styles, accelerations, strict=True)
    ]
    write_legend(figure, *([handle] for handle in handles))
    figure.supxlabel(NOTE, fontsize=SMALL, color=REFERENCE_COLOUR)
    return figure, table


def _smooth(losses: pd.Series) -> pd.Series:
    known = losses.dropna()
    window = max(1, round(WINDOW_SHARE * len(known)))
    return known.rolling(window, center=True, min_periods=1).mean().reindex(losses.index)


def _draw_run(axes: Axes, run: pd.DataFrame, measure: str, looks: dict[str, Any]) -> None:
    known = run[run[measure].notna()]
    if measure == "holdout_ssim":
        axes.plot(known.step, known.holdout_ssim, marker="o", **looks)
        return
    axes.plot(known.step, known.train_loss, color=looks["color"], alpha=0.25, linewidth=0.5)
    axes.plot(known.step, known.train_loss_smooth, **looks)
    if np.all(known.train_loss > 0):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
