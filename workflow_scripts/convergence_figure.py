"""Draw what a longer search would find: SVG, PNG, and the table behind it as CSV."""

import argparse
import json
from pathlib import Path

import pandas as pd

from advmri.figures.convergence import draw
from advmri.figures.drawing import house_style
from advmri.storage.tables import read_table
from workflow_scripts.figure_files import add_figure_options, write_figure
from workflow_scripts.program import LOGGER, parser, run


def main(arguments: argparse.Namespace) -> None:
    """Read, draw, write; say how much the last steps gained."""
    rows = pd.concat([read_table(path) for path in arguments.tables], ignore_index=True)
    with house_style():
        figure, table = draw(rows, dict(json.loads(arguments.labels)))
    write_figure(figure, table, arguments)
    longest = table[table.steps == table.steps.max()]
    LOGGER.info("the last increase of the steps gained at most %.1f%%", 100 * longest.gain.max())


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--tables", type=Path, nargs="+", required=True, help="CSV files of the convergence program")
    made.add_argument("--labels", required=True, help="[name, label] of each model, JSON")
    add_figure_options(made)
    return made


if __name__ == "__main__":
    run(main, options())
