"""Whether a network keeps the contract of `Reconstructor`: tried on a synthetic scan before any attack."""

import math
import traceback
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from advmri.acquisition.kspace import fft2c, rss_reconstruction
from advmri.errors import InputError
from advmri.reconstruction.protocol import Reconstructor
from advmri.reconstruction.settings import ContractSettings

BATCH_TOLERANCE = 1e-3
"""Largest difference, relative to the image's maximum, between a member's image alone and in a batch: rounding only."""
UNIT_FACTOR = 100.0
"""The image's norm may differ from the fully sampled one's by this factor: a matter of units, not of quality."""
SIGMA = 1e-3
"""Noise of the scan, relative to the image's maximum, so that no sample is exactly zero."""


@dataclass(frozen=True)
class ContractScan:
    """Two different slices.

    Attributes:
        kspace: complex64 [2, C, H, W], masked.
        mask: bool [2, W].
        num_low_frequencies: of the mask.
        crop: (h, w).
        target: RSS of the fully sampled k-space [2, h, w].
    """

    kspace: Tensor
    mask: Tensor
    num_low_frequencies: int
    crop: tuple[int, int]
    target: Tensor


def contract_scan(settings: ContractSettings, device: torch.device) -> ContractScan:
    """Make a disc with some detail, and its mirror image, seen by smooth coils; every second column is measured."""
    generator = torch.Generator().manual_seed(0)
    rows, columns = torch.linspace(-1, 1, settings.rows)[:, None], torch.linspace(-1, 1, settings.columns)[None]
    disc = (rows**2 + columns**2 < 0.6) * (1 + 0.4 * torch.sin(9 * columns + 1) * torch.cos(7 * rows))
    angles = [2 * math.pi * coil / settings.coils for coil in range(settings.coils)]
    maps = torch.stack(
        [
            torch.polar(
                torch.exp(-((rows - math.sin(angle)) ** 2 + (columns - math.cos(angle)) ** 2) / 3),
                angle + columns + rows,
            )
            for angle in angles
        ]
    )
    images = torch.stack([disc * maps, disc.flip(1) * maps])
    images = images / images.abs().square().sum(dim=1).sqrt().max()
    noise = torch.view_as_complex(torch.randn(*images.shape, 2, generator=generator))
    kspace = settings.maximum * (fft2c(images) + SIGMA * noise)
    centre, width = max(2, settings.columns // 10), settings.columns
    first = (width - centre + 1) // 2
    mask = torch.arange(width) % 2 == 0
    mask[first : first + centre] = True
    target = rss_reconstruction(kspace, settings.crop)
    return ContractScan(
        (kspace * mask).to(device), mask.expand(2, -1).to(device), centre, settings.crop, target.to(device)
    )


def _reconstruct(reconstructor: Reconstructor, scan: ContractScan, members: slice = slice(None)) -> Tensor:
    return reconstructor(scan.kspace[members].clone(), scan.mask[members], scan.num_low_frequencies, scan.crop)


def _image_problems(image: object, scan: ContractScan) -> list[str]:
    """Check one output: what it is, its shape, type, values and units."""
    if not isinstance(image, Tensor):
        return [f"output: a {type(image).__name__}, not a tensor"]
    if image.shape != scan.target.shape:
        return [f"shape: {list(image.shape)}, expected [B, h, w] = {list(scan.target.shape)}"]
    problems = []
    if image.dtype != torch.float32:
        problems.append(f"dtype: {image.dtype}, expected torch.float32 (a magnitude)")
    if image.is_complex():
        return problems
    if not torch.isfinite(image).all():
        return [
            *problems,
            f"finite: {int((~torch.isfinite(image)).sum())} of {image.numel()} pixels are NaN or infinite",
        ]
    ratio = float(torch.linalg.vector_norm(image.double()) / torch.linalg.vector_norm(scan.target.double()))
    if not 1 / UNIT_FACTOR < ratio < UNIT_FACTOR:
        problems.append(
            f"units: the image's norm is {ratio:.3g} times the fully sampled image's; expected the RSS's units"
        )
    return problems


def _gradient_problems(reconstructor: Reconstructor, scan: ContractScan) -> list[str]:
    """Check the gradient of the error in k-space, which attacks follow."""
    kspace = scan.kspace.clone().requires_grad_(True)
    masked = kspace * scan.mask[:, None, None, :]
    image = reconstructor(masked, scan.mask, scan.num_low_frequencies, scan.crop)
    if not image.requires_grad:
        return ["gradient: the image does not depend on k-space through differentiable operations"]
    (gradient,) = torch.autograd.grad((image - scan.target).square().sum(), kspace, allow_unused=True)
    if gradient is None:
        return ["gradient: the image does not depend on k-space through differentiable operations"]
    if not torch.isfinite(torch.view_as_real(gradient)).all():
        return ["gradient: NaN or infinite in k-space"]
    if not gradient.abs().amax() > 0:
        return ["gradient: zero everywhere on the measured columns"]
    return []


def _repetition_problems(reconstructor: Reconstructor, scan: ContractScan, image: Tensor) -> list[str]:
    """Check that the same input gives the same image, alone and in a batch."""
    problems = []
    again = _reconstruct(reconstructor, scan)
    if not torch.equal(image, again):
        problems.append("determinism: two calls with the same input differ (dropout, sampling or state?)")
    alone = torch.cat([_reconstruct(reconstructor, scan, slice(place, place + 1)) for place in range(len(image))])
    if alone.shape != image.shape:
        return [*problems, f"batch: one slice alone gives {[1, *alone.shape[1:]]}, expected {[1, *image.shape[1:]]}"]
    difference = float((alone - image).abs().max() / image.abs().max())
    if not difference <= BATCH_TOLERANCE:
        problems.append(
            f"batch: a slice's image changes by {difference:.2g} of its maximum with its batch's other slices"
        )
    return problems


def contract_problems(reconstructor: Reconstructor, settings: ContractSettings, device: torch.device) -> list[str]:
    """Return every part of the contract that a network on `device`, in evaluation mode, does not keep.

    Checked: shape, dtype, finite values, units of the RSS, input left as it is, determinism, members of a batch
    independent, gradient in k-space finite and not zero.
    """
    scan = contract_scan(settings, device)
    problems: list[str] = []
    try:
        with torch.no_grad():
            given = scan.kspace.clone()
            image = reconstructor(given, scan.mask, scan.num_low_frequencies, scan.crop)
            problems += _image_problems(image, scan)
            if problems:
                return problems
            if not torch.equal(given, scan.kspace):
                problems.append("input: forward changes the k-space that it is given")
            problems += _repetition_problems(reconstructor, scan, image)
        return problems + _gradient_problems(reconstructor, scan)
    except Exception as error:  # noqa: BLE001 - a user's code may raise anything; the message says what and where
        place = traceback.extract_tb(error.__traceback__)[-1]
        first_line = (str(error).splitlines() or [""])[0]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        sizes = f"k-space {list(scan.kspace.shape)}, crop {list(scan.crop)}"
        return [*problems, f"forward: {type(error).__name__} in {where} on {sizes}: {first_line}"]


def check_contract(name: str, reconstructor: Reconstructor, settings: ContractSettings, device: torch.device) -> None:
    """Raise InputError with everything that `contract_problems` finds."""
    problems = contract_problems(reconstructor, settings, device)
    if problems:
        raise InputError(
            f"model {name} does not keep the contract of advmri/reconstruction/protocol.py: {'; '.join(problems)}."
        )
