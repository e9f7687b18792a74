"""What the config says of attacks by motion of the patient (pydantic; imports neither torch nor numpy)."""

from math import ceil
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from advmri.attacks.family import FORWARD, FamilySettings, Severity

Operator = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]*$",
        description="a module of advmri/attacks/motion/operators: shears (exact), published (AdvRec's resampling)",
    ),
]
Angles = list[Annotated[float, Field(ge=0, le=45)]]
Pixels = list[Annotated[float, Field(ge=0, le=32)]]


class MotionSettings(FamilySettings):
    """What attacks by motion share: a grid of moves, then refinement around the worst of them."""

    PACKAGE: ClassVar[str] = "advmri.attacks.motion"
    COLUMNS: ClassVar[tuple[str, ...]] = ("angle", "shift_rows", "shift_columns")
    MOVES_A_ROUND: ClassVar[int]
    """Of the refinement: two for each dimension of the motion."""

    optimiser: Literal["grid"] = "grid"
    selection: Literal["objective", "ssim"] = Field(
        "objective", description="what makes a move the worst: the L2 objective of eq. (5), or the target's SSIM"
    )

    def unused(self) -> list[str]:
        """See `FamilySettings`."""
        asked: int = getattr(self, "refinement", 0)
        more = asked % self.MOVES_A_ROUND
        problem = f"refinement: {asked} moves are no whole rounds of {self.MOVES_A_ROUND}; take {asked - more}"
        return super().unused() + ([problem] if more else [])

    def grid(self) -> float:
        """Return about how many moves the grid has, for all targets of a slice together."""
        raise NotImplementedError(f"{type(self).__name__}: say how many moves its grid has.")

    def passes(self, targets: int) -> float:
        """See `FamilySettings`: the grid serves all targets, refinement is around each severity's worst move."""
        refined: int = getattr(self, "refinement", 0)
        return FORWARD * (self.grid() + refined * targets * sum(severity > 0 for severity in self.severities))

    def parts(self) -> dict[str, str]:
        """See `FamilySettings`."""
        modules = {"threat_model": f"{self.PACKAGE}.motions.{self.threat_model}"}
        operator = getattr(self, "operator", None)
        return modules if operator is None else modules | {"operator": f"{self.PACKAGE}.operators.{operator}"}


class RotationAttack(MotionSettings):
    """In-plane rotation by up to theta_max degrees, eq. (5)."""

    SEVERITY: ClassVar[Severity] = Severity("Largest rotation (degrees)", "degrees", "motion")
    SWEEPS_ANGLES: ClassVar[bool] = True
    MOVES_A_ROUND: ClassVar[int] = 2

    threat_model: Literal["rotation"]
    severities: Angles = Field([0, 1, 2, 3, 4, 5], min_length=1, description="theta_max in degrees")
    angle_step: float = Field(0.5, gt=0, description="spacing of the grid in degrees; 0 and both ends are on it")
    refinement: int = Field(
        6, ge=0, description="angles tried around the worst of the grid, per region and severity, in pairs; 0: none"
    )
    operator: Operator = "shears"

    def grid(self) -> float:
        """See `MotionSettings`."""
        return 2 * ceil(max(self.severities) / self.angle_step) + 1


class ShiftAttack(MotionSettings):
    """In-plane shift by up to so many pixels, in any direction, in fractions of a pixel."""

    SEVERITY: ClassVar[Severity] = Severity("Largest shift (pixels)", "pixels", "motion")
    MOVES_A_ROUND: ClassVar[int] = 4

    threat_model: Literal["shift"]
    severities: Pixels = Field(
        [0, 1, 2, 3, 4, 5], min_length=1, description="largest distance in pixels of the k-space's image"
    )
    shift_step: float = Field(1, gt=0, description="between the grid's circles, pixels; every severity has its own")
    directions: int = Field(8, ge=2, description="shifts on each circle")
    refinement: int = Field(
        12, ge=0, description="shifts tried around the worst of the grid, per region and severity, by fours; 0: none"
    )

    def grid(self) -> float:
        """See `MotionSettings`."""
        return sum(1 + self.directions * ceil(largest / self.shift_step) for largest in self.severities)


class RigidAttack(MotionSettings):
    """Rotation by up to theta_max degrees and shift by up to `shift_per_degree` theta_max pixels together."""

    SEVERITY: ClassVar[Severity] = Severity("Largest rotation, with its shift (degrees)", "degrees", "motion")
    MOVES_A_ROUND: ClassVar[int] = 6

    threat_model: Literal["rigid"]
    severities: Angles = Field([0, 2.5, 5], min_length=1, description="theta_max in degrees")
    shift_per_degree: float = Field(1, gt=0, description="largest shift in pixels for each degree of theta_max")
    angle_step: float = Field(2.5, gt=0, description="spacing of the grid in degrees")
    shift_step: float = Field(2.5, gt=0, description="between the grid's circles, pixels; every severity has its own")
    directions: int = Field(4, ge=2, description="shifts on each circle")
    refinement: int = Field(
        24, ge=0, description="moves tried around the worst of the grid, per region and severity, by sixes; 0: none"
    )
    operator: Operator = "shears"

    def grid(self) -> float:
        """See `MotionSettings`."""
        angles = [2 * ceil(largest / self.angle_step) + 1 for largest in self.severities]
        circles = [ceil(self.shift_per_degree * largest / self.shift_step) for largest in self.severities]
        return sum(angle * (1 + self.directions * circle) for angle, circle in zip(angles, circles, strict=True))


MotionAttack = RotationAttack | ShiftAttack | RigidAttack
