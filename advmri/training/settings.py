"""What the config says of a model and its training (pydantic; imports neither torch nor numpy)."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from advmri.reconstruction.settings import ContractSettings


class AugmentationSettings(BaseModel):
    """Random affine transforms of the coil images before masking (after MRAugment, Fabian et al. 2021)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    flip: bool = Field(False, description="mirror left-right in half of the samples")
    rotate_degrees: float = Field(0, ge=0, le=180, description="uniform in +- this")
    scale: float = Field(0, ge=0, lt=1, description="uniform in 1 +- this")
    shift: float = Field(0, ge=0, lt=1, description="uniform in +- this share of the crop")

    @property
    def active(self) -> bool:
        """Whether anything is to be done."""
        return self.flip or self.rotate_degrees > 0 or self.scale > 0 or self.shift > 0


class TrainingSettings(BaseModel):
    """One network's training; it stops by count, so that it is reproducible."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    steps: int | None = Field(None, ge=1, description="optimiser steps; either this or epochs")
    epochs: int | None = Field(None, ge=1, description="passes over the training slices; either this or steps")
    batch_size: int = Field(1, ge=1, description="slices per optimiser step, over all devices")
    slices_per_device: int | None = Field(
        None, ge=1, description="most slices in one forward pass, for want of memory; none: all that a device has to do"
    )
    precision: Literal["float32", "bf16"] = Field(
        "float32", description="bf16: mixed precision in training; attacks and scores are float32 always"
    )
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
    holdout_every: int | None = Field(
        None, ge=1, description="judge every this many steps; none: with every saved state"
    )
    augmentation: AugmentationSettings = AugmentationSettings()

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs; null removes one that an earlier config file has set")
        return self


class ModelSettings(BaseModel):
    """One reconstruction under audit: trained here, from a checkpoint, without weights, or made by a user's factory."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    architecture: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9_]*$",
        description="a module of advmri/reconstruction; or give a factory. One without weights (zero_filled) needs"
        " neither training nor checkpoint",
    )
    factory: str | None = Field(
        None,
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
        description="a network of your own: 'package.module:function', which returns a torch.nn.Module",
    )
    arguments: dict[str, Any] = Field(
        {},
        description="of architecture or factory: sizes, as fastmri.models names them; those left out are taken from the"
        " checkpoint; null: all of them",
    )
    training: TrainingSettings | None = Field(None, description="how to train it")
    checkpoint: str | None = Field(
        None,
        description="take these weights instead of training: AdvMRI's model.pt, fastMRI's state_dict, or a Lightning"
        " checkpoint of fastMRI's modules; '{acceleration}' in it is replaced",
    )
    trained_on: Literal["train", "train+val", "nothing"] | None = Field(
        None,
        description="what a checkpoint or factory from elsewhere was trained on, needed unless the file says it;"
        " train+val (fastMRI's published weights) is marked in every table and figure",
    )
    contract: ContractSettings = Field(ContractSettings(), description="the scan that the network is checked on")
    label: str | None = Field(None, description="name in figures; the model's name where there is none")

    @field_validator("arguments", mode="before")
    @classmethod
    def _null_is_none_given(cls, arguments: Any) -> Any:
        return {} if arguments is None else arguments

    @property
    def network(self) -> str:
        """The architecture, or the factory in its place."""
        return self.architecture or self.factory or ""

    def problems(self, has_weights: bool) -> list[str]:
        """Return what is wrong with the settings taken together.

        Args:
            has_weights: whether the architecture has anything to train or to load.
        """
        found = []
        if self.architecture is not None and self.factory is None and not has_weights:
            given = [key for key in ("training", "checkpoint", "trained_on") if getattr(self, key) is not None]
            remedy = f"remove {' and '.join(given)} (null removes what an earlier config file has set)"
            return [f"{self.architecture} has no weights; {remedy}"] if given else []
        if (self.architecture is None) == (self.factory is None):
            found.append("give either 'architecture' or 'factory'")
        elif self.factory is not None and self.training is not None:
            found.append("a factory's network is not trained here; give its weights as 'checkpoint', or none")
        elif self.factory is None and (self.training is None) == (self.checkpoint is None):
            found.append("give either 'training' or 'checkpoint'")
        if self.training is not None and self.trained_on is not None:
            found.append("trained_on is for checkpoints and factories; what is trained here sees the train split only")
        return found
