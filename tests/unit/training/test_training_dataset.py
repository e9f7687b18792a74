"""Training samples: number i is the same whoever asks for it and when; every slice once per pass."""

import h5py
import numpy as np
import pytest
import torch
from support import write_small_volume

from advmri.acquisition.kspace import rss_reconstruction
from advmri.errors import InputError
from advmri.training.dataset import MaskSettings, SliceDataset, batch_by_shape
from advmri.training.settings import AugmentationSettings
from advmri.volumes.reading import read_kspace, read_target, read_volume

MASK = MaskSettings("random", 4, 0.16)
MOVING = AugmentationSettings(flip=True, rotate_degrees=10, scale=0.1, shift=0.05)


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("volumes")
    for number in range(2):
        write_small_volume(folder / f"v{number}.h5", seed=number, slices=3)
    return [read_volume(path) for path in sorted(folder.glob("*.h5"))]


def dataset(volumes, seed=1, length=24, augmentation=MOVING):
    return SliceDataset(volumes, MASK, seed, length, augmentation)


def same(first, second):
    return all(torch.equal(one, two) for one, two in zip(first, second, strict=True))


def test_samples_do_not_depend_on_the_order_of_access(volumes):
    forwards = dataset(volumes)
    samples = [forwards[number] for number in range(24)]
    backwards = dataset(volumes)
    for number in reversed(range(24)):
        assert same(backwards[number], samples[number])
        torch.manual_seed(number)
        np.random.default_rng(number)


def test_length_and_seed_change_no_other_sample(volumes):
    assert same(dataset(volumes, length=100)[7], dataset(volumes, length=8)[7])
    assert not same(dataset(volumes, seed=2)[7], dataset(volumes)[7])


def test_every_slice_once_per_pass_in_new_order(volumes):
    chosen = dataset(volumes)
    passes = [
        [(volume.path.stem, number) for volume, number in map(chosen._slice_of, range(first, first + 6))]
        for first in (0, 6, 12)
    ]
    everything = [(f"v{volume}", number) for volume in range(2) for number in range(3)]
    assert all(sorted(one) == everything for one in passes)
    assert passes[0] != passes[1] or passes[1] != passes[2]


def test_without_augmentation_the_data_are_as_stored(volumes):
    chosen = dataset(volumes, augmentation=AugmentationSettings())
    for number in range(6):
        volume, slice_number = chosen._slice_of(number)
        sample = chosen[number]
        kspace = torch.from_numpy(read_kspace(volume, slice_number))
        assert torch.equal(sample.kspace, kspace * sample.mask)
        assert torch.equal(sample.target, torch.from_numpy(read_target(volume, slice_number)))
        assert float(sample.maximum) == pytest.approx(volume.maximum)
        assert sample.maximum.dtype == sample.target.dtype == torch.float32


def test_augmented_target_is_that_of_the_augmented_kspace(volumes):
    """The measured columns and the target belong to the same moved patient."""
    fully_sampled = SliceDataset(volumes, MaskSettings("random", 1, 0.16), 1, 4, MOVING)
    sample = fully_sampled[2]
    assert sample.mask.all()
    torch.testing.assert_close(rss_reconstruction(sample.kspace, (24, 24)), sample.target, rtol=1e-4, atol=1e-9)


def test_masks_are_new_for_each_sample_but_fixed_for_holdout(volumes):
    training = dataset(volumes)
    masks = {tuple(training[number].mask.tolist()) for number in range(24)}
    assert len(masks) > 15
    holdout = SliceDataset(volumes, MASK, 1)
    assert len(holdout) == 6
    assert same(holdout[4], SliceDataset(volumes, MASK, 1)[4])
    assert [number for _, number in map(holdout._slice_of, range(6))] == [0, 1, 2, 0, 1, 2]


def test_batches_hold_every_sample_once_by_shape(tmp_path):
    for number, columns in enumerate((32, 40)):
        write_small_volume(tmp_path / f"v{number}.h5", seed=number, slices=2, columns=columns)
    mixed = SliceDataset([read_volume(path) for path in sorted(tmp_path.glob("*.h5"))], MASK, 1)
    samples = [mixed[number] for number in (2, 0, 3, 1)]
    wide, narrow = batch_by_shape(samples)
    assert wide.kspace.shape == (2, 3, 48, 40) and narrow.kspace.shape == (2, 3, 48, 32)
    assert same([values[1] for values in wide], samples[2]) and same([values[0] for values in narrow], samples[1])


def spoiled(tmp_path, position, value):
    """A volume of two slices with some of its k-space replaced, and without images."""
    write_small_volume(tmp_path / "v.h5", slices=2)
    with h5py.File(tmp_path / "v.h5", "a") as file:
        file["kspace"][position] = value
        del file["reconstruction_rss"]
    return read_volume(tmp_path / "v.h5")


def test_a_dead_coil_makes_a_smaller_sample_and_a_batch_of_its_own(tmp_path):
    samples = dataset([spoiled(tmp_path, (1, 2), 0)], length=4, augmentation=None)
    found = [samples[number] for number in range(4)]
    assert [sample.kspace.shape[0] for sample in found] == [3, 2, 3, 2]
    assert all(torch.isfinite(torch.view_as_real(sample.kspace)).all() for sample in found)
    assert sorted(tuple(batch.kspace.shape[:2]) for batch in batch_by_shape(found)) == [(2, 2), (2, 3)]


@pytest.mark.parametrize("value", [0, np.nan])
def test_an_unusable_slice_stops_the_training_with_its_name(tmp_path, value):
    samples = dataset([spoiled(tmp_path, 1, value)], length=2, augmentation=None)
    assert samples[0].kspace.isfinite().all()
    with pytest.raises(InputError, match=r"v\.h5: slice 1"):
        samples[1]
