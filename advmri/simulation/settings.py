"""What a simulated data set looks like: how many knees, which grid, which contrast, how much noise."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SimulationSettings(BaseModel):
    """Size, geometry, contrast and noise of the simulated knees."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    train_volumes: int = Field(20, ge=1, description="Volumes in the train split.")
    val_volumes: int = Field(6, ge=1, description="Volumes in the validation split.")
    slices: int = Field(10, ge=1, description="Coronal slices per volume, from anterior to posterior.")
    crop: int = Field(160, ge=48, multiple_of=2, description="Rows and columns of the reconstruction.")
    columns: int = Field(184, ge=48, multiple_of=2, description="Phase encodes. k-space has 2 * crop rows (readout).")
    coils: int = Field(4, ge=1, le=32, description="Receive loops around the knee.")
    field_of_view_mm: float = Field(160.0, ge=120.0, le=240.0, description="Side of the square reconstruction in mm.")
    slice_spacing_mm: float = Field(5.0, gt=0.0, le=12.0, description="Distance between slice centres in mm.")
    slice_thickness_mm: float = Field(3.0, gt=0.0, le=12.0, description="Thickness over which a slice averages in mm.")
    supersampling: int = Field(
        2, ge=1, le=4, description="Anatomy samples per pixel edge, and sub-slices averaged through a slice."
    )
    snr: float = Field(
        25.0,
        gt=0.0,
        description=(
            "Signal of muscle (signal equation, where the root-sum-of-squares of the coil sensitivities is 1) divided "
            "by the standard deviation of the real part of the noise in one fully sampled coil image."
        ),
    )
    lesions_per_volume: int = Field(
        2, ge=0, description="Slices with annotated lesions in each volume; now and then one of them holds two boxes."
    )
    repetition_time_ms: float = Field(2800.0, gt=0.0, description="TR of the turbo spin echo in ms, both contrasts.")
    echo_time_ms: float = Field(30.0, gt=0.0, description="Effective TE of the turbo spin echo in ms, both contrasts.")
    residual_fat: float = Field(
        0.08, ge=0.0, le=1.0, description="Mean fraction of the fat signal left by fat suppression (CORPDFS_FBK)."
    )

    @model_validator(mode="after")
    def _columns_hold_the_crop(self) -> Self:
        if self.columns < self.crop:
            raise ValueError(f"columns ({self.columns}) must be at least crop ({self.crop})")
        if self.lesions_per_volume > self.slices:
            raise ValueError(f"lesions_per_volume ({self.lesions_per_volume}) exceeds slices ({self.slices})")
        return self

    @property
    def pixel_mm(self) -> float:
        """Side of a pixel in mm."""
        return self.field_of_view_mm / self.crop
