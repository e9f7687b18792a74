"""Stored images and maxima that do not belong to a volume's k-space are found; nothing else is."""

import h5py
import numpy as np
import pytest
from support import run_program, write_csv, write_small_volume

from advmri.errors import InputError
from advmri.volumes.consistency import check_maximum, checked_target
from advmri.volumes.reading import read_kspace, read_volume
from workflow_scripts import index_volume


def spoiled(path, change):
    """A whole volume, changed by `change(file)`."""
    write_small_volume(path, crop=(24, 20))
    with h5py.File(path, "r+") as file:
        change(file)
    return read_volume(path)


def check_targets(volume):
    for number in range(volume.slices):
        checked_target(volume, number, read_kspace(volume, number))


def nothing(file):
    """Leave the volume as it is."""


def scale_images(file):
    file["reconstruction_rss"][1] *= 1.05


def other_slice(file):
    file["reconstruction_rss"][...] = file["reconstruction_rss"][...].transpose(0, 2, 1).reshape(2, 24, 20)


def without_images(file):
    del file["reconstruction_rss"]


@pytest.mark.parametrize("change", [nothing, without_images])
def test_whole_volumes_pass(tmp_path, change):
    volume = spoiled(tmp_path / "v.h5", change)
    check_targets(volume)
    check_maximum(volume)


@pytest.mark.parametrize("change", [scale_images, other_slice])
def test_images_of_other_k_space_are_named(tmp_path, change):
    volume = spoiled(tmp_path / "v.h5", change)
    with pytest.raises(InputError, match=r"v\.h5: 'reconstruction_rss' of slice \d differs by"):
        check_targets(volume)


@pytest.mark.parametrize("factor", [0.9, 1e6])
def test_a_wrong_maximum_is_named(tmp_path, factor):
    volume = spoiled(tmp_path / "v.h5", lambda file: file.attrs.modify("max", file.attrs["max"] * factor))
    with pytest.raises(InputError, match=r"v\.h5: its attribute 'max' is"):
        check_maximum(volume)


@pytest.mark.parametrize("value", [np.nan, 0.0, -1.0, [1.0, 2.0]])
def test_a_maximum_that_is_none_is_computed(tmp_path, value):
    volume = spoiled(tmp_path / "v.h5", lambda file: file.attrs.create("max", value))
    assert volume.maximum is None
    check_maximum(volume)


def test_indexing_checks_both(tmp_path):
    write_csv(tmp_path / "boxes.csv", [("v", 1, "No", 4, 6, 9, 8, "tear")])
    options = {"volume": tmp_path / "v.h5", "annotations": tmp_path / "boxes.csv", "output": tmp_path / "v.json"}
    spoiled(tmp_path / "v.h5", scale_images)
    with pytest.raises(InputError, match="reconstruction_rss"):
        run_program(index_volume, **options)
    spoiled(tmp_path / "v.h5", lambda file: file.attrs.modify("max", 7.0))
    with pytest.raises(InputError, match="max"):
        run_program(index_volume, **options)
    assert not (tmp_path / "v.json").exists()
