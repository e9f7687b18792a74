"""Whether a network keeps the contract of `Reconstructor`: tried on a synthetic scan before any attack."""

import copy
import math
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from advmri.acquisition.kspace import fft2c, rss_reconstruction
from advmri.errors import InputError
from advmri.reconstruction.gradient_probe import (
    DRAWN_TOLERANCE,
    TOLERANCE,
    Probe,
    central_columns,
    directions_of_kspace,
    parts_of_gradient,
)
from advmri.reconstruction.protocol import Reconstructor
from advmri.reconstruction.settings import ContractSettings

BATCH_TOLERANCE = 1e-3
"""Largest difference, relative to the image's maximum, between a member's image alone and in a batch: rounding only."""
UNIT_FACTOR = 100.0
"""The image's norm may differ from the fully sampled one's by this factor: a matter of units, not of quality."""
SIGMA = 1e-3
"""Noise of the scan, relative to the image's maximum, so that no sample is exactly zero."""
SCALES = (1.0, 0.35, 0.5)
"""Largest values of the slices' images, relative to the scan's: slices of one volume differ as much."""
DIRECTIONS = 2
"""Directions of k-space along which the gradient is tried, of the centre and of the other columns each."""
BATCHES = ((2, 1, 0), (0, 2), (1,))
"""Which slices are reconstructed together, besides all of them in their order."""


@dataclass(frozen=True)
class ContractScan:
    """Three slices of different content and scale.

    Attributes:
        kspace: complex64 [3, C, H, W], masked.
        mask: bool [3, W].
        num_low_frequencies: of the mask.
        crop: (h, w).
        target: RSS of the fully sampled k-space [3, h, w].
    """

    kspace: Tensor
    mask: Tensor
    num_low_frequencies: int
    crop: tuple[int, int]
    target: Tensor


def contract_scan(settings: ContractSettings, device: torch.device) -> ContractScan:
    """Make discs with different detail, seen by smooth coils; every second column is measured.

    No two slices have the same maximum, mean or variance: networks that share any of them in a batch are found.
    """
    generator = torch.Generator().manual_seed(0)
    rows, columns = torch.linspace(-1, 1, settings.rows)[:, None], torch.linspace(-1, 1, settings.columns)[None]
    disc = (rows**2 + columns**2 < 0.6).float()
    detail = torch.sin(9 * columns + 1) * torch.cos(7 * rows)
    slices = [
        disc * (1 + 0.4 * detail),
        disc * (rows**2 + 2 * columns**2 < 0.4) * (1 - 0.7 * detail.flip(0)),
        disc * (0.2 + (torch.cos(5 * rows * columns + 3 * columns) > 0)),
    ]
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
    images = torch.stack([one * maps for one in slices])
    largest = images.abs().square().sum(dim=1).sqrt().amax(dim=(1, 2))
    images = images * (torch.tensor(SCALES) / largest)[:, None, None, None]
    noise = torch.view_as_complex(torch.randn(*images.shape, 2, generator=generator))
    kspace = settings.maximum * (fft2c(images) + SIGMA * noise)
    centre, width = max(2, settings.columns // 10), settings.columns
    first = (width - centre + 1) // 2
    mask = torch.arange(width) % 2 == 0
    mask[first : first + centre] = True
    target = rss_reconstruction(kspace, settings.crop)
    return ContractScan(
        (kspace * mask).to(device), mask.expand(len(slices), -1).to(device), centre, settings.crop, target.to(device)
    )


def _reconstruct(reconstructor: Reconstructor, scan: ContractScan, members: Sequence[int]) -> Tensor:
    """Reconstruct some of the slices together."""
    chosen = list(members)
    return reconstructor(scan.kspace[chosen], scan.mask[chosen], scan.num_low_frequencies, scan.crop)


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


def _wrong_gradient(reconstructor: Reconstructor, scan: ContractScan) -> list[str]:
    """Compare the gradient with differences: in float64 where the network can be computed in it, else as it is."""
    try:
        ratios = gradient_ratios(copy.deepcopy(reconstructor).double(), scan, torch.complex128)
    except Exception:  # noqa: BLE001 - a network that casts, or that cannot be copied, may raise anything
        ratios = gradient_ratios(reconstructor, scan, torch.complex64)
    return [
        f"gradient: along {name} the error changes by {ratio:.3g} times what the gradient says; part of it may not"
        " reach k-space (something detached, or differentiated in part)"
        for name, ratio in ratios.items()
        if not abs(ratio - 1) <= (TOLERANCE if name.startswith("its") else DRAWN_TOLERANCE)
    ]


def gradient_ratios(reconstructor: Reconstructor, scan: ContractScan, dtype: torch.dtype) -> dict[str, float]:
    """Return by how much the error of the first slice changes in some directions, over what its gradient says.

    Along parts of the gradient, without those that are zero, and of k-space: of these the one farthest from 1, which is
    right.
    """
    place = slice(0, 1)
    kspace, target = scan.kspace[place].to(dtype), scan.target[place].double()
    measured = scan.mask[place, None, None, :]

    def error(at: Tensor) -> Tensor:
        image = reconstructor(at * measured, scan.mask[place], scan.num_low_frequencies, scan.crop)
        return (image.double() - target).square().sum()

    variable = kspace.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(error(variable), variable)
    probe = Probe(error, kspace, gradient, float(torch.linalg.vector_norm(kspace)))
    central = central_columns(kspace.shape[-1], scan.num_low_frequencies, kspace.device)
    ratios = {f"its {name}": probe.ratio(part) for name, part in parts_of_gradient(gradient, central).items()}
    for name, directions in directions_of_kspace(kspace, gradient, central, DIRECTIONS).items():
        tried = [probe.ratio(direction) for direction in directions]
        ratios[f"k-space's {name}"] = max(tried, key=lambda ratio: abs(ratio - 1))
    return ratios


def _repetition_problems(reconstructor: Reconstructor, scan: ContractScan, image: Tensor) -> list[str]:
    """Check that the same input gives the same image: again, alone, and in any company and order."""
    problems = []
    if not torch.equal(image, _reconstruct(reconstructor, scan, range(len(image)))):
        problems.append("determinism: two calls with the same input differ (dropout, sampling or state?)")
    difference = 0.0
    for members in BATCHES:
        some = _reconstruct(reconstructor, scan, members)
        expected = image[list(members)]
        if some.shape != expected.shape:
            count = len(members)
            return [
                *problems,
                f"batch: {count} of {len(image)} slices give {list(some.shape)}, expected {list(expected.shape)}",
            ]
        largest = expected.abs().amax(dim=(1, 2))
        difference = max(difference, float(((some - expected).abs().amax(dim=(1, 2)) / largest).max()))
    if not difference <= BATCH_TOLERANCE:
        problems.append(
            f"batch: a slice's image changes by {difference:.2g} of its maximum with its batch's other slices"
        )
    return problems


def contract_problems(reconstructor: Reconstructor, settings: ContractSettings, device: torch.device) -> list[str]:
    """Return every part of the contract that a network on `device`, in evaluation mode, does not keep.

    Checked: shape, dtype, finite values, units of the RSS, input left as it is, determinism, members of a batch
    independent whatever its size and order, gradient in k-space finite, not zero, and that of central differences.
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
        problems += _gradient_problems(reconstructor, scan)
        return problems or _wrong_gradient(reconstructor, scan)
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
