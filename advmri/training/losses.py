"""The official losses of fastMRI's U-Net and E2E-VarNet."""

import torch
from fastmri.data.transforms import normalize_instance
from fastmri.losses import SSIMLoss
from torch import Tensor, nn

from advmri.acquisition.kspace import rss_reconstruction
from advmri.reconstruction.normalisation import CLAMP_STANDARD_DEVIATIONS, NORMALISATION_EPSILON
from advmri.training.dataset import Sample


class NormalisedL1Loss(nn.Module):
    """Mean absolute error after normalisation by the zero-filled image's mean and SD, the target clamped.

    What fastMRI's U-Net minimises (pl_modules/unet_module.py:92, data/transforms.py:369-377).
    """

    def forward(self, image: Tensor, sample: Sample) -> Tensor:
        """Return the loss of images [B, h, w]."""
        crop = (image.shape[-2], image.shape[-1])
        losses = []
        for output, target, kspace in zip(image, sample.target, sample.kspace, strict=True):
            _, mean, deviation = normalize_instance(rss_reconstruction(kspace, crop), eps=NORMALISATION_EPSILON)
            limit = CLAMP_STANDARD_DEVIATIONS
            reference = ((target - mean) / (deviation + NORMALISATION_EPSILON)).clamp(-limit, limit)
            losses.append(((output - mean) / (deviation + NORMALISATION_EPSILON) - reference).abs().mean())
        return torch.stack(losses).mean()


class StructuralLoss(nn.Module):
    """1 - SSIM with the volume's maximum as data range, what fastMRI's VarNet minimises (varnet_module.py:106)."""

    def __init__(self) -> None:
        super().__init__()
        self.ssim = SSIMLoss()

    def forward(self, image: Tensor, sample: Sample) -> Tensor:
        """Return the loss of images [B, h, w]."""
        return self.ssim(image[:, None], sample.target[:, None], data_range=sample.maximum)


LOSSES: dict[str, type[nn.Module]] = {"l1_normalised": NormalisedL1Loss, "ssim": StructuralLoss}
