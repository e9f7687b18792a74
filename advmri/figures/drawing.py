"""From a figure's name to files: its module is imported by name, its bytes depend on its inputs alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from advmri.figures.fonts import add_fallback, fonts_with, missing_letters
from advmri.figures.inputs import FigureInputs
from advmri.figures.style import SETTINGS

Draw = Callable[[FigureInputs], tuple[Figure, pd.DataFrame]]


@contextmanager
def house_style() -> Iterator[None]:
    """Set this project's style on matplotlib's defaults, whatever the user's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)
        yield


def draw_figure(name: str, inputs: FigureInputs) -> tuple[Figure, pd.DataFrame]:
    """Draw `advmri.figures.<name>`, leakage marked; return the figure and the table behind it."""
    draw: Draw = import_module(f"advmri.figures.{name}").draw
    with house_style():
        return draw(inputs.with_leakage_marked())


def save_figure(figure: Figure, path: Path, kind: str) -> set[str]:
    """Write a figure as `svg` or `png`, without dates, so that the same figure gives the same bytes.

    Letters that the house's font lacks are taken from other fonts that are installed; returns those that none has.
    """
    metadata = {"Date": None} if kind == "svg" else {"Software": None}

    def save() -> None:
        figure.savefig(path, format=kind, metadata=metadata)

    with house_style():
        missing = missing_letters(save)
        fonts = fonts_with(missing) if missing else []
        if fonts:
            add_fallback(figure, fonts)
            missing = missing_letters(save)
    return missing
