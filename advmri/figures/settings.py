"""What the config says of figures, and the roles of attacks in them (pydantic; imports neither torch nor numpy)."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from advmri.attacks.family import FamilySettings

STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Role:
    """What an attack must be to play a role in figures and claims, of whatever family.

    Attributes:
        words: for messages.
        unit: of its severities (`Severity.unit`): the axis that figures draw.
        target: `box` or `image`; None: either.
        sweeps_angles: whether figures read its sweep.
        judged: whether the claims ask for it too.
    """

    words: str
    unit: str
    target: str | None = None
    sweeps_angles: bool = False
    judged: bool = True

    def is_played_by(self, attack: FamilySettings) -> bool:
        """Whether an attack can play it."""
        return (
            attack.SEVERITY.unit == self.unit
            and self.target in (None, attack.target)
            and self.sweeps_angles <= attack.SWEEPS_ANGLES
        )


class ShowcaseSettings(BaseModel):
    """Which box the image figures show."""

    model_config = STRICT

    pick: Literal["median", "worst"] = Field("median", description="by SSIM lost in the box, averaged over the models")
    severity: float | None = Field(
        None, ge=0, description="eta; none: the one nearest to 2%; rotations always show the largest theta_max"
    )
    acceleration: int | None = Field(None, ge=1, description="none: the largest")
    zoom: float = Field(1.6, ge=1, description="side of the enlarged region in units of the box's")


class FigureSettings(BaseModel):
    """What figures are made from, and how they look."""

    model_config = STRICT

    region_attack: Annotated[
        str | None, Role("noise attack on a box, or another whose severities are shares", "share", "box")
    ] = Field(None, description="name of the noise attack on boxes")
    image_attack: Annotated[
        str | None, Role("noise attack on the image, or another whose severities are shares", "share", "image")
    ] = Field(None, description="name of the noise attack on the whole image")
    control_attack: Annotated[
        str | None, Role("noise attack, or another whose severities are shares", "share", judged=False)
    ] = Field(None, description="name of the Gaussian control")
    rotation_attack: Annotated[
        str | None, Role("rotation attack, or another that sweeps angles", "degrees", sweeps_angles=True)
    ] = Field(None, description="name of the rotation attack")
    flip_up_down: bool | None = Field(
        None,
        description="show images flipped up-down; none: fastMRI's and simulated volumes, as fastMRI+'s readers saw"
        " them; others as they were imported",
    )
    showcase: ShowcaseSettings = ShowcaseSettings()

    @property
    def attacks(self) -> dict[str, str]:
        """The attack in each role that the config fills."""
        named = {role: getattr(self, role) for role in ROLES}
        return {role: name for role, name in named.items() if name is not None}


ROLES = {
    name: role
    for name, field in FigureSettings.model_fields.items()
    for role in field.metadata
    if isinstance(role, Role)
}
"""Every role by its key in the config's section `figures`."""
