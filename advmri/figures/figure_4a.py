"""Figure 4a: SSIM in the annotated boxes against the largest rotation, by network and acceleration."""

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
    shifts,
    write_legend,
    write_note,
)
from advmri.figures.inputs import FigureInputs
from advmri.figures.style import COLUMN_WIDTH, REFERENCE_COLOUR, acceleration_style, model_colour
from advmri.image_quality.metrics import METRICS


def draw(inputs: FigureInputs) -> tuple[Figure, pd.DataFrame]:
    """Draw the attack, and what interpolation alone does at the same angles."""
    options = inputs.options
    attack = options.role("rotation_attack")
    attacked = box_curves(inputs, attack, "attacked")
    floor = box_curves(inputs, attack, "interpolation alone at the attack's angles", "fully_sampled_ssim")
    figure = Figure(figsize=(COLUMN_WIDTH, 2.9), layout="constrained")
    axes = figure.subplots()
    for _, acceleration, points in curves_of(floor, inputs):
        line, _ = acceleration_style(acceleration, options.accelerations)
        axes.plot(points.severity, points.ssim, color=REFERENCE_COLOUR, linewidth=0.8, linestyle=line, clip_on=False)
    lines = curves_of(attacked, inputs)
    for (model, acceleration, points), step in zip(
        lines, shifts(len(lines), attacked.severity.tolist(), 1.0), strict=True
    ):
        line, marker = acceleration_style(acceleration, options.accelerations)
        colour = model_colour(model, list(options.models))
        draw_curve(axes, points, 1.0, step, color=colour, linestyle=line, marker=marker)
    finish(axes, r"Largest rotation $\theta_{\max}$ (degrees)", METRICS["ssim"].axis("in annotated boxes"))
    write_note(figure, f"{means_note(attacked, inputs)}\nWorst angle: {options.worst_angle}", inputs)
    alone = Line2D([], [], color=REFERENCE_COLOUR, linewidth=0.8, label="interpolation alone")
    write_legend(figure, model_handles(inputs), acceleration_handles(inputs), [alone])
    return figure, pd.concat([attacked, floor], ignore_index=True)
