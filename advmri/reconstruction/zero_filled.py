"""The reconstruction without any prior: inverse FFT of the zero-filled k-space and RSS."""

from torch import Tensor

from advmri.acquisition.kspace import rss_reconstruction
from advmri.reconstruction.protocol import Reconstructor

HAS_WEIGHTS = False
"""So the config asks for neither training nor a checkpoint."""


class ZeroFilledReconstructor(Reconstructor):
    """Zero-filled RSS, the baseline that a network has to beat."""

    def forward(self, kspace: Tensor, mask: Tensor, num_low_frequencies: int, crop: tuple[int, int]) -> Tensor:
        """See `Reconstructor`; mask and centre are not needed."""
        return rss_reconstruction(kspace, crop)


def build() -> ZeroFilledReconstructor:
    """Make the reconstruction."""
    return ZeroFilledReconstructor()
