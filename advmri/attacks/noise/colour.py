"""Noise coloured by the coils' covariance: what couples the receivers couples the perturbation."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

SMALLEST_EIGENVALUE = 1e-6


@dataclass(frozen=True)
class Colour:
    """The linear map between perturbations of virtual coils (whitened) and of the scan's coils.

    With Sigma the coils' noise covariance, z = A w with A = Sigma^(1/2), the Hermitian root: of all roots the one whose
    virtual coils stay nearest to the coils. Sigma's scale cancels, because radii follow from the whitened k-space.

    Attributes:
        root: A, complex [C, C].
        inverse: its pseudo-inverse; coils without noise have no virtual counterpart.
    """

    root: Tensor
    inverse: Tensor

    @classmethod
    def from_covariance(cls, covariance: Tensor) -> Self:
        """Make the map of a Hermitian covariance [C, C]."""
        values, vectors = torch.linalg.eigh(covariance.to(torch.complex128))
        values = values.clamp_min(0.0) / values[-1]
        kept = values > SMALLEST_EIGENVALUE
        root = torch.where(kept, values.sqrt(), 0.0)
        inverse = torch.where(kept, values.clamp_min(SMALLEST_EIGENVALUE).rsqrt(), 0.0)
        made = [(vectors * factor) @ vectors.mH for factor in (root, inverse)]
        return cls(*(matrix.to(torch.complex64) for matrix in made))

    def coloured(self, perturbation: Tensor) -> Tensor:
        """Return z = A w [..., C, H, n] of perturbations of the virtual coils."""
        return torch.einsum("ij,...jhn->...ihn", self.root, perturbation)

    def whitened(self, perturbation: Tensor) -> Tensor:
        """Return w = A^-1 z [..., C, H, n], in the coordinates in which the bound is measured."""
        return torch.einsum("ij,...jhn->...ihn", self.inverse, perturbation)
