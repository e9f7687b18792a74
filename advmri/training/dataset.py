"""Training samples: one slice of one volume, augmented and masked afresh each time, a pure function of its number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from advmri.acquisition.kspace import fft2c, ifft2c, rss_reconstruction
from advmri.acquisition.masks import make_mask
from advmri.errors import InputError
from advmri.seeds import derive_seed
from advmri.training.augmentation import augment
from advmri.training.settings import AugmentationSettings
from advmri.volumes.consistency import checked_target
from advmri.volumes.reading import Volume, read_kspace, read_target, volume_maximum


class Sample(NamedTuple):
    """A batch (or one member without B) for the networks.

    kspace: complex64 [B, C, H, W], masked; mask: bool [B, W]; num_low_frequencies: int [B]; target: float32 [B, h, w];
    maximum: float32 [B], the volume's.
    """

    kspace: Tensor
    mask: Tensor
    num_low_frequencies: Tensor
    target: Tensor
    maximum: Tensor


def batch_by_shape(samples: Sequence[Sample]) -> list[Sample]:
    """Stack samples of equal shape: volumes differ in columns, and tensors of one batch cannot."""
    groups: dict[tuple[torch.Size, torch.Size], list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.kspace.shape, sample.target.shape), []).append(sample)
    return [Sample(*map(torch.stack, zip(*group, strict=True))) for group in groups.values()]


@dataclass(frozen=True)
class MaskSettings:
    """How training masks are drawn."""

    mask_type: str
    acceleration: int
    centre_fraction: float


class SliceDataset(Dataset[Sample]):
    """`length` samples drawn from the slices of `volumes`; sample i is the same whoever asks for it, and when.

    Each pass over the slices is in a new random order; stored targets are compared with k-space in the first. With
    `augmentation` None the masks are seeded by the slice, so that the samples are fixed: for holdout volumes.
    """

    def __init__(
        self,
        volumes: Sequence[Volume],
        mask: MaskSettings,
        seed: int,
        length: int | None = None,
        augmentation: AugmentationSettings | None = None,
    ) -> None:
        self.slices = [(volume, number) for volume in volumes for number in range(volume.slices)]
        self.maxima = {volume.path: volume_maximum(volume) for volume in volumes}
        self.mask = mask
        self.seed = seed
        self.length = len(self.slices) if length is None else length
        self.augmentation = augmentation

    def __len__(self) -> int:
        return self.length

    def _slice_of(self, number: int) -> tuple[Volume, int]:
        round_number, position = divmod(number, len(self.slices))
        if self.augmentation is None:
            return self.slices[position]
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "order", round_number))
        return self.slices[int(torch.randperm(len(self.slices), generator=generator)[position])]

    def __getitem__(self, number: int) -> Sample:
        volume, slice_number = self._slice_of(number)
        stored = read_kspace(volume, slice_number)
        kspace = torch.from_numpy(stored)
        if self.augmentation is not None and self.augmentation.active:
            seed = derive_seed(self.seed, "augmentation", number)
            kspace = fft2c(augment(ifft2c(kspace), volume.crop, self.augmentation, seed))
            target = rss_reconstruction(kspace, volume.crop)
        elif number < len(self.slices):
            target = torch.from_numpy(checked_target(volume, slice_number, stored))
        else:
            target = torch.from_numpy(read_target(volume, slice_number))
        try:
            mask = make_mask(
                volume.columns,
                self.mask.acceleration,
                self.mask.centre_fraction,
                self.mask.mask_type,
                derive_seed(self.seed, "mask", number),
                volume.padding,
            )
        except ValueError as error:
            raise InputError(f"{volume.path}: no {self.mask.acceleration}x mask: {error}.") from error
        return Sample(
            kspace=kspace * mask.columns,
            mask=mask.columns,
            num_low_frequencies=torch.tensor(mask.num_low_frequencies),
            target=target,
            maximum=torch.tensor(self.maxima[volume.path], dtype=torch.float32),
        )
