"""Draw one figure: SVG, PNG, and the numbers behind it as CSV."""

import argparse
from pathlib import Path

from advmri.figures.drawing import draw_figure, save_figure
from advmri.figures.inputs import FigureInputs, FigureOptions
from workflow_scripts.program import atomic_output, parser, run


def main(arguments: argparse.Namespace) -> None:
    """Read, draw, write."""
    inputs = FigureInputs.read(
        FigureOptions.from_json(arguments.settings),
        arguments.metrics,
        arguments.summary,
        arguments.quality,
        arguments.attacks_folder,
        arguments.jobs,
    )
    figure, table = draw_figure(arguments.figure, inputs)
    with atomic_output(arguments.csv) as temporary:
        table.to_csv(temporary, index=False)
    for path, kind in ((arguments.svg, "svg"), (arguments.png, "png")):
        with atomic_output(path) as temporary:
            save_figure(figure, temporary, kind)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--figure", required=True, help="a module of advmri/figures, for instance figure_1a")
    made.add_argument("--settings", required=True, help="labels, roles of attacks and looks, JSON")
    made.add_argument("--metrics", type=Path, required=True, help="tables/metrics.csv")
    made.add_argument("--summary", type=Path, required=True, help="tables/summary.csv")
    made.add_argument("--quality", type=Path, required=True, help="tables/quality.csv")
    made.add_argument("--attacks-folder", type=Path, required=True, help="holds the attack files by attack and model")
    made.add_argument("--jobs", nargs="*", default=[], help="attack jobs that figures may read, as volume/slices")
    made.add_argument("--svg", type=Path, required=True)
    made.add_argument("--png", type=Path, required=True)
    made.add_argument("--csv", type=Path, required=True)
    return made


if __name__ == "__main__":
    run(main, options())
