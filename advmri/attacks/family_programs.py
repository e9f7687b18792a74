"""The half of the family contract that computes: attack slices, and verify what was stored of one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from advmri.attacks.family import FamilySettings
from advmri.attacks.scan import Scan
from advmri.errors import InputError
from advmri.image_quality.ssim import Region


class NotFiniteError(InputError):
    """The network failed at a perturbation within the bound: a search that passed over it would call it robust.

    Attributes:
        where: at which one, in words.
    """

    def __init__(self, where: str) -> None:
        super().__init__(f"the network returns NaN or infinity, or such a gradient, {where}; train or export it anew.")
        self.where = where


@dataclass(frozen=True)
class Task:
    """One slice to be attacked.

    Attributes:
        scan: the slice and the network.
        regions: rows and columns of each target by name.
        seed: all randomness derives from it and the target's name.
        data_range: the volume's maximum, for SSIM.
        probes_gradient: whether the gradient is compared with differences on it: on the first slice of a job.
    """

    scan: Scan
    regions: Mapping[str, Region]
    seed: int
    data_range: float
    probes_gradient: bool = False

    def selected(self) -> dict[str, Tensor]:
        """Return the regions as S bool [h, w] by name."""
        return {name: self.scan.selected(region) for name, region in self.regions.items()}


class Attack(Protocol):
    """The function `attack` of a family's module `attack`."""

    def __call__(self, tasks: Sequence[Task], settings: Any, batch_size: int) -> list[dict[str, dict[str, Tensor]]]:
        """Attack every target of some slices of one volume, which share a mask and the coils.

        Args:
            tasks: the slices; a family may search them together.
            settings: its own class of settings.
            batch_size: perturbations computed at a time; it changes results by rounding only.

        Returns:
            For each slice, by target, the datasets: `COMMON_ARRAYS` and the family's own.

        Raises:
            NotFiniteError: where the network returns NaN or infinity.
        """
        ...


class Verify(Protocol):
    """The function `verify` of a family's module `verification`."""

    def __call__(self, task: Task, settings: Any, stored: Mapping[str, Any]) -> list[str]:
        """Return a line for everything that is not as the stored perturbation says; none where all is well.

        Args:
            task: one slice with one target.
            settings: its own class of settings.
            stored: the target's datasets by name.
        """
        ...


def attack_of(settings: FamilySettings) -> Attack:
    """Return the family's attack."""
    return cast(Attack, import_module(f"{settings.PACKAGE}.attack").attack)


def verification_of(settings: FamilySettings) -> Verify:
    """Return the family's verification."""
    return cast(Verify, import_module(f"{settings.PACKAGE}.verification").verify)


def on_cpu(outcome: object) -> dict[str, Tensor]:
    """Return the tensors of an outcome, a dataclass, by name."""
    return {name: value.detach().cpu() for name, value in vars(outcome).items() if isinstance(value, torch.Tensor)}
