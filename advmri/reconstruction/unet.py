"""fastMRI's baseline U-Net on the zero-filled RSS image."""

import torch
from fastmri.data.transforms import normalize_instance
from fastmri.models import Unet
from torch import Tensor

from advmri.acquisition.kspace import rss_reconstruction
from advmri.reconstruction.kernels.fast_unet import unet_forward
from advmri.reconstruction.normalisation import CLAMP_STANDARD_DEVIATIONS, NORMALISATION_EPSILON
from advmri.reconstruction.protocol import Reconstructor


class UnetReconstructor(Reconstructor):
    """Crop, RSS, instance normalisation with clamp, U-Net, un-normalise (fastmri/data/transforms.py:347-370)."""

    def __init__(self, network: Unet) -> None:
        super().__init__()
        self.network = network

    def forward(self, kspace: Tensor, mask: Tensor, num_low_frequencies: int, crop: tuple[int, int]) -> Tensor:
        """See `Reconstructor`; the U-Net sees the image only, mask and centre are not needed."""
        images, means, deviations = [], [], []
        for image in rss_reconstruction(kspace, crop):
            normalised, mean, deviation = normalize_instance(image, eps=NORMALISATION_EPSILON)
            images.append(normalised.clamp(-CLAMP_STANDARD_DEVIATIONS, CLAMP_STANDARD_DEVIATIONS))
            means.append(mean)
            deviations.append(deviation)
        output = unet_forward(self.network, torch.stack(images).unsqueeze(1)).squeeze(1)
        return output * torch.stack(deviations)[:, None, None] + torch.stack(means)[:, None, None]


def build(chans: int = 32, num_pool_layers: int = 4, drop_prob: float = 0.0) -> UnetReconstructor:
    """Make the reconstruction around `fastmri.models.Unet` of these sizes."""
    return UnetReconstructor(Unet(1, 1, chans=chans, num_pool_layers=num_pool_layers, drop_prob=drop_prob))
