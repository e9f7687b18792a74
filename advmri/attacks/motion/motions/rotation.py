"""Rotation by up to theta_max degrees, eq. (5); the severity is theta_max."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from advmri.attacks.motion.grids import symmetric_grid, within
from advmri.attacks.motion.moves import Move


@dataclass(frozen=True)
class Motion:
    """See `advmri.attacks.motion.moves.Motion`; `angle_step` is the grid's spacing in degrees."""

    angle_step: float
    dimensions: ClassVar[int] = 1

    def grid(self, severities: Sequence[float]) -> list[Move]:
        """Return ascending angles, symmetric about 0."""
        return [Move(angle) for angle in symmetric_grid(severities, self.angle_step)]

    def severity_of(self, move: Move) -> float:
        """Return the angle's size."""
        return abs(move.angle)

    def neighbours(self, move: Move, severity: float, step: float) -> list[Move]:
        """Return the angle a step smaller and a step larger."""
        return [Move(within(move.angle + sign * step * self.angle_step, severity)) for sign in (-1, 1)]
