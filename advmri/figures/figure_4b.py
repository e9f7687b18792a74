"""Figure 4b: SSIM against the angle of rotation for the slice of figure 5."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from advmri.figures.captions import place, rule
from advmri.figures.curves import acceleration_handles, finish, model_handles, write_legend, write_note
from advmri.figures.inputs import FigureInputs
from advmri.figures.showcase_file import ANGLE_TOLERANCE
from advmri.figures.style import COLUMN_WIDTH, REFERENCE_COLOUR, acceleration_style, model_colour
from advmri.image_quality.metrics import METRICS

WORST: dict[str, Any] = {
    "linestyle": "",
    "marker": "v",
    "markersize": 5.5,
    "markeredgecolor": "white",
    "markeredgewidth": 0.5,
    "zorder": 4,
    "clip_on": False,
}


def draw(inputs: FigureInputs) -> tuple[Figure, pd.DataFrame]:
    """Draw one line per network and acceleration, the worst angle of each, and interpolation alone."""
    options = inputs.options
    attack = options.role("rotation_attack")
    shown = inputs.shown("rotation_attack")
    figure = Figure(figsize=(COLUMN_WIDTH, 2.9), layout="constrained")
    axes = figure.subplots()
    tables = []
    for model, label in options.models.items():
        for acceleration in options.accelerations:
            found = shown.under(attack, model, acceleration)
            line, _ = acceleration_style(acceleration, options.accelerations)
            colour = model_colour(model, list(options.models))
            sweep = found.sweep
            axes.plot(sweep.angle, sweep.ssim, color=colour, linestyle=line, clip_on=False)
            is_worst = (sweep.angle - found.angle).abs() < ANGLE_TOLERANCE
            axes.plot(sweep.angle[is_worst], sweep.ssim[is_worst], color=colour, **WORST)
            facts = shown.box.facts() | {
                "attack": attack,
                "model": model,
                "model_label": label,
                "acceleration": acceleration,
            }
            facts["trained_on"] = inputs.trained_on(model)
            tables.append(sweep.assign(**facts, worst=is_worst))
    axes.plot(sweep.angle, sweep.floor_ssim, color=REFERENCE_COLOUR, linewidth=0.8, clip_on=False)
    where = "the box" if found.rows is not None else "the image"
    finish(axes, "Rotation θ (degrees)", METRICS["ssim"].axis(f"in {where}"))
    write_note(figure, f"{place(shown.box)}\n{rule(shown.box)}", inputs)
    handles = [
        Line2D([], [], color=REFERENCE_COLOUR, linewidth=0.8, label="interpolation alone"),
        Line2D([], [], color=REFERENCE_COLOUR, label=f"worst angle: {options.worst_angle}", **WORST),
    ]
    write_legend(figure, model_handles(inputs), acceleration_handles(inputs, markers=False), handles)
    return figure, pd.concat(tables, ignore_index=True)
