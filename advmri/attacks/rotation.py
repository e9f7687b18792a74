"""Rotation of the patient against one slice, eq. (5): one sweep of angles serves every theta_max."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from advmri.attacks.objective import region_error
from advmri.attacks.rotate import rotate_complex, rotate_magnitude
from advmri.attacks.scan import Scan
from advmri.attacks.settings import RotationAttack
from advmri.kspace import fft2c, ifft2c, rss_reconstruction
from advmri.ssim import Region, region_ssim, ssim_map


@dataclass(frozen=True)
class Sweep:
    """Every angle of the grid against one slice; A angles.

    Attributes:
        angle: degrees [A], ascending, symmetric about and including 0.
        reconstruction: R^-1 f(M(R k)) [A, h, w].
        perturbed_target: R^-1 RSS(R k) [A, h, w], the fully sampled image rotated there and back (interpolation alone).
    """

    angle: Tensor
    reconstruction: Tensor
    perturbed_target: Tensor


@dataclass(frozen=True)
class RotationOutcome:
    """The worst angle within each theta_max against one region of one slice; S severities, A angles.

    Attributes:
        severity: theta_max in degrees [S].
        angle: the worst angle [S].
        reconstruction: [S, h, w], rotated back.
        perturbed_target: [S, h, w], rotated there and back, fully sampled.
        sweep_angle: [A]; sweep_objective, sweep_ssim: of the reconstruction in the region [A]; floor_ssim: of
            `perturbed_target` in the region, what interpolation alone costs [A].
    """

    severity: Tensor
    angle: Tensor
    reconstruction: Tensor
    perturbed_target: Tensor
    sweep_angle: Tensor
    sweep_objective: Tensor
    sweep_ssim: Tensor
    floor_ssim: Tensor


def angle_grid(theta_max: float, step: float) -> list[float]:
    """Return angles in [-theta_max, theta_max], `step` apart from 0 outwards, both ends included, in degrees."""
    inner = [step * i for i in range(1, int(theta_max / step + 1e-9) + 1)]
    positive = sorted({round(angle, 6) for angle in [*inner, theta_max] if angle > 0})
    return [*(-angle for angle in reversed(positive)), 0.0, *positive]


@torch.no_grad()
def sweep_angles(scan: Scan, angles: list[float], batch_size: int) -> Sweep:
    """Reconstruct the rotated slice at every angle and turn the results back."""
    coil_images = ifft2c(scan.kspace)
    reconstructions: list[Tensor] = []
    targets: list[Tensor] = []
    clean = scan.clean()
    shape = (scan.kspace.shape[-2], scan.kspace.shape[-1])
    for start in range(0, len(angles), batch_size):
        chunk = angles[start : start + batch_size]
        rotated = torch.stack([fft2c(rotate_complex(coil_images, angle)) for angle in chunk])
        images = scan.reconstruct(rotated)
        full = rss_reconstruction(rotated, scan.crop)
        for angle, image, target in zip(chunk, images, full, strict=True):
            reconstructions.append(clean if angle == 0 else rotate_magnitude(image[None], -angle, shape)[0])
            targets.append(scan.target if angle == 0 else rotate_magnitude(target[None], -angle, shape)[0])
    return Sweep(torch.tensor(angles), torch.stack(reconstructions), torch.stack(targets))


def _region_ssims(images: Tensor, target: Tensor, region: Region, data_range: float) -> Tensor:
    reference = target.cpu().numpy()
    return torch.tensor([region_ssim(ssim_map(reference, image.cpu().numpy(), data_range), region) for image in images])


def attack_with_rotation(
    scan: Scan, regions: dict[str, Region], settings: RotationAttack, data_range: float, batch_size: int
) -> dict[str, RotationOutcome]:
    """Find the worst rotation of one slice for every region and theta_max.

    Args:
        scan: the slice and the network.
        regions: rows and columns of each region by name.
        settings: the attack.
        data_range: the volume's maximum, for SSIM.
        batch_size: angles reconstructed at a time.
    """
    angles = angle_grid(max(settings.severities), settings.angle_step)
    for severity in settings.severities:
        angles = sorted({*angles, *angle_grid(severity, settings.angle_step)})
    sweep = sweep_angles(scan, angles, batch_size)
    outcomes = {}
    for name, region in regions.items():
        selected = _region_mask(region, scan.crop).to(scan.kspace.device)
        objective = region_error(sweep.reconstruction, scan.target, selected.expand(len(angles), -1, -1)).cpu()
        ssim = _region_ssims(sweep.reconstruction, scan.target, region, data_range)
        floor = _region_ssims(sweep.perturbed_target, scan.target, region, data_range)
        damage = objective if settings.selection == "objective" else -ssim
        worst = []
        for severity in settings.severities:
            allowed = sweep.angle.abs() <= severity + 1e-6
            worst.append(int(np.argmax(np.where(allowed, damage.numpy(), -np.inf))))
        outcomes[name] = RotationOutcome(
            severity=torch.tensor(settings.severities, dtype=torch.float32),
            angle=sweep.angle[worst],
            reconstruction=sweep.reconstruction[worst],
            perturbed_target=sweep.perturbed_target[worst],
            sweep_angle=sweep.angle,
            sweep_objective=objective,
            sweep_ssim=ssim,
            floor_ssim=floor,
        )
    return outcomes


def _region_mask(region: Region, crop: tuple[int, int]) -> Tensor:
    mask = torch.zeros(crop, dtype=torch.bool)
    mask[region] = True
    return mask
