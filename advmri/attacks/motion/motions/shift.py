"""Shift in the plane of the slice by up to so many pixels, in any direction; the severity is the largest distance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from advmri.attacks.motion.grids import disc_grid, within_disc
from advmri.attacks.motion.moves import Move


@dataclass(frozen=True)
class Motion:
    """See `advmri.attacks.motion.moves.Motion`; `shift_step` is the distance of the grid's circles in pixels."""

    shift_step: float
    directions: int
    dimensions: ClassVar[int] = 2

    def grid(self, severities: Sequence[float]) -> list[Move]:
        """Return rest, then circles outwards."""
        return [Move(0.0, *point) for point in disc_grid(severities, self.shift_step, self.directions)]

    def severity_of(self, move: Move) -> float:
        """Return the distance."""
        return move.distance

    def neighbours(self, move: Move, severity: float, step: float) -> list[Move]:
        """Return the shift a step further along rows and columns, pulled back to the disc."""
        size = step * self.shift_step
        return [
            Move(move.angle, *within_disc(move.rows + rows, move.columns + columns, severity))
            for rows, columns in ((-size, 0), (size, 0), (0, -size), (0, size))
        ]
