"""The objective of eq. (4): the L2 norm of the error in the region."""

from dataclasses import dataclass

from torch import Tensor

from advmri.attacks.objective import region_error


@dataclass(frozen=True)
class Objective:
    """||S (f - X)||_2; attributes as in `advmri.attacks.search.RegionObjective`."""

    target: Tensor
    region: Tensor
    clean: Tensor
    data_range: float

    def __call__(self, reconstruction: Tensor) -> Tensor:
        """Return the value [B] of reconstructions [B, h, w]."""
        return region_error(reconstruction, self.target, self.region)
