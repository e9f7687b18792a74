"""How every figure looks: sizes, fonts, one colour per model, one line style per acceleration.

Colours: Okabe and Ito's set, told apart by readers with any colour vision.
"""

from collections.abc import Sequence

COLUMN_WIDTH = 3.5
"""Inches: one column of a journal page."""
TEXT_WIDTH = 7.2
"""Inches: both columns."""
DPI = 300

MODEL_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
REFERENCE_COLOUR = "#4D4D4D"
"""Fully sampled images, and whatever belongs to no model."""
ZERO_FILLED_COLOUR = "#8C8C8C"
BOX_COLOUR = "#F0E442"
LINE_STYLES: tuple[str | tuple[int, tuple[float, ...]], ...] = ("-", (0, (4, 1.6)), (0, (5, 1.5, 1, 1.5)), (0, (2, 1)))
MARKERS = ("o", "s", "^", "D")
CONTROL_STYLE = (0, (1, 1.3))
"""Dotted: controls, which are no attack."""

SMALL, NORMAL = 7.0, 8.0
"""Points at the printed size."""

SETTINGS = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": SMALL,
    "axes.labelsize": NORMAL,
    "axes.titlesize": NORMAL,
    "axes.titleweight": "normal",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.5,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "legend.columnspacing": 1.1,
    "legend.labelspacing": 0.3,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.5,
    "mathtext.fontset": "dejavusans",
    "svg.fonttype": "none",
    "svg.hashsalt": "advmri",
    "savefig.dpi": DPI,
    "image.interpolation": "nearest",
}


def model_colour(model: str, models: Sequence[str]) -> str:
    """Return a model's colour, by its place among the config's models."""
    return MODEL_COLOURS[list(models).index(model) % len(MODEL_COLOURS)]


def acceleration_style(
    acceleration: int, accelerations: Sequence[int]
) -> tuple[str | tuple[int, tuple[float, ...]], str]:
    """Return an acceleration's line style and marker, by its place among the config's accelerations."""
    place = list(accelerations).index(acceleration)
    return LINE_STYLES[place % len(LINE_STYLES)], MARKERS[place % len(MARKERS)]


def times(acceleration: int) -> str:
    """Return `8×` for 8."""
    return f"{acceleration}\N{MULTIPLICATION SIGN}"


def eta_label(eta: float) -> str:
    """Return `η = 2%` for 0.02."""
    return f"η = {100 * eta:g}%"


def angle_label(angle: float) -> str:
    """Return `−4.5°` with a true minus."""
    return f"{angle:g}°".replace("-", "\N{MINUS SIGN}")
