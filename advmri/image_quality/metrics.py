"""Image quality of a reconstruction in several regions: SSIM, PSNR and NMSE."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from advmri.image_quality.ssim import WHOLE_IMAGE, Region, cut_out_ssim, region_ssim, ssim_map

SsimOfBox = Literal["map", "crop"]


def psnr(target: NDArray[np.float32], image: NDArray[np.float32], data_range: float) -> float:
    """Return the peak signal-to-noise ratio in dB; infinite for equal images."""
    error = np.mean((target.astype(np.float64) - image) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(data_range**2 / error))


def nmse(target: NDArray[np.float32], image: NDArray[np.float32]) -> float:
    """Return the squared error's norm over the target's squared norm (fastmri/evaluate.py:26)."""
    reference = target.astype(np.float64)
    return float(np.sum((reference - image) ** 2) / np.sum(reference**2))


def score(
    target: NDArray[np.float32],
    image: NDArray[np.float32],
    data_range: float,
    regions: dict[str, Region],
    ssim_of_box: SsimOfBox = "map",
) -> dict[str, dict[str, float]]:
    """Score one reconstruction in several regions.

    Args:
        target: fully sampled RSS [h, w].
        image: reconstruction [h, w], same units.
        data_range: the volume's maximum.
        regions: rows and columns of each region by its name.
        ssim_of_box: `map` averages the SSIM map of the whole image; `crop` takes the SSIM of the cut-out box, where a
            window fits into it, and the map elsewhere.

    Returns:
        `{region: {"ssim", "psnr", "nmse"}}`.
    """
    similarity = ssim_map(target, image, data_range)

    def ssim(region: Region) -> float:
        cut_out = cut_out_ssim(target, image, region) if ssim_of_box == "crop" and region != WHOLE_IMAGE else None
        return region_ssim(similarity, region) if cut_out is None else cut_out

    return {
        name: {
            "ssim": ssim(region),
            "psnr": psnr(target[region], image[region], data_range),
            "nmse": nmse(target[region], image[region]),
        }
        for name, region in regions.items()
    }
