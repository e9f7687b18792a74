"""The batches of a training, shared among devices: the same samples in each, whatever the number of devices."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, Dataset

from advmri.errors import InputError
from advmri.training.dataset import Sample, batch_by_shape


@dataclass(frozen=True)
class BatchSharing:
    """How a batch of one optimiser step is cut: `devices` processes times `passes` times `slices_per_pass` slices."""

    devices: int
    passes: int
    slices_per_pass: int

    @property
    def batch_size(self) -> int:
        """Slices per optimiser step, over all devices."""
        return self.devices * self.passes * self.slices_per_pass


def share_batch(batch_size: int, devices: int, slices_per_device: int | None) -> BatchSharing:
    """Cut a batch evenly, into the fewest passes of at most `slices_per_device` slices (none: as many as there are).

    Raises:
        InputError: where the devices cannot get equal shares.
    """
    share, rest = divmod(batch_size, devices)
    if rest or share == 0:
        raise InputError(
            f"training.batch_size = {batch_size} cannot be shared evenly among {devices} devices"
            " (compute.devices x compute.nodes); choose a multiple."
        )
    limit = min(share, slices_per_device or share)
    slices_per_pass = max(size for size in range(1, limit + 1) if share % size == 0)
    return BatchSharing(devices, share // slices_per_pass, slices_per_pass)


class Batches:
    """The forward passes of one device in order, from optimiser step `first_step` on; the length is that of all.

    Lightning does not wind a loader forward when it resumes: without `first_step` a resumed run would see the first
    samples again. Step s takes the samples s * batch_size and following, so the weights agree, to rounding, for any
    number of devices.
    """

    def __init__(
        self, dataset: Dataset[Sample], steps: int, sharing: BatchSharing, workers: int, first_step: int = 0
    ) -> None:
        self.dataset, self.steps, self.sharing = dataset, steps, sharing
        self.workers, self.first_step = workers, first_step

    def __len__(self) -> int:
        return self.steps * self.sharing.passes

    def sample_numbers(self, device: int) -> Iterator[list[int]]:
        """Yield the samples of each pass of a device, numbered over all nodes."""
        size = self.sharing.slices_per_pass
        for number in range(self.first_step * self.sharing.passes, len(self)):
            first = (number * self.sharing.devices + device) * size
            yield list(range(first, first + size))

    def __iter__(self) -> Iterator[list[Sample]]:
        device = torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
        sampler = _Numbers(self, device)
        return iter(
            DataLoader(
                self.dataset,
                batch_sampler=sampler,
                num_workers=self.workers,
                collate_fn=batch_by_shape,
                pin_memory=torch.cuda.is_available(),
            )
        )


@dataclass(frozen=True)
class _Numbers:
    """One device's samples, as a data loader asks for them: again from the start with every iteration."""

    batches: Batches
    device: int

    def __iter__(self) -> Iterator[list[int]]:
        return self.batches.sample_numbers(self.device)
