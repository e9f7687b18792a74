"""Rotation by up to theta_max degrees together with a shift of up to `shift_per_degree` theta_max pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

from advmri.attacks.motion.grids import symmetric_grid
from advmri.attacks.motion.motions import rotation, shift
from advmri.attacks.motion.moves import Move


@dataclass(frozen=True)
class Motion:
    """See `advmri.attacks.motion.moves.Motion`; every angle of the rotation's grid with every shift of the shift's."""

    angle_step: float
    shift_per_degree: float
    shift_step: float
    directions: int
    dimensions: ClassVar[int] = 3

    @cached_property
    def _rotation(self) -> rotation.Motion:
        return rotation.Motion(self.angle_step)

    @cached_property
    def _shift(self) -> shift.Motion:
        return shift.Motion(self.shift_step, self.directions)

    def grid(self, severities: Sequence[float]) -> list[Move]:
        """Return, for ascending angles, rest and the circles outwards."""
        shifts = self._shift.grid([severity * self.shift_per_degree for severity in severities])
        return [replace(move, angle=angle) for angle in symmetric_grid(severities, self.angle_step) for move in shifts]

    def severity_of(self, move: Move) -> float:
        """Return the larger of the angle's size and what the distance asks for."""
        return max(abs(move.angle), move.distance / self.shift_per_degree)

    def neighbours(self, move: Move, severity: float, step: float) -> list[Move]:
        """Return the neighbours of the angle, then those of the shift."""
        turned = self._rotation.neighbours(move, severity, step)
        return [
            *(replace(move, angle=one.angle) for one in turned),
            *self._shift.neighbours(move, severity * self.shift_per_degree, step),
        ]
