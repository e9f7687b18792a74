"""Noise coloured by the coils' covariance: what couples the receivers couples the perturbation."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

CORNER_FRACTION = 0.1
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


def corner_covariance(kspace: Tensor) -> Tensor:
    """Estimate the coils' noise covariance, complex [C, C], from the corners of k-space [C, H, W].

    A tenth of the rows and of the acquired columns at either end; signal is weakest there. Columns that hold nothing
    (padding) are left out.
    """
    acquired = kspace[:, :, kspace.abs().sum(dim=(0, 1)) > 0]
    rows, columns = (max(1, round(size * CORNER_FRACTION)) for size in acquired.shape[1:])
    corners = [acquired[:, end][:, :, side] for end in _ends(rows) for side in _ends(columns)]
    samples = torch.cat([corner.flatten(1) for corner in corners], dim=1).to(torch.complex128)
    return samples @ samples.mH / samples.shape[1]


def _ends(count: int) -> tuple[slice, slice]:
    return slice(None, count), slice(-count, None)
