"""Draw the learning curves of all trained networks: SVG, PNG, and the numbers behind them as CSV."""

import argparse
import json
from pathlib import Path

import pandas as pd

from advmri.figures.drawing import house_style, save_figure
from advmri.figures.training_curves import draw
from workflow_scripts.program import atomic_output, parser, run


def main(arguments: argparse.Namespace) -> None:
    """Read, draw, write."""
    runs = [
        pd.read_csv(arguments.models_folder / f"{model}-{acceleration}x" / "history.csv").assign(
            model=model, acceleration=acceleration
        )
        for model in arguments.models
        for acceleration in arguments.accelerations
    ]
    with house_style():
        figure, table = draw(pd.concat(runs, ignore_index=True), dict(json.loads(arguments.labels)))
    with atomic_output(arguments.csv) as temporary:
        table.to_csv(temporary, index=False)
    for path, kind in ((arguments.svg, "svg"), (arguments.png, "png")):
        with atomic_output(path) as temporary:
            save_figure(figure, temporary, kind)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--models-folder", type=Path, required=True, help="holds <model>-<acceleration>x/history.csv")
    made.add_argument("--models", nargs="+", required=True, help="those that were trained")
    made.add_argument("--accelerations", type=int, nargs="+", required=True)
    made.add_argument("--labels", required=True, help="[name, label] of each model, JSON")
    made.add_argument("--svg", type=Path, required=True)
    made.add_argument("--png", type=Path, required=True)
    made.add_argument("--csv", type=Path, required=True)
    return made


if __name__ == "__main__":
    run(main, options())
