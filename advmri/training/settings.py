"""What the config says of a model and its training (pydantic; imports neither torch nor numpy)."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class AugmentationSettings(BaseModel):
    """Random affine transforms of the coil images before masking (after MRAugment, Fabian et al. 2021)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flip: bool = Field(False, description="mirror left-right in half of the samples")
    rotate_degrees: float = Field(0, ge=0, le=180, description="uniform in +- this")
    scale: float = Field(0, ge=0, lt=1, description="uniform in 1 +- this")
    shift: float = Field(0, ge=0, lt=1, description="uniform in +- this share of the crop")

    @property
    def active(self) -> bool:
        """Whether anything is to be done."""
        return self.flip or self.rotate_degrees > 0 or self.scale > 0 or self.shift > 0


class TrainingSettings(BaseModel):
    """One network's training; it stops by step count, so that it is reproducible."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(..., ge=1, description="optimiser steps")
    batch_size: int = Field(1, ge=1, description="slices per forward pass")
    accumulate: int = Field(1, ge=1, description="forward passes per optimiser step")
    loss: Literal["l1_normalised", "ssim"] = Field(
        ..., description="l1_normalised: fastMRI's U-Net; ssim: fastMRI's E2E-VarNet (1 - SSIM)"
    )
    optimiser: Literal["RMSprop", "Adam"] = Field(
        ..., description="fastMRI: RMSprop for the U-Net, Adam for the VarNet"
    )
    learning_rate: float = Field(..., gt=0)
    schedule: Literal["step", "cosine"] = Field("step", description="step: x0.1 after 80% of the steps, as fastMRI's")
    warmup_steps: int = Field(0, ge=0, description="linear increase of the learning rate")
    gradient_clip: float | None = Field(None, gt=0, description="largest norm of the gradient")
    weight_average: float | None = Field(None, gt=0, lt=1, description="decay of the moving average of the weights")
    holdout_volumes: int = Field(
        0, ge=0, description="training volumes kept back to judge settings by (history.csv); 0 trains on all"
    )
    holdout_every: int | None = Field(None, ge=1, description="judge every this many steps; none: at the end only")
    augmentation: AugmentationSettings = AugmentationSettings()


class ModelSettings(BaseModel):
    """One network under audit: trained here, or taken from a checkpoint."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    architecture: str = Field(..., pattern=r"^[a-z][a-z0-9_]*$", description="a module of advmri/reconstruction")
    arguments: dict[str, Any] = Field({}, description="sizes, as fastmri.models names them")
    training: TrainingSettings | None = Field(None, description="how to train it")
    checkpoint: str | None = Field(
        None, description="take this model.pt instead of training; '{acceleration}' in it is replaced"
    )
    label: str | None = Field(None, description="name in figures; the model's name where there is none")
