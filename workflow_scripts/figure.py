"""Draw one figure: SVG, PNG, and the numbers behind it as CSV."""

import argparse
from pathlib import Path

from advmri.figures.drawing import draw_figure
from advmri.figures.inputs import FigureInputs, FigureOptions
from workflow_scripts.figure_files import add_figure_options, write_figure
from workflow_scripts.program import parser, run


def main(arguments: argparse.Namespace) -> None:
    """Read, draw, write."""
    inputs = FigureInputs.read(
        FigureOptions.from_json(arguments.settings),
        arguments.metrics,
        arguments.summary,
        arguments.quality,
        arguments.showcase,
    )
    figure, table = draw_figure(arguments.figure, inputs)
    write_figure(figure, table, arguments)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--figure", required=True, help="a module of advmri/figures, for instance figure_1a")
    made.add_argument("--settings", required=True, help="labels, roles of attacks and looks, JSON")
    made.add_argument("--metrics", type=Path, required=True, help="tables/metrics.csv")
    made.add_argument("--summary", type=Path, required=True, help="tables/summary.csv")
    made.add_argument("--quality", type=Path, required=True, help="tables/quality.csv")
    made.add_argument("--showcase", type=Path, nargs="?", help="showcase.h5; only where the figure shows slices")
    add_figure_options(made)
    return made


if __name__ == "__main__":
    run(main, options())
