"""What the config says of noise attacks (pydantic; imports neither torch nor numpy: Snakemake reads this)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Target = Literal["box", "image"]
Module = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class NoiseAttack(BaseModel):
    """Additive k-space noise within a bound: eq. (4)'s per coil, or another."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    threat_model: Literal["noise"]
    bound: Module = Field("coil_l2", description="a module of advmri/attacks/noise/bounds: what may be perturbed")
    colour: Literal["white", "coil_covariance"] = Field(
        "white", description="coil_covariance: the bound is measured in coils whitened by their noise covariance"
    )
    objective: Module = Field("l2", description="a module of advmri/attacks/noise/objectives: what is maximised")
    optimiser: Module = Field("pgd", description="a module of advmri/attacks/noise/optimisers")
    target: Target = Field("box", description="what the objective covers: each annotated box, or the whole crop")
    severities: list[Annotated[float, Field(ge=0, lt=1)]] = Field(
        [0, 0.005, 0.01, 0.015, 0.02, 0.025], min_length=1, description="eta: ||z_i|| / ||k_i||"
    )
    steps: int = Field(10, ge=1, description="pgd, apgd, advrec: gradient steps")
    step_size: float = Field(0.5, gt=0, description="pgd: length of a step per coil, in units of eta ||k_i||")
    momentum: float = Field(
        0.75, ge=0, le=1, description="apgd: share of a step that is new; the rest repeats the last"
    )
    start: Literal["zero", "random"] = Field("zero", description="pgd, apgd: first iterate; restarts are random")
    restarts: int = Field(1, ge=1, description="starts of the search; the worst over all of them is kept")
    stop_gain: float = Field(
        0, ge=0, lt=1, description="stop where 3 more steps, or a restart, gain less than this share; 0: never"
    )
    warm_start: bool = Field(
        False, description="try each severity's noise, as it is and scaled up, at the next: damage never decreases"
    )
    search_precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="of the network's convolutions during the search; what is reported is always float32"
    )
    draws: int = Field(3, ge=1, description="gaussian: random perturbations per severity; the worst is kept")

    @field_validator("severities")
    @classmethod
    def _ascending(cls, severities: list[float]) -> list[float]:
        if sorted(set(severities)) != severities:
            raise ValueError("severities must ascend without repetition")
        return severities

    @model_validator(mode="after")
    def _possible(self) -> "NoiseAttack":
        if self.optimiser == "advrec" and (self.bound != "coil_l2" or self.colour != "white"):
            raise ValueError("optimiser advrec knows one bound only; it needs bound: coil_l2 and colour: white")
        if self.optimiser in ("gaussian", "advrec") and (self.warm_start or self.stop_gain):
            raise ValueError(
                f"optimiser {self.optimiser} takes neither warm_start nor stop_gain; they are for pgd and apgd"
            )
        if self.optimiser == "gaussian" and self.restarts > 1:
            raise ValueError("optimiser gaussian has no restarts; give it more draws")
        return self
