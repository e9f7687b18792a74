"""Draw the learning curves of all trained networks: SVG, PNG, and the numbers behind them as CSV."""

import argparse
import json
from pathlib import Path

import pandas as pd

from advmri.figures.drawing import house_style
from advmri.figures.training_curves import draw
from advmri.storage.layout import HISTORY, place
from advmri.storage.tables import read_table
from workflow_scripts.figure_files import add_figure_options, write_figure
from workflow_scripts.program import parser, run


def main(arguments: argparse.Namespace) -> None:
    """Read, draw, write."""
    runs = [
        read_table(place(arguments.results, HISTORY, model=model, acceleration=acceleration)).assign(
            model=model, acceleration=acceleration
        )
        for model in arguments.models
        for acceleration in arguments.accelerations
    ]
    with house_style():
        figure, table = draw(pd.concat(runs, ignore_index=True), dict(json.loads(arguments.labels)))
    write_figure(figure, table, arguments)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--results", type=Path, required=True, help="the run's folder, which holds models/")
    made.add_argument("--models", nargs="+", required=True, help="those that were trained")
    made.add_argument("--accelerations", type=int, nargs="+", required=True)
    made.add_argument("--labels", required=True, help="[name, label] of each model, JSON")
    add_figure_options(made)
    return made


if __name__ == "__main__":
    run(main, options())
