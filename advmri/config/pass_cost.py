"""What a pass of a network costs by its sizes, fitted to the times in docs/performance.md ("What a plan estimates")."""

from dataclasses import dataclass
from typing import Any

from advmri.training.settings import ModelSettings

SECONDS = 5.1e-10
"""Of one core, for a pass through one U-Net, per pixel, level and (channels^2 + `FEW` channels)."""
FEW = 50
"""Channels below which memory, not arithmetic, sets the time."""
TRANSFORM_SECONDS = 1e-8
"""Of one core, for the transforms of a cascade, per pixel and coil."""
UNET = {"chans": 32, "num_pool_layers": 4}
VARNET = {"num_cascades": 12, "chans": 18, "pools": 4, "sens_chans": 8, "sens_pools": 4, "crop_readout": False}
"""Sizes that a config leaves out, as `build` has them."""


@dataclass(frozen=True)
class ScanSize:
    """k-space of `coils` times `rows` times `columns`, reconstructed to `crop`; `slices` in a volume."""

    coils: int
    rows: int
    columns: int
    crop: tuple[int, int]
    slices: int


FASTMRI_KNEE = ScanSize(15, 640, 368, (320, 320), 36)
"""Of fastMRI's knees: taken where no volume was indexed yet."""


def _unet(pixels: float, levels: int, channels: int) -> float:
    return SECONDS * pixels * levels * (channels**2 + FEW * channels)


def _known(model: ModelSettings, sizes: dict[str, Any]) -> dict[str, Any] | None:
    """Return a network's sizes; None where a checkpoint has them and the config does not."""
    given = model.arguments
    if model.checkpoint is not None and not set(sizes) - {"crop_readout"} <= set(given):
        return None
    return {**sizes, **given}


def seconds_of_pass(model: ModelSettings, scan: ScanSize) -> float | None:
    """Return about how many seconds of a core one slice's forward and backward pass takes; None where unknown."""
    if model.architecture == "zero_filled":
        return 0.0
    if model.architecture == "unet" and (sizes := _known(model, UNET)):
        return _unet(scan.crop[0] * scan.crop[1], sizes["num_pool_layers"] + 1, sizes["chans"])
    if model.architecture == "varnet" and (sizes := _known(model, VARNET)):
        pixels = (scan.crop[0] if sizes["crop_readout"] else scan.rows) * scan.columns
        cascade = _unet(pixels, sizes["pools"] + 1, sizes["chans"]) + TRANSFORM_SECONDS * pixels * scan.coils
        return sizes["num_cascades"] * cascade + scan.coils * _unet(
            pixels, sizes["sens_pools"] + 1, sizes["sens_chans"]
        )
    return None
