"""Figure 1b: SSIM in the annotated boxes where the boxes are attacked, and where the whole image is."""

import math
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from advmri.figures.curves import (
    box_curves,
    curves_of,
    draw_curve,
    means_note,
    model_handles,
    rising_note,
    shifts,
    write_legend,
    write_note,
)
from advmri.figures.inputs import FigureInputs
from advmri.figures.style import COLUMN_WIDTH, REFERENCE_COLOUR, model_colour, times
from advmri.image_quality.metrics import METRICS

PER_CENT = 100.0
LOOKS: dict[str, dict[str, Any]] = {
    "boxes attacked": {"linestyle": "-", "marker": "o"},
    "whole image attacked": {"linestyle": (0, (4, 1.6)), "marker": "o", "markerfacecolor": "white"},
}


def draw(inputs: FigureInputs) -> tuple[Figure, pd.DataFrame]:
    """Draw one panel per acceleration."""
    options = inputs.options
    series = dict(zip(LOOKS, (options.role("region_attack"), options.role("image_attack")), strict=True))
    table = pd.concat([box_curves(inputs, attack, name) for name, attack in series.items()], ignore_index=True)
    columns = min(len(options.accelerations), 2)
    rows = math.ceil(len(options.accelerations) / columns)
    figure = Figure(figsize=(COLUMN_WIDTH, 0.8 + 2.1 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(options.accelerations) :]:
        axes.remove()
    lines = [(name, model) for name in LOOKS for model in options.models]
    steps = dict(zip(lines, shifts(len(lines), table.severity.tolist(), PER_CENT), strict=True))
    for axes, acceleration in zip(grid.flat, options.accelerations, strict=False):
        panel = table[table.acceleration == acceleration]
        for name in LOOKS:
            for model, _, points in curves_of(panel[panel.series == name], inputs):
                colour = model_colour(model, list(options.models))
                draw_curve(axes, points, PER_CENT, steps[name, model], color=colour, **LOOKS[name])
        axes.set_title(f"Acceleration {times(acceleration)}")
        axes.set_xlabel(options.severity("region_attack").short_axis)
        axes.tick_params(labelbottom=True)
    for axes in grid[:, 0]:
        axes.set_ylabel(METRICS["ssim"].axis("in annotated boxes"))
    grid[0, 0].set_ylim(grid[0, 0].get_ylim()[0], 1.0)
    write_note(figure, f"{means_note(table, inputs)}\n{rising_note(table)}", inputs)
    handles = [Line2D([], [], color=REFERENCE_COLOUR, label=name, **looks) for name, looks in LOOKS.items()]
    write_legend(figure, model_handles(inputs), handles)
    return figure, table
