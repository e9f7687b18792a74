"""L2 error and SSIM together, as the `MSE+SSIM` of the published code weighs them."""

from torch import Tensor

from advmri.attacks.noise.objectives import l2, ssim
from advmri.attacks.noise.search import RegionObjective


class Objective(RegionObjective):
    """Error over the clean reconstruction's error, plus 1 - SSIM, both in the region.

    The published code divides by the first iterate's error instead (perturbation_finder.py:200), which depends on the
    random start.
    """

    def __call__(self, reconstruction: Tensor) -> Tensor:
        """Return the value [B] of reconstructions [B, h, w]."""
        parts = self.target, self.region, self.clean, self.data_range
        error = l2.Objective(*parts)
        return error(reconstruction) / error(self.clean) + ssim.Objective(*parts)(reconstruction)
