"""What bounds with a radius share: no noise at all, and how much of the bound a perturbation uses."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class RadiusBound(ABC):
    """Perturbations z [B, C, H, n] of which every part that is bounded separately has a radius.

    Attributes:
        radius: [B, ...], one for each part.
        shape: (C, H, n), coils, readout samples and measured columns.
    """

    radius: Tensor
    shape: tuple[int, int, int]

    @abstractmethod
    def used(self, perturbation: Tensor) -> Tensor:
        """Return the size of every part over its radius [B, parts]; NaN for nothing where nothing is allowed."""

    def zero(self) -> Tensor:
        """Return the perturbation that does nothing, complex64 [B, C, H, n]."""
        return torch.zeros((len(self.radius), *self.shape), dtype=torch.complex64, device=self.radius.device)

    def gauge(self, perturbation: Tensor) -> Tensor:
        """Return the largest share in use among the parts that may be perturbed [B]."""
        return self.used(perturbation).nan_to_num(0.0).amax(dim=1)

    def budget_used(self, perturbation: Tensor) -> Tensor:
        """Return the mean of the shares in use over the parts that may be perturbed [B]."""
        return self.used(perturbation).nanmean(dim=1)
