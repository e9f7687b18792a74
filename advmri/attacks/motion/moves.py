"""A rigid move of the patient in the plane of the slice, sets of moves, and how an image is turned."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class Move:
    """A rotation about the centre of the FFT, then a shift.

    Attributes:
        angle: degrees; positive turns columns towards rows.
        rows, columns: pixels of the k-space's image; positive is towards larger indices.
    """

    angle: float = 0.0
    rows: float = 0.0
    columns: float = 0.0

    @property
    def distance(self) -> float:
        """Length of the shift in pixels."""
        return math.hypot(self.rows, self.columns)


AT_REST = Move()


class Motion(Protocol):
    """What may be perturbed: a set of moves for every severity, each within the next, all with `AT_REST`."""

    dimensions: int
    """Coordinates of a move that the set leaves free."""

    def grid(self, severities: Sequence[float]) -> list[Move]:
        """Return the moves of the sweep, one list for all severities, each once, every severity's ends among them."""
        ...

    def severity_of(self, move: Move) -> float:
        """Return the smallest severity that allows a move."""
        ...

    def neighbours(self, move: Move, severity: float, step: float) -> list[Move]:
        """Return the moves a step away, either way along every coordinate, none outside the severity's set.

        Args:
            move: where to start.
            severity: which set.
            step: length in units of the grid's spacing.
        """
        ...


class RotationOperator(Protocol):
    """How images are turned: a module of `advmri/attacks/motion/operators`."""

    EXACT_AT_ZERO: bool
    """Whether 0 degrees leaves an image as it is."""

    def rotate_complex(self, image: Tensor, degrees: float) -> Tensor:
        """Turn coil images [..., H, W] of the whole field of view."""
        ...

    def rotate_magnitude(self, image: Tensor, degrees: float, full_shape: tuple[int, int]) -> Tensor:
        """Turn real images [B, h, w], cut from the centre of images of `full_shape`, about the centre of those."""
        ...
