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


def region_ssim(similarity: NDArray[np.float64], region: Region) -> float:
    """Average an SSIM map over a box; over the whole image without the margin that scikit-image leaves out too."""
    if region == WHOLE_IMAGE:
        margin = SSIM_WINDOW // 2
        return float(similarity[margin:-margin, margin:-margin].mean())
    return float(similarity[region].mean())
