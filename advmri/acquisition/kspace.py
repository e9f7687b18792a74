"""Centred orthonormal Fourier transforms, root-sum-of-squares and cropping of complex tensors (fastMRI's own)."""

import fastmri
import torch
from fastmri.data.transforms import center_crop
from torch import Tensor


def fft2c(image: Tensor) -> Tensor:
    """Transform images [..., H, W] (complex) to centred k-space, orthonormal (fastmri/fftc.py:14)."""
    return torch.view_as_complex(fastmri.fft2c(torch.view_as_real(image)))


def ifft2c(kspace: Tensor) -> Tensor:
    """Transform centred k-space [..., H, W] (complex) to images, orthonormal (fastmri/fftc.py:41)."""
    return torch.view_as_complex(fastmri.ifft2c(torch.view_as_real(kspace)))


def rss(coil_images: Tensor) -> Tensor:
    """Combine complex coil images [..., C, H, W] into the root-sum-of-squares magnitude [..., H, W]; paper, eq. (3).

    The modulus is taken first: `fastmri.rss` sums squares without one and is wrong on complex input.
    """
    return fastmri.rss(coil_images.abs(), dim=-3)


def crop_centre(image: Tensor, crop: tuple[int, int]) -> Tensor:
    """Cut the central `crop` = (h, w) out of images [..., H, W], as fastMRI does (data/transforms.py, center_crop)."""
    return center_crop(image, crop)


def rss_reconstruction(kspace: Tensor, crop: tuple[int, int]) -> Tensor:
    """Reconstruct k-space [..., C, H, W] by inverse FFT and RSS to magnitude images [..., h, w]; paper, eq. (1)-(3)."""
    return rss(crop_centre(ifft2c(kspace), crop))
