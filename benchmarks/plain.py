"""The attacks written plainly on stock fastMRI modules, as the published code is, for comparison.

Weights require gradients, which are computed and not used; k-space is kept as real numbers with a last axis of two;
one severity and one angle is done at a time; the rotation sweep resamples at twice the size and records a graph.
"""

import math

import fastmri
import torch
from fastmri.data.transforms import center_crop, complex_center_crop, normalize_instance
from torch import Tensor
from torch.nn import functional

from advmri.attacks.scan import Scan


def _reconstruct(scan: Scan, kspace: Tensor, uncropped: bool) -> Tensor:
    """Return the image [h, w] of k-space [C, H, W, 2]; `uncropped`: a U-Net sees the whole image, cropped after it."""
    mask = scan.mask[None, None, None, :, None]
    masked = kspace[None] * mask
    network = scan.reconstructor.network
    if type(network).__name__ == "VarNet":
        return center_crop(network(masked, mask, scan.num_low_frequencies), scan.crop)[0]
    images = fastmri.ifft2c(masked)
    seen = images if uncropped else complex_center_crop(images, scan.crop)
    image, mean, deviation = normalize_instance(fastmri.rss(fastmri.complex_abs(seen), dim=1), eps=1e-11)
    return center_crop(network(image.clamp(-6, 6)[:, None])[:, 0] * deviation + mean, scan.crop)[0]


def _target(scan: Scan) -> Tensor:
    images = fastmri.ifft2c(torch.view_as_real(scan.kspace))
    return center_crop(fastmri.rss(fastmri.complex_abs(images), dim=0), scan.crop)


def _coil_norms(perturbation: Tensor) -> Tensor:
    return perturbation.flatten(1).norm(dim=1)[:, None, None, None]


def noise_attack(scan: Scan, box: Tensor, severities: list[float], steps: int, uncropped: bool = False) -> Tensor:
    """Search the worst noise by projected gradient ascent, one severity after the other; return the traces [S, T]."""
    scan.reconstructor.requires_grad_(True)
    kspace, target = torch.view_as_real(scan.kspace), _target(scan)
    _reconstruct(scan, kspace, uncropped)
    traces = []
    for severity in severities:
        radius = severity * _coil_norms(kspace)
        noise = torch.zeros_like(kspace)
        trace = []
        for _ in range(steps):
            noise = noise.detach().requires_grad_(True)
            error = ((_reconstruct(scan, kspace + noise, uncropped) - target) * box).norm()
            error.backward()
            trace.append(error.detach())
            gradient = noise.grad
            assert gradient is not None
            noise = noise.detach() + 0.5 * radius * gradient / _coil_norms(gradient)
            noise = noise * (radius / _coil_norms(noise)).clamp(max=1)
        trace.append(((_reconstruct(scan, kspace + noise, uncropped) - target) * box).norm().detach())
        traces.append(torch.stack(trace))
    return torch.stack(traces)


def _rotate(image: Tensor, degrees: float) -> Tensor:
    """Rotate [C, H, W]: twice the size by bicubic interpolation, mirrored border, bilinear rotation, and back."""
    height, width = image.shape[-2:]
    double = functional.interpolate(image[None], scale_factor=2, mode="bicubic", antialias=True)
    margin = min(height, width) // 4
    padded = functional.pad(double, (margin,) * 4, mode="reflect")
    rows, columns = padded.shape[-2:]
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    matrix = [[cosine, -sine * rows / columns, 0], [sine * columns / rows, cosine, 0]]
    grid = functional.affine_grid(padded.new_tensor([matrix]), list(padded.shape), align_corners=False)
    turned = functional.grid_sample(padded, grid, mode="bilinear", align_corners=False)
    turned = turned[..., margin:-margin, margin:-margin]
    return functional.interpolate(turned, size=(height, width), mode="bicubic", antialias=True)[0]


def rotation_sweep(scan: Scan, box: Tensor, angles: list[float], uncropped: bool = False) -> Tensor:
    """Reconstruct the rotated slice at every angle and turn it back; return the box errors [A]."""
    scan.reconstructor.requires_grad_(True)
    images, target = fastmri.ifft2c(torch.view_as_real(scan.kspace)), _target(scan)
    errors = []
    for angle in angles:
        turned = torch.stack([_rotate(images[..., part], angle) for part in (0, 1)], dim=-1)
        found = _rotate(_reconstruct(scan, fastmri.fft2c(turned), uncropped)[None], -angle)[0]
        errors.append(((found - target) * box).norm().detach())
    return torch.stack(errors)
