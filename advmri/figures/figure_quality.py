"""Clean quality of every network, without any attack, beside zero filling."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from advmri.figures.curves import write_legend, write_note
from advmri.figures.inputs import FigureInputs
from advmri.figures.style import COLUMN_WIDTH, REFERENCE_COLOUR, ZERO_FILLED_COLOUR, model_colour, times
from advmri.image_quality.metrics import shown_metrics

ZERO_FILLED = "zero_filled"
SPACING, AXES_POINTS = 0.28, 90.0
"""Between methods, where the distance of accelerations is 1; width of one panel in points."""


def draw(inputs: FigureInputs) -> tuple[Figure, pd.DataFrame]:
    """Draw one dot per volume and method, joined within a volume, and a bar at their mean."""
    options = inputs.options
    baseline = {ZERO_FILLED: "Zero-filled"} if (inputs.quality.model == ZERO_FILLED).any() else {}
    methods = baseline | options.models
    table = inputs.quality[inputs.quality.model.isin(list(methods))]
    table = table.assign(model_label=table.model.map(methods))
    figure = Figure(figsize=(COLUMN_WIDTH, 2.6), layout="constrained")
    metrics = shown_metrics()
    panels = figure.subplots(1, len(metrics), squeeze=False)[0]
    for axes, metric in zip(panels, metrics, strict=True):
        _draw_measure(axes, table, metric.name, list(methods), inputs)
        axes.set_ylabel(metric.axis("of the volume"))
        axes.set_xlabel("Acceleration")
    volumes = table.volume.nunique()
    write_note(figure, f"No attack; {volumes} volume{'s' * (volumes != 1)}, lines join the same volume", inputs)
    names = [
        Line2D([], [], color=_colour(method, inputs), linestyle="", marker="o", label=label)
        for method, label in methods.items()
    ]
    mean = Line2D(
        [], [], color=REFERENCE_COLOUR, linestyle="", marker="_", markersize=9, markeredgewidth=1.6, label="mean"
    )
    entries = [*names, mean]
    half = len(entries) // 2 + 1
    write_legend(figure, *([one] for one in entries) if len(entries) <= 4 else (entries[:half], entries[half:]))
    return figure, table.sort_values(["acceleration", "model", "volume"], ignore_index=True)


def _colour(method: str, inputs: FigureInputs) -> str:
    return ZERO_FILLED_COLOUR if method == ZERO_FILLED else model_colour(method, list(inputs.options.models))


def _draw_measure(axes: Axes, table: pd.DataFrame, measure: str, methods: list[str], inputs: FigureInputs) -> None:
    accelerations = inputs.options.accelerations
    step = SPACING * 3 / max(3, len(methods))
    bar = min(9.0, 0.8 * step * AXES_POINTS / len(accelerations))
    offsets = (np.arange(len(methods)) - (len(methods) - 1) / 2) * step
    for place, acceleration in enumerate(accelerations):
        wide = table[table.acceleration == acceleration].pivot_table(index="volume", columns="model", values=measure)
        wide = wide.reindex(columns=methods)
        for values in wide.to_numpy():
            axes.plot(place + offsets, values, color="#CCCCCC", linewidth=0.6, zorder=1)
        for method, offset in zip(methods, offsets, strict=True):
            colour = _colour(method, inputs)
            x = np.full(len(wide), place + offset)
            axes.plot(x, wide[method], "o", color=colour, markersize=2.8, alpha=0.8, markeredgewidth=0, zorder=2)
            axes.plot(
                [place + offset],
                [wide[method].mean()],
                "_",
                color=colour,
                markersize=bar,
                markeredgewidth=1.6,
                zorder=3,
            )
    axes.set_xticks(range(len(accelerations)), [times(one) for one in accelerations])
    axes.set_xlim(-0.5, len(accelerations) - 0.5)
    axes.grid(visible=False, axis="x")
