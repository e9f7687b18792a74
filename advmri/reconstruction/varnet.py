"""fastMRI's end-to-end variational network (Sriram et al. 2020)."""

import torch
from fastmri.models import VarNet
from torch import Tensor

from advmri.kspace import crop_centre
from advmri.reconstruction.protocol import Reconstructor


class VarNetReconstructor(Reconstructor):
    """`fastmri.models.VarNet` on k-space, its RSS output cropped."""

    def __init__(self, network: VarNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, kspace: Tensor, mask: Tensor, num_low_frequencies: int, crop: tuple[int, int]) -> Tensor:
        """See `Reconstructor`."""
        image = self.network(torch.view_as_real(kspace), mask[:, None, None, :, None], num_low_frequencies)
        return crop_centre(image, crop)


def build(
    num_cascades: int = 12,
    chans: int = 18,
    pools: int = 4,
    sens_chans: int = 8,
    sens_pools: int = 4,
) -> VarNetReconstructor:
    """Make the reconstruction around `fastmri.models.VarNet` of these sizes."""
    return VarNetReconstructor(
        VarNet(num_cascades=num_cascades, chans=chans, pools=pools, sens_chans=sens_chans, sens_pools=sens_pools)
    )
