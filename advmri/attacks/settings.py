"""What the config says of an attack (pydantic; imports neither torch nor numpy: Snakemake reads this)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Target = Literal["box", "image"]


class NoiseAttack(BaseModel):
    """Additive k-space noise within eq. (4)'s per-coil bound."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threat_model: Literal["noise"]
    optimiser: str = Field("pgd", pattern=r"^[a-z][a-z0-9_]*$", description="a module of advmri/attacks/optimisers")
    target: Target = Field("box", description="what the objective covers: each annotated box, or the whole crop")
    severities: list[Annotated[float, Field(ge=0, lt=1)]] = Field(
        [0, 0.005, 0.01, 0.015, 0.02, 0.025], min_length=1, description="eta: ||z_i|| / ||k_i||"
    )
    steps: int = Field(10, ge=1, description="pgd: gradient steps")
    step_size: float = Field(0.5, gt=0, description="pgd: length of a step per coil, in units of eta ||k_i||")
    start: Literal["zero", "random"] = Field("zero", description="pgd: first iterate")
    draws: int = Field(3, ge=1, description="gaussian: random perturbations per severity; the worst is kept")

    @field_validator("severities")
    @classmethod
    def _ascending(cls, severities: list[float]) -> list[float]:
        if sorted(set(severities)) != severities:
            raise ValueError("severities must ascend without repetition")
        return severities


class RotationAttack(BaseModel):
    """In-plane rotation by up to theta_max degrees, eq. (5), found by a grid search."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threat_model: Literal["rotation"]
    optimiser: Literal["grid"] = "grid"
    target: Target = Field("box", description="what the objective covers: each annotated box, or the whole crop")
    severities: list[Annotated[float, Field(ge=0, le=45)]] = Field(
        [0, 1, 2, 3, 4, 5], min_length=1, description="theta_max in degrees"
    )
    angle_step: float = Field(0.5, gt=0, description="spacing of the grid in degrees; 0 and both ends are on it")
    selection: Literal["objective", "ssim"] = Field(
        "objective", description="what makes an angle the worst: the L2 objective of eq. (5), or the target's SSIM"
    )

    @field_validator("severities")
    @classmethod
    def _ascending(cls, severities: list[float]) -> list[float]:
        if sorted(set(severities)) != severities:
            raise ValueError("severities must ascend without repetition")
        return severities


AttackSettings = Annotated[NoiseAttack | RotationAttack, Field(discriminator="threat_model")]
