"""What a longer search would find: the objective against steps and restarts, relative to the best known."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from advmri.figures.inputs import LEAKAGE_MARK, LEAKAGE_NOTE
from advmri.figures.style import (
    LINE_STYLES,
    MARKERS,
    MODEL_COLOURS,
    NORMAL,
    REFERENCE_COLOUR,
    SMALL,
    TEXT_WIDTH,
    times,
)
from advmri.scores.leakage import LEAKAGE

PER_CENT = 100.0
TARGET = ["model", "acceleration", "volume", "slice", "target"]
SEARCH = ["model", "acceleration", "optimiser", "restarts", "steps"]


def convergence_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Average over targets, each relative to the largest objective that any search found for it.

    Args:
        rows: as `workflow_scripts.convergence` writes them.

    Returns:
        per model, acceleration, optimiser, restarts and steps: trained_on; n_targets; `of_best`, mean of the objective
        over the best known; `least_of_best`, the smallest; `gain`, how much of it the steps beyond the next smaller
        number added (empty for the smallest); `clean_of_best`, the same ratio without any attack.
    """
    best = rows.groupby(TARGET).objective.transform("max")
    rows = rows.assign(of_best=rows.objective / best, clean_of_best=rows.clean_objective / best)
    table = rows.groupby(SEARCH, sort=False).agg(
        trained_on=("trained_on", "first"),
        n_targets=("of_best", "size"),
        of_best=("of_best", "mean"),
        least_of_best=("of_best", "min"),
        clean_of_best=("clean_of_best", "mean"),
    )
    table = table.reset_index().sort_values(SEARCH, kind="stable", ignore_index=True)
    return table.assign(gain=table.groupby(SEARCH[:-1]).of_best.diff() / table.of_best)


def _draw_panel(axes: Axes, table: pd.DataFrame, optimisers: list[str]) -> None:
    starts = sorted({table.restarts.min(), table.restarts.max()})
    for place, optimiser in enumerate(optimisers):
        for style, restarts in enumerate(starts):
            points = table[(table.optimiser == optimiser) & (table.restarts == restarts)]
            label = f"{optimiser}, {restarts} start{'s' if restarts > 1 else ''}"
            axes.plot(
                points.steps,
                PER_CENT * points.of_best,
                color=MODEL_COLOURS[place % len(MODEL_COLOURS)],
                linestyle=LINE_STYLES[style],
                marker=MARKERS[style],
                label=label,
            )
    axes.axhline(PER_CENT * 0.99, color=REFERENCE_COLOUR, linewidth=0.6)
    axes.set_xscale("log")
    steps = sorted(set(table.steps))
    axes.set_xticks(steps, [str(step) for step in steps])
    axes.minorticks_off()


def draw(rows: pd.DataFrame, labels: Mapping[str, str]) -> tuple[Figure, pd.DataFrame]:
    """Draw one panel per model and acceleration, one line per optimiser and number of starts.

    Args:
        rows: as `workflow_scripts.convergence` writes them.
        labels: label of each model by its name, in the config's order.
    """
    table = convergence_table(rows)
    models = [name for name in labels if name in set(table.model)]
    accelerations = sorted(set(table.acceleration))
    figure = Figure(figsize=(TEXT_WIDTH, 0.9 + 1.7 * len(models)), layout="constrained")
    grid = figure.subplots(len(models), len(accelerations), squeeze=False, sharex=True, sharey=True)
    leaking = set(table.model[table.trained_on == LEAKAGE])
    optimisers = list(dict.fromkeys(rows.optimiser))
    for row, model in enumerate(models):
        for column, acceleration in enumerate(accelerations):
            axes = grid[row][column]
            _draw_panel(axes, table[(table.model == model) & (table.acceleration == acceleration)], optimisers)
            mark = LEAKAGE_MARK if model in leaking else ""
            axes.set_title(f"{labels[model]}{mark}, {times(acceleration)}")
    figure.supxlabel("Gradient steps of each start", fontsize=NORMAL)
    figure.supylabel("Objective (% of the best known)", fontsize=NORMAL)
    handles, names = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(names))
    severity = PER_CENT * rows.severity.max()
    targets = len(rows[TARGET[2:]].drop_duplicates())
    note = f"η = {severity:g}%, mean over {targets} targets; grey line: 99%"
    note += f"; {LEAKAGE_NOTE}" if leaking else ""
    figure.text(1.0, 0.0, note, fontsize=SMALL, ha="right", va="bottom", color=REFERENCE_COLOUR)
    return figure, table
