"""What an attack on one volume is computed from, read from its files; shared by the attack and its verification."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from advmri.acquisition.mask_file import read_mask_file
from advmri.acquisition.thermal.relative_norm import thermal_relative_norm
from advmri.attacks.family_programs import Task
from advmri.attacks.scan import Scan
from advmri.image_quality.ssim import WHOLE_IMAGE, Region
from advmri.reconstruction.protocol import Reconstructor
from advmri.reconstruction.weights.checkpoint import load_checkpoint
from advmri.storage.attack_file import INPUT_DIGESTS
from advmri.storage.file_digest import file_sha256
from advmri.volumes.identity import check_indexed_slice, check_volume_size
from advmri.volumes.index import VolumeIndex, read_index
from advmri.volumes.reading import Volume, read_kspace, read_volume

INPUTS = tuple(INPUT_DIGESTS)
"""What the files are called on the command line."""


@dataclass(frozen=True)
class Target:
    """What is attacked in a slice: a box, or the image (whose label is empty)."""

    label: str
    region: Region

    def bounds(self, crop: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return its rows and columns, half-open."""
        (row0, row1, _), (column0, column1, _) = self.region[0].indices(crop[0]), self.region[1].indices(crop[1])
        return (row0, row1), (column0, column1)


@dataclass(frozen=True)
class AttackInputs:
    """A volume, its index and mask, and the network.

    Attributes:
        mask: measured columns [W].
        trained_on, acceleration: as the checkpoint says.
        files: where each was read from, by the names of `INPUTS`.
    """

    volume: Volume
    index: VolumeIndex
    mask: Tensor
    num_low_frequencies: int
    reconstructor: Reconstructor
    trained_on: str
    acceleration: int
    device: torch.device
    files: dict[str, Path]

    @classmethod
    def read(cls, files: dict[str, Path], device: torch.device, factory: str | None) -> Self:
        """Read all but the k-space; `factory` is the one that the checkpoint may name."""
        columns, num_low_frequencies = read_mask_file(files["mask"])
        checkpoint, reconstructor = load_checkpoint(files["checkpoint"], device, factory)
        volume, index = read_volume(files["volume"]), read_index(files["index"])
        check_volume_size(index, volume.path)
        mask = torch.from_numpy(columns).to(device)
        facts = (checkpoint.trained_on, checkpoint.acceleration)
        return cls(volume, index, mask, num_low_frequencies, reconstructor, *facts, device, files)

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each file, by the name of its attribute in the attack file; the volume's by its index.

        A job reads a few slices of a volume, each of which is compared with the index: the whole is not read again.
        """
        read = {name: attribute for name, attribute in INPUT_DIGESTS.items() if name != "volume"}
        digests = {attribute: file_sha256(self.files[name]) for name, attribute in read.items()}
        return {INPUT_DIGESTS["volume"]: self.index.data_sha256, **digests}

    def scan(self, number: int) -> Scan:
        """Read one slice; raises InputError where it is not the one that was indexed."""
        kspace = read_kspace(self.volume, number)
        check_indexed_slice(self.index, number, kspace, self.volume.path)
        thermal = self.index.annotated[number].thermal
        covariance = np.asarray(thermal.covariance_real) + 1j * np.asarray(thermal.covariance_imaginary)
        return Scan(
            kspace=torch.from_numpy(kspace).to(self.device),
            mask=self.mask,
            num_low_frequencies=self.num_low_frequencies,
            crop=self.index.crop,
            reconstructor=self.reconstructor,
            coil_covariance=torch.from_numpy(covariance).to(self.device),
        )

    def thermal_relative_norm(self, scan: Scan, number: int) -> np.ndarray:
        """Return eta of the scan's own thermal noise per coil [C]."""
        sigma = np.asarray(self.index.annotated[number].thermal.sigma)
        measured_samples = len(scan.measured_columns) * scan.kspace.shape[1]
        return thermal_relative_norm(sigma, scan.kspace.cpu().numpy(), measured_samples)

    def targets(self, target: str, number: int) -> dict[str, Target]:
        """Return what is attacked in a slice by the name of its group: every box, or the image."""
        if target == "image":
            return {"image": Target("", WHOLE_IMAGE)}
        return {
            f"box_{box.number}": Target(box.label, (slice(box.row0, box.row1), slice(box.column0, box.column1)))
            for box in self.index.annotated[number].boxes
        }

    def task(self, number: int, targets: Mapping[str, Target], seed: int) -> Task:
        """Return what a family needs to attack these targets of a slice."""
        regions = {name: target.region for name, target in targets.items()}
        return Task(self.scan(number), regions, seed, self.index.maximum)
