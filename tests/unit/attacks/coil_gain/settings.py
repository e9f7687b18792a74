"""What the config says of a gain error of one coil (imports neither torch nor numpy)."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from advmri.attacks.family import FamilySettings, Severity


class CoilGainAttack(FamilySettings):
    """One coil is amplified too much or too little."""

    PACKAGE: ClassVar[str] = "advmri.attacks.coil_gain"
    SEVERITY: ClassVar[Severity] = Severity("Gain error (%)", "share")
    COLUMNS: ClassVar[tuple[str, ...]] = ("gain_error",)

    threat_model: Literal["coil_gain"]
    optimiser: Literal["every_coil"] = "every_coil"
    severities: list[Annotated[float, Field(ge=0, lt=1)]] = Field(
        [0, 0.05], min_length=1, description="largest error of a gain"
    )
