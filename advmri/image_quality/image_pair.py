"""A reconstruction beside its target: what a metric measures."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from advmri.image_quality.ssim import Region, ssim_map

SsimOfBox = Literal["map", "crop"]


@dataclass(frozen=True)
class ImagePair:
    """One slice, or the slices of a volume.

    Attributes:
        target: fully sampled RSS [h, w] or [S, h, w].
        image: reconstruction, same shape and units.
        data_range: the volume's maximum.
        ssim_of_box: `map` averages the SSIM map of the whole image; `crop` takes the SSIM of the cut-out box [h, w],
            where a window fits into it, and the map elsewhere.
    """

    target: NDArray[np.float32]
    image: NDArray[np.float32]
    data_range: float
    ssim_of_box: SsimOfBox = "map"

    def cut_out(self, region: Region) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return target and image in a region, in double precision."""
        place = (..., *region)
        return self.target[place].astype(np.float64), self.image[place].astype(np.float64)

    @cached_property
    def similarity(self) -> NDArray[np.float64]:
        """SSIM of every pixel, computed once for all regions; each slice by itself."""
        slices = (array.reshape(-1, *array.shape[-2:]) for array in (self.target, self.image))
        maps = [ssim_map(target, image, self.data_range) for target, image in zip(*slices, strict=True)]
        return np.reshape(maps, self.target.shape)
