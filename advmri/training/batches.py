"""The batches of a training, shared among devices: the same samples in each, whatever the number of devices."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, Dataset

from advmri.errors import InputError
from advmri.training.dataset import Sample, batch_by_shape


@dataclass(frozen=True)
class BatchSharing:
    """How the slices of one optimiser step are cut: in order, into `devices` x `passes` parts of nearly equal size."""

    batch_size: int
    devices: int
    passes: int

    @property
    def slices_per_pass(self) -> float:
        """Mean size of a part: sums of losses divided by it have the batch's mean as their mean over all parts."""
        return self.batch_size / (self.devices * self.passes)

    def part(self, number: int) -> range:
        """Return the slices of a part, counted within the step; none where there are more parts than slices."""
        parts = self.devices * self.passes
        return range(number * self.batch_size // parts, (number + 1) * self.batch_size // parts)


def share_batch(batch_size: int, devices: int, slices_per_device: int | None) -> BatchSharing:
    """Cut a batch into the fewest passes of at most `slices_per_device` slices on any device (none: all at once).

    Raises:
        InputError: where there are more devices than slices.
    """
    if devices > batch_size:
        raise InputError(
            f"training.batch_size = {batch_size} cannot be shared among {devices} devices (compute.devices x"
            " compute.nodes); use fewer devices."
        )
    limit = devices * (slices_per_device or batch_size)
    return BatchSharing(batch_size, devices, -(-batch_size // limit))


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
        for number in range(self.first_step * self.sharing.passes, len(self)):
            step, number_of_pass = divmod(number, self.sharing.passes)
            part = self.sharing.part(number_of_pass * self.sharing.devices + device)
            yield [step * self.sharing.batch_size + place for place in part]

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
