"""Pages of image panels: cells with an image and its enlarged region, two lines of text above each."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from advmri.figures.showcase_file import Image
from advmri.figures.style import BOX_COLOUR, NORMAL, REFERENCE_COLOUR, SMALL, TEXT_WIDTH
from advmri.figures.view import View
from advmri.image_quality.metrics import shown_metrics

LEFT, GAP, INNER, TITLE, BETWEEN, FOOT_LINE = 0.22, 0.1, 0.03, 0.33, 0.04, 0.135
"""Inches: left of all, between cells, inside a cell, above rows with titles, above other rows, per line below."""
FOOT_WIDTH = 136
"""Characters in a line below."""
BOX_NOTE = f"Yellow: the box, enlarged on the right; {' and '.join(metric.label for metric in shown_metrics())} in it"
ERROR_COLOURS = "inferno"


class Montage:
    """A grid of cells as wide as the text; `titled` says which rows have text above their cells, `foot` is below."""

    def __init__(self, titled: Sequence[bool], columns: int, view: View, aspect: float, foot: str) -> None:
        self.view = view
        self._cell = (TEXT_WIDTH - LEFT - GAP * (columns - 1)) / columns
        self._side = (self._cell - INNER) / 2
        self._height = self._side * aspect
        above = [TITLE if title else BETWEEN for title in titled]
        self._bottoms: list[float] = []
        notes = [line for part in foot.splitlines() for line in wrap(part, FOOT_WIDTH)]
        total = sum(above) + len(above) * self._height + FOOT_LINE * len(notes) + 0.1
        top = total
        for room in above:
            top -= room + self._height
            self._bottoms.append(top)
        self._total = total
        self.figure = Figure(figsize=(TEXT_WIDTH, total))
        for line, note in enumerate(reversed(notes)):
            self._write(LEFT, 0.035 + FOOT_LINE * line, note, va="bottom", fontsize=SMALL, color=REFERENCE_COLOUR)

    def _axes(self, row: int, column: int, part: int) -> Axes:
        left = LEFT + column * (self._cell + GAP) + part * (self._side + INNER)
        place = (left / TEXT_WIDTH, self._bottoms[row] / self._total)
        axes = self.figure.add_axes((*place, self._side / TEXT_WIDTH, self._height / self._total))
        axes.set_axis_off()
        return axes

    def _write(self, x: float, y: float, text: str, **looks: Any) -> None:
        self.figure.text(x / TEXT_WIDTH, y / self._total, text, **looks)

    def label_rows(self, first: int, last: int, text: str, colour: str = "black") -> None:
        """Write a label left of rows `first` to `last`."""
        middle = (self._bottoms[first] + self._height + self._bottoms[last]) / 2
        self._write(
            0.03, middle, text, rotation=90, va="center", ha="left", fontsize=NORMAL, color=colour, weight="bold"
        )

    def _show(self, row: int, column: int, image: Image, looks: dict[str, Any]) -> None:
        upright, region = self.view.upright(image), self.view.region
        whole, enlarged = self._axes(row, column, 0), self._axes(row, column, 1)
        whole.imshow(upright, **looks)
        enlarged.imshow(upright, **looks)
        enlarged.set_xlim(region.column0 - 0.5, region.column1 - 0.5)
        enlarged.set_ylim(region.row1 - 0.5, region.row0 - 0.5)
        box = self.view.box
        if box is not None:
            corner, size = (box.column0 - 0.5, box.row0 - 0.5), (box.column1 - box.column0, box.row1 - box.row0)
            for axes in (whole, enlarged):
                axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=BOX_COLOUR, linewidth=0.7))

    def show(self, row: int, column: int, image: Image, title: str, values: str, colour: str = "black") -> None:
        """Show an image in the common grey window, with a title and a line of values."""
        looks = {"cmap": "gray", "vmin": 0.0, "vmax": self.view.white, "interpolation": "bicubic", "aspect": "auto"}
        self._show(row, column, image, looks)
        left, top = LEFT + column * (self._cell + GAP), self._bottoms[row] + self._height
        self._write(left, top + 0.155, title, va="bottom", ha="left", fontsize=SMALL, color=colour, weight="bold")
        self._write(left, top + 0.035, values, va="bottom", ha="left", fontsize=SMALL)

    def show_error(self, row: int, column: int, error: Image, limit: float) -> None:
        """Show an error map from 0 to `limit`."""
        self._show(row, column, error, {"cmap": ERROR_COLOURS, "vmin": 0.0, "vmax": limit, "aspect": "auto"})

    def error_scale(self, row: int, column: int, limit: float, label: str) -> None:
        """Draw the colour bar of the error maps in an empty cell."""
        left = LEFT + column * (self._cell + GAP) + 0.6 * self._cell
        bottom, height = self._bottoms[row] + 0.05 * self._height, 0.9 * self._height
        axes = self.figure.add_axes((left / TEXT_WIDTH, bottom / self._total, 0.08 / TEXT_WIDTH, height / self._total))
        bar = self.figure.colorbar(
            ScalarMappable(Normalize(0.0, limit), ERROR_COLOURS), cax=axes, ticks=[0.0, limit / 2, limit]
        )
        bar.outline.set_visible(False)
        bar.ax.set_ylabel(label, fontsize=SMALL, linespacing=1.3)
        bar.ax.yaxis.set_label_position("left")
