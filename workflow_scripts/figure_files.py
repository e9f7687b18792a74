"""The three files of every figure: SVG, PNG, and the numbers behind them as CSV."""

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from advmri.figures.drawing import save_figure
from workflow_scripts.program import LOGGER, atomic_output


def add_figure_options(made: argparse.ArgumentParser) -> None:
    """Add where the three files go."""
    for kind in ("svg", "png", "csv"):
        made.add_argument(f"--{kind}", type=Path, required=True)


def write_figure(figure: Figure, table: pd.DataFrame, arguments: argparse.Namespace) -> None:
    """Write a figure and the table behind it."""
    with atomic_output(arguments.csv) as temporary:
        table.to_csv(temporary, index=False)
    missing: set[str] = set()
    for path, kind in ((arguments.svg, "svg"), (arguments.png, "png")):
        with atomic_output(path) as temporary:
            missing |= save_figure(figure, temporary, kind)
    if missing:
        letters = "".join(sorted(missing))
        LOGGER.warning(
            "%s: no installed font has %s, shown as boxes; install one that has them, such as Noto Sans, and delete the"
            " figure to have it drawn again",
            *(arguments.png, letters),
        )
