"""One slice to be attacked: its k-space, mask, target and regions."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from advmri.acquisition.kspace import rss_reconstruction
from advmri.attacks.norms import coil_norms
from advmri.image_quality.ssim import Region
from advmri.reconstruction.full_precision import full_precision
from advmri.reconstruction.protocol import Reconstructor


@dataclass(frozen=True)
class Scan:
    """A fully sampled slice with the mask under which it is reconstructed.

    Attributes:
        kspace: complex64 [C, H, W], fully sampled.
        mask: bool [W], the measured columns.
        num_low_frequencies: number of fully sampled central columns.
        crop: (h, w) of the reconstruction.
        reconstructor: the network under audit.
        coil_covariance: of the scan's own noise, complex [C, C]; needed where noise is to have the coils' colour.
    """

    kspace: Tensor
    mask: Tensor
    num_low_frequencies: int
    crop: tuple[int, int]
    reconstructor: Reconstructor
    coil_covariance: Tensor | None = None

    @cached_property
    def measured_columns(self) -> Tensor:
        """Indices [n] of the measured columns."""
        return self.mask.nonzero().squeeze(1)

    @cached_property
    def unmeasured_samples(self) -> int:
        """Samples per coil in acquired columns (those that hold data) outside the mask."""
        acquired = int((self.kspace.abs().sum(dim=(0, 1)) > 0).logical_and(~self.mask).sum())
        return self.kspace.shape[-2] * acquired

    @cached_property
    def coil_norms(self) -> Tensor:
        """||k_i||_2 of the fully sampled k-space [C]."""
        return coil_norms(self.kspace)

    @cached_property
    def target(self) -> Tensor:
        """The fully sampled RSS X [h, w]."""
        return rss_reconstruction(self.kspace, self.crop)

    def selected(self, region: Region) -> Tensor:
        """Return rows and columns of the image as bool [h, w]."""
        chosen = torch.zeros(self.crop, dtype=torch.bool, device=self.kspace.device)
        chosen[region] = True
        return chosen

    def reconstruct(self, kspace: Tensor) -> Tensor:
        """Mask k-space [B, C, H, W] and reconstruct it [B, h, w]: f(M(k))."""
        batch = len(kspace)
        return self.reconstructor(kspace * self.mask, self.mask.expand(batch, -1), self.num_low_frequencies, self.crop)

    def perturbed_kspace(self, perturbation: Tensor) -> Tensor:
        """Return k + z [B, C, H, W] for z [B, C, H, n] on the measured columns."""
        full = self.kspace.expand(len(perturbation), -1, -1, -1)
        return full.index_add(3, self.measured_columns, perturbation)

    @cached_property
    def _clean(self) -> Tensor:
        with torch.no_grad(), full_precision():
            return self.reconstruct(self.kspace[None])[0]

    def clean(self) -> Tensor:
        """Return the unperturbed reconstruction [h, w], computed once."""
        return self._clean
