"""How a slice is shown: which way up, which region enlarged, which grey window."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from advmri.figures.inputs import FigureOptions
from advmri.figures.showcase_file import AttackedSlice, Image

SMALLEST_ENLARGED = 0.2
"""Share of the image's rows that an enlargement shows at least: fewer pixels could not be read."""
WHITE_PERCENTILE = 99.5


@dataclass(frozen=True)
class Box:
    """Rows and columns [first, one past the last)."""

    row0: int
    row1: int
    column0: int
    column1: int

    def flipped(self, height: int) -> Self:
        """Return the box in the image flipped up-down."""
        return type(self)(height - self.row1, height - self.row0, self.column0, self.column1)

    def enlarged(self, zoom: float, height: int, width: int) -> Self:
        """Return the region around the box, of the image's proportions, `zoom` times the box, moved inside."""
        needed = max((self.row1 - self.row0) / height, (self.column1 - self.column0) / width)
        share = min(1.0, max(zoom * needed, SMALLEST_ENLARGED))
        rows, columns = round(share * height), round(share * width)
        row0 = min(max(0, (self.row0 + self.row1 - rows) // 2), height - rows)
        column0 = min(max(0, (self.column0 + self.column1 - columns) // 2), width - columns)
        return type(self)(row0, row0 + rows, column0, column0 + columns)


@dataclass(frozen=True)
class View:
    """One slice's display.

    Attributes:
        stored: the annotated box in the arrays' rows; None where the whole image was attacked.
        box: the same as displayed.
        region: what is enlarged, as displayed.
        white: value shown as white, in the image's units; black is 0.
    """

    flip: bool
    stored: Box | None
    box: Box | None
    region: Box
    white: float

    def upright(self, image: Image) -> Image:
        """Return an image the way up that it is displayed."""
        return image[::-1] if self.flip else image

    def facts(self) -> dict[str, Any]:
        """Return the columns on display of the table behind a figure: the box as stored, the rest as displayed."""
        box = self.stored
        corners = ("row0", "row1", "column0", "column1")
        return {f"box_{corner}": getattr(box, corner) if box is not None else None for corner in corners} | {
            "flipped_up_down": self.flip,
            **{f"enlarged_{corner}": getattr(self.region, corner) for corner in corners},
            "window_black": 0.0,
            "window_white": self.white,
        }


def make_view(found: AttackedSlice, options: FigureOptions, flip_up_down: bool) -> View:
    """Return the display of a slice: window from 0 to the target's 99.5th percentile, one for all panels.

    `flip_up_down`: what its volume says of it, for where the config says nothing.
    """
    flip = flip_up_down if options.flip_up_down is None else options.flip_up_down
    height, width = found.target.shape
    stored = Box(*found.rows, *found.columns) if found.rows is not None and found.columns is not None else None
    box = stored.flipped(height) if stored is not None and flip else stored
    centre = Box(height // 4, height - height // 4, width // 4, width - width // 4)
    region = centre.enlarged(1.0, height, width) if box is None else box.enlarged(options.zoom, height, width)
    white = float(np.percentile(found.target, WHITE_PERCENTILE))
    return View(flip, stored, box, region, white)
