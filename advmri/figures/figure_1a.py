"""Figure 1a: SSIM in the annotated boxes against the severity, by network and acceleration."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from advmri.figures.curves import (
    acceleration_handles,
    box_curves,
    curves_of,
    draw_curve,
    finish,
    means_note,
    model_handles,
    rising_note,
    shifts,
    write_legend,
    write_note,
)
from advmri.figures.inputs import FigureInputs
from advmri.figures.style import COLUMN_WIDTH, CONTROL_STYLE, REFERENCE_COLOUR, acceleration_style, model_colour, times
from advmri.image_quality.metrics import METRICS

PER_CENT = 100.0
CONTROL = ("control of the same severities", "control, same severities")
CONTROLS = {"noise": ("Gaussian noise of the same norms", "Gaussian, same norms")}
"""In the table and in the legend, by what the control does to the data."""


def draw(inputs: FigureInputs) -> tuple[Figure, pd.DataFrame]:
    """Draw the attack on boxes, its control, and the fully sampled image under the attack."""
    options = inputs.options
    attack, severity = options.role("region_attack"), options.severity("region_attack")
    attacked = box_curves(inputs, attack, "attacked")
    full = box_curves(inputs, attack, f"fully sampled under the attack's {severity.perturbation}", "fully_sampled_ssim")
    tables = [attacked, full]
    figure = Figure(figsize=(COLUMN_WIDTH, 3.1), layout="constrained")
    axes = figure.subplots()
    for _, _, points in curves_of(full, inputs):
        axes.plot(points.severity * PER_CENT, points.ssim, color=REFERENCE_COLOUR, linewidth=0.8, clip_on=False)
    label = f"fully sampled, attack's {severity.perturbation}"
    handles = [Line2D([], [], color=REFERENCE_COLOUR, linewidth=0.8, label=label)]
    if "control_attack" in options.attacks:
        series, label = CONTROLS.get(options.severity("control_attack").perturbation, CONTROL)
        control = box_curves(inputs, options.role("control_attack"), series)
        tables.append(control)
        for model, _, points in curves_of(control, inputs):
            colour = model_colour(model, list(options.models))
            axes.plot(points.severity * PER_CENT, points.ssim, color=colour, linestyle=CONTROL_STYLE, linewidth=1.1)
        handles.append(Line2D([], [], color=REFERENCE_COLOUR, linestyle=CONTROL_STYLE, linewidth=1.1, label=label))
    lines = curves_of(attacked, inputs)
    steps = shifts(len(lines), attacked.severity.tolist(), PER_CENT)
    for (model, acceleration, points), step in zip(lines, steps, strict=True):
        line, marker = acceleration_style(acceleration, options.accelerations)
        colour = model_colour(model, list(options.models))
        draw_curve(axes, points, PER_CENT, step, color=colour, linestyle=line, marker=marker)
    finish(axes, severity.axis, METRICS["ssim"].axis("in annotated boxes"))
    notes = (means_note(attacked, inputs), rising_note(attacked), _thermal_note(attacked))
    write_note(figure, "\n".join(notes), inputs)
    write_legend(figure, model_handles(inputs), acceleration_handles(inputs), handles)
    return figure, pd.concat(tables, ignore_index=True)


def _thermal_note(points: pd.DataFrame) -> str:
    """Say what eta = 1% is in multiples of the scans' thermal noise on the measured columns, by acceleration."""
    known = points[(points.severity > 0) & np.isfinite(points.thermal_multiple)]
    if known.empty:
        return ""
    slopes = (known.thermal_multiple / (known.severity * PER_CENT)).groupby(known.acceleration).mean()
    multiples = ", ".join(f"{slope:.2g} ({times(acceleration)})" for acceleration, slope in slopes.items())
    return f"η = 1% is {multiples} times the thermal noise"
