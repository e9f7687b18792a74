"""Noise attacks on slices that share a mask, as one flat list of searches that can be batched in any way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import NamedTuple

import torch
from torch import Tensor

from advmri.attacks.noise.bounded_set import BoundedSet
from advmri.attacks.noise.colour import Colour
from advmri.attacks.noise.search import Optimiser, RegionObjective
from advmri.attacks.noise.settings import NoiseAttack
from advmri.attacks.norms import coil_norms
from advmri.attacks.scan import Scan


class Case(NamedTuple):
    """One question: how bad can this region of this slice become at this severity.

    Attributes:
        scan: place among the scans.
        region: name of the region.
        severity: place in the settings' severities.
    """

    scan: int
    region: str
    severity: int


def make_optimiser(settings: NoiseAttack, scan: Scan) -> Optimiser:
    """Return the optimiser that the settings name; its fields come from those of the settings, or of the scan."""
    optimiser = import_module(f"advmri.attacks.noise.optimisers.{settings.optimiser}").Optimiser
    taken = {
        name: getattr(settings, name) if hasattr(settings, name) else getattr(scan, name)
        for name in optimiser.__dataclass_fields__
    }
    return optimiser(**taken)


@dataclass(frozen=True)
class NoiseProblem:
    """Slices, regions and settings; perturbations [B, C, H, n] always belong to a list of B cases.

    Attributes:
        scans: slices with the same mask, shape and network.
        regions: S bool [h, w] by name, for each scan.
        settings: the attack.
        data_range: the volume's maximum, for SSIM.

    Raises:
        ValueError: where the scans' masks or shapes differ.
    """

    scans: Sequence[Scan]
    regions: Sequence[dict[str, Tensor]]
    settings: NoiseAttack
    data_range: float

    def __post_init__(self) -> None:
        first = self.scans[0]
        for scan in self.scans[1:]:
            if scan.kspace.shape != first.kspace.shape or not torch.equal(scan.mask, first.mask):
                raise ValueError("slices that are attacked together need the same mask and the same number of coils.")

    @cached_property
    def colours(self) -> list[Colour] | None:
        """The coils' colour of each scan; none where noise is white."""
        if self.settings.colour == "white":
            return None
        covariances = [scan.coil_covariance for scan in self.scans if scan.coil_covariance is not None]
        if len(covariances) < len(self.scans):
            raise ValueError("colour: coil_covariance needs the covariance of every scan; index the volume anew.")
        return [Colour.from_covariance(covariance) for covariance in covariances]

    @cached_property
    def _bounded_norms(self) -> Tensor:
        """||k_i||_2 [scans, C] in the coordinates in which the bound is measured."""
        if self.colours is None:
            return torch.stack([scan.coil_norms for scan in self.scans])
        pairs = zip(self.colours, self.scans, strict=True)
        return torch.stack([coil_norms(colour.whitened(scan.kspace)) for colour, scan in pairs])

    @cached_property
    def _kspace(self) -> Tensor:
        return torch.stack([scan.kspace for scan in self.scans])

    @cached_property
    def _images(self) -> tuple[Tensor, Tensor]:
        """Targets and clean reconstructions [scans, h, w]."""
        return torch.stack([scan.target for scan in self.scans]), torch.stack([scan.clean() for scan in self.scans])

    def eta(self, case: Case) -> float:
        """Return a case's severity."""
        return self.settings.severities[case.severity]

    def bound(self, cases: Sequence[Case]) -> BoundedSet:
        """Return the bound of the cases, in the coordinates of `coloured`."""
        first, norms = self.scans[0], self._bounded_norms
        made = import_module(f"advmri.attacks.noise.bounds.{self.settings.bound}").Bound
        severity = torch.tensor([self.eta(case) for case in cases], dtype=torch.float32, device=norms.device)
        shape = (*first.kspace.shape[:2], len(first.measured_columns))
        return made.of_severity(severity, norms[[case.scan for case in cases]], shape)

    def coloured(self, cases: Sequence[Case], perturbation: Tensor) -> Tensor:
        """Return the noise z [B, C, H, n] that a perturbation in the bound's coordinates stands for."""
        if self.colours is None:
            return perturbation
        pairs = zip(cases, perturbation, strict=True)
        return torch.stack([self.colours[case.scan].coloured(one) for case, one in pairs])

    def whitened(self, cases: Sequence[Case], noise: Tensor) -> Tensor:
        """Return noise z [B, C, H, n] in the coordinates in which the bound is measured."""
        if self.colours is None:
            return noise
        pairs = zip(cases, noise, strict=True)
        return torch.stack([self.colours[case.scan].whitened(one) for case, one in pairs])

    def reconstruct(self, cases: Sequence[Case], noise: Tensor) -> Tensor:
        """Return f(M(k + z)) [B, h, w]."""
        first = self.scans[0]
        if len(self.scans) == 1:
            return first.reconstruct(first.perturbed_kspace(noise))
        kspace = self._kspace[[case.scan for case in cases]]
        return first.reconstruct(kspace.index_add(3, first.measured_columns, noise))

    def damage(self, cases: Sequence[Case]) -> RegionObjective:
        """Return the objective of reconstructions [B, h, w]."""
        made = import_module(f"advmri.attacks.noise.objectives.{self.settings.objective}").Objective
        places = [case.scan for case in cases]
        targets, cleans = self._images
        regions = torch.stack([self.regions[case.scan][case.region] for case in cases])
        return made(targets[places], regions, cleans[places], self.data_range)

    def objective(self, cases: Sequence[Case]) -> Callable[[Tensor], Tensor]:
        """Return what is maximised: of perturbations in the bound's coordinates [B, C, H, n], the damage [B]."""
        damage = self.damage(cases)

        def value(perturbation: Tensor) -> Tensor:
            return damage(self.reconstruct(cases, self.coloured(cases, perturbation)))

        return value

    def search_objective(self, cases: Sequence[Case]) -> Callable[[Tensor], Tensor]:
        """Return `objective` with the network in the settings' `search_precision`: near enough to climb by."""
        if self.settings.search_precision == "float32":
            return self.objective(cases)
        damage = self.damage(cases)

        def value(perturbation: Tensor) -> Tensor:
            with torch.autocast(perturbation.device.type, dtype=torch.bfloat16):
                images = self.reconstruct(cases, self.coloured(cases, perturbation))
            return damage(images.float())

        return value
