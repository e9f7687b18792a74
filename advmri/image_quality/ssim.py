"""Structural similarity as fastMRI computes it, by scikit-image, of a whole image or a region of it."""

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

Region = tuple[slice, slice]
SSIM_WINDOW = 7
WHOLE_IMAGE: Region = (slice(None), slice(None))


def ssim_map(target: NDArray[np.float32], image: NDArray[np.float32], data_range: float) -> NDArray[np.float64]:
    """Return the SSIM of every pixel [h, w]: 7x7 uniform window, as fastMRI's evaluation (evaluate.py:41)."""
    return structural_similarity(target, image, win_size=SSIM_WINDOW, data_range=data_range, full=True)[1].astype(
        np.float64
    )


def cut_out_ssim(target: NDArray[np.float32], image: NDArray[np.float32], region: Region) -> float | None:
    """Return the SSIM of a cut-out box [h, w] as AdvRec scores it (adversarial.py:246); None under 7 pixels a side.

    The data range is that of the whole target, its largest minus its smallest value.
    """
    boxes = target[region], image[region]
    if min(boxes[0].shape) < SSIM_WINDOW:
        return None
    data_range = float(target.max() - target.min())
    return float(structural_similarity(*boxes, win_size=SSIM_WINDOW, data_range=data_range))


def region_ssim(similarity: NDArray[np.float64], region: Region) -> float:
    """Average SSIM maps [..., h, w] over a box; over whole images without the margin, as scikit-image does."""
    if region == WHOLE_IMAGE:
        margin = SSIM_WINDOW // 2
        return float(similarity[..., margin:-margin, margin:-margin].mean())
    return float(similarity[(..., *region)].mean())
