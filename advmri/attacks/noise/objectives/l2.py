"""The objective of eq. (4): the L2 norm of the error in the region."""

from torch import Tensor

from advmri.attacks.noise.search import RegionObjective
from advmri.attacks.region_error import region_error


class Objective(RegionObjective):
    """||S (f - X)||_2."""

    def __call__(self, reconstruction: Tensor) -> Tensor:
        """Return the value [B] of reconstructions [B, h, w]."""
        return region_error(reconstruction, self.target, self.region)
