"""Draw what a longer search would find: SVG, PNG, and the table behind it as CSV."""

import argparse
import json
from pathlib import Path

import pandas as pd

from advmri.figures.convergence import draw
from advmri.figures.drawing import house_style, save_figure
from advmri.tables import read_table
from workflow_scripts.program import LOGGER, atomic_output, parser, run


def main(arguments: argparse.Namespace) -> None:
    """Read, draw, write; say how much the last steps gained."""
    rows = pd.concat([read_table(path) for path in arguments.tables], ignore_index=True)
    with house_style():
        figure, table = draw(rows, dict(json.loads(arguments.labels)))
    with atomic_output(arguments.csv) as temporary:
        table.to_csv(temporary, index=False)
    for path, kind in ((arguments.svg, "svg"), (arguments.png, "png")):
        with atomic_output(path) as temporary:
            save_figure(figure, temporary, kind)
    longest = table[table.steps == table.steps.max()]
    LOGGER.info("the last increase of the steps gained at most %.1f%%", 100 * longest.gain.max())


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--tables", type=Path, nargs="+", required=True, help="CSV files of the convergence program")
    made.add_argument("--labels", required=True, help="[name, label] of each model, JSON")
    made.add_argument("--svg", type=Path, required=True)
    made.add_argument("--png", type=Path, required=True)
    made.add_argument("--csv", type=Path, required=True)
    return made


if __name__ == "__main__":
    run(main, options())
