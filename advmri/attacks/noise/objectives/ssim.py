"""The structural similarity lost in the region, differentiable."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from advmri.attacks.noise.search import RegionObjective

WINDOW = 7
MARGIN = WINDOW // 2
K1, K2 = 0.01, 0.03


def _mirrored(image: Tensor) -> Tensor:
    """Extend [B, h, w] by the margin on every side as SciPy's `reflect` does: the edge pixel is repeated."""
    image = torch.cat([image[:, :MARGIN].flip(1), image, image[:, -MARGIN:].flip(1)], dim=1)
    return torch.cat([image[..., :MARGIN].flip(2), image, image[..., -MARGIN:].flip(2)], dim=2)


def _window_mean(image: Tensor) -> Tensor:
    return avg_pool2d(_mirrored(image)[:, None], WINDOW, stride=1)[:, 0]


def ssim_map(target: Tensor, image: Tensor, data_range: float) -> Tensor:
    """Return the SSIM of every pixel [B, h, w] of images against targets, both [B, h, w].

    The same function as `advmri.image_quality.ssim.ssim_map` (scikit-image: 7x7 uniform window, sample covariance), in
    torch. Images are brought to the data range first: raw k-space units would drown the variances in float32 rounding.
    """
    target, image = target / data_range, image / data_range
    unbiased = WINDOW**2 / (WINDOW**2 - 1)
    mean_x, mean_y = _window_mean(target), _window_mean(image)
    variances = unbiased * (_window_mean(target**2) + _window_mean(image**2) - mean_x**2 - mean_y**2)
    covariance = unbiased * (_window_mean(target * image) - mean_x * mean_y)
    luminance = (2 * mean_x * mean_y + K1**2) / (mean_x**2 + mean_y**2 + K1**2)
    return luminance * (2 * covariance + K2**2) / (variances + K2**2)


def region_ssim(similarity: Tensor, region: Tensor) -> Tensor:
    """Average SSIM maps [B, h, w] over regions [B, h, w]; over a whole image without its margin, as scores do."""
    inner = torch.zeros_like(region)
    inner[:, MARGIN:-MARGIN, MARGIN:-MARGIN] = True
    counted = torch.where(region.flatten(1).all(dim=1)[:, None, None], inner, region)
    return (similarity * counted).sum(dim=(1, 2)) / counted.sum(dim=(1, 2))


class Objective(RegionObjective):
    """1 - SSIM in the region."""

    def __call__(self, reconstruction: Tensor) -> Tensor:
        """Return the value [B] of reconstructions [B, h, w]."""
        return 1 - region_ssim(ssim_map(self.target, reconstruction, self.data_range), self.region)
