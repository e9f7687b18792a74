"""The objective of eq. (4) and (5): the reconstruction's error in the selected region."""

from torch import Tensor


def region_error(reconstruction: Tensor, target: Tensor, region: Tensor) -> Tensor:
    """Return ||S (f - X)||_2 for each member of the batch.

    Args:
        reconstruction: f [B, h, w].
        target: X [h, w], the fully sampled RSS.
        region: S bool [B, h, w].
    """
    error = (reconstruction - target) * region
    return error.flatten(1).norm(dim=1)
