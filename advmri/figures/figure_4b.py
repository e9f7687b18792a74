"""Figure 4b: SSIM against the angle of rotation for the slice of figure 5."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from advmri.figures.curves import acceleration_handles, finish, model_handles, write_note
from advmri.figures.inputs import FigureInputs
from advmri.figures.rotation_showcase import pick_rotated_box
from advmri.figures.style import COLUMN_WIDTH, REFERENCE_COLOUR, acceleration_style, model_colour


def draw(inputs: FigureInputs) -> tuple[Figure, pd.DataFrame]:
    """Draw one line per network and acceleration, the worst angle of each, and interpolation alone."""
    options = inputs.options
    attack = options.role("rotation_attack")
    shown = pick_rotated_box(inputs)
    figure = Figure(figsize=(COLUMN_WIDTH, 2.9), layout="constrained")
    axes = figure.subplots()
    tables = []
    for model, label in options.models.items():
        for acceleration in options.accelerations:
            found = inputs.attacked_slice(
                attack, model, acceleration, shown.volume, shown.slice, shown.box, shown.severity
            )
            line, _ = acceleration_style(acceleration, options.accelerations)
            colour = model_colour(model, list(options.models))
            sweep = found.sweep
            axes.plot(sweep.angle, sweep.ssim, color=colour, linestyle=line, clip_on=False)
            worst = sweep[(sweep.angle - found.angle).abs() < 1e-4]
            axes.plot(
                worst.angle,
                worst.ssim,
                "v",
                color=colour,
                markersize=5.5,
                markeredgecolor="white",
                markeredgewidth=0.5,
                clip_on=False,
                zorder=4,
            )
            facts = {"model": model, "model_label": label, "acceleration": acceleration}
            tables.append(
                sweep.assign(**facts, worst=(sweep.angle - found.angle).abs() < 1e-4, **_place(shown.facts()))
            )
    axes.plot(sweep.angle, sweep.floor_ssim, color=REFERENCE_COLOUR, linewidth=0.8, clip_on=False)
    where = "the box" if found.rows is not None else "the image"
    finish(axes, "Rotation θ (degrees)", f"SSIM in {where}")
    write_note(figure, f"{shown.place()}\n{shown.rule()}")
    handles = [
        Line2D([], [], color=REFERENCE_COLOUR, linewidth=0.8, label="interpolation alone"),
        Line2D([], [], color=REFERENCE_COLOUR, linestyle="", marker="v", markersize=5, label="worst angle found"),
    ]
    figure.legend(
        handles=[*model_handles(inputs), *acceleration_handles(inputs, markers=False), *handles],
        loc="outside upper center",
        ncols=3,
    )
    return figure, pd.concat(tables, ignore_index=True)


def _place(facts: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in facts.items() if key != "acceleration"}
