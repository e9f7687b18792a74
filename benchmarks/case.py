"""What is attacked in a benchmark: one slice, one network, one box."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from advmri.acquisition.kspace import fft2c
from advmri.acquisition.masks import make_mask
from advmri.attacks.scan import Scan
from advmri.reconstruction.architecture import build_reconstructor

PAPER_SIZES: dict[str, dict[str, Any]] = {
    "unet": {"chans": 128, "num_pool_layers": 4},
    "varnet": {"num_cascades": 8, "chans": 9, "pools": 4, "sens_chans": 6, "sens_pools": 4},
}
SMALL_SIZES: dict[str, dict[str, Any]] = {
    "unet": {"chans": 4, "num_pool_layers": 2},
    "varnet": {"num_cascades": 2, "chans": 3, "pools": 2, "sens_chans": 2, "sens_pools": 2},
}


@dataclass(frozen=True)
class Case:
    """Sizes of a benchmark.

    Attributes:
        architecture: `unet` or `varnet`.
        coils, rows, columns: of k-space.
        crop: side of the square image.
        small: the tests' network sizes in place of the paper's.
        steps: of the noise attack.
        angles: of the rotation sweep.
        severities: noise levels searched, in one batch where the implementation can.
        threads: of the CPU.
        device: a torch device type.
    """

    architecture: str
    coils: int = 15
    rows: int = 640
    columns: int = 368
    crop: int = 320
    small: bool = False
    steps: int = 10
    angles: int = 5
    severities: int = 1
    threads: int = 2
    device: str = "cpu"

    def scan(self) -> Scan:
        """Return a slice of smooth k-space under a 4x mask, and a network with random weights, the same each time."""
        torch.manual_seed(0)
        sizes = (SMALL_SIZES if self.small else PAPER_SIZES)[self.architecture]
        reconstructor = build_reconstructor(self.architecture, sizes).eval().to(self.device)
        mask = make_mask(self.columns, 4, 0.08, "random", seed=5)
        return Scan(
            kspace=smooth_kspace(self.coils, self.rows, self.columns).to(self.device),
            mask=mask.columns.to(self.device),
            num_low_frequencies=mask.num_low_frequencies,
            crop=(self.crop, self.crop),
            reconstructor=reconstructor,
        )

    def box(self) -> Tensor:
        """Return the attacked box, bool [h, w]: an eighth of the crop wide, beside its centre."""
        region = torch.zeros(self.crop, self.crop, dtype=torch.bool, device=self.device)
        first, side = self.crop // 3, self.crop // 8
        region[first : first + side, first : first + side] = True
        return region

    def noise_levels(self) -> list[float]:
        """Return as many severities as asked for, ascending to 2.5%."""
        return [0.025 * (number + 1) / self.severities for number in range(self.severities)]

    def degrees(self) -> list[float]:
        """Return as many angles as asked for, ascending to 5 degrees; 0 is not among them."""
        return [5 * (number + 1) / self.angles for number in range(self.angles)]


def smooth_kspace(coils: int, rows: int, columns: int) -> Tensor:
    """Return k-space complex64 [C, H, W] of a textured disc under smooth coil sensitivities, with a little noise."""
    y = torch.linspace(-1, 1, rows)[:, None]
    x = torch.linspace(-1, 1, columns)[None, :]
    image = (y**2 + x**2 < 0.6) * (1 + 0.3 * torch.sin(9 * x) * torch.cos(7 * y)) * 7e-4
    angles = 2 * torch.pi * torch.arange(coils)[:, None, None] / coils
    distance = (y - angles.sin()) ** 2 + (x - angles.cos()) ** 2
    maps = torch.polar(torch.exp(-distance / 3), angles + x + 0 * y)
    noise = torch.randn(coils, rows, columns, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    return fft2c(image * maps) + 1e-6 * noise
