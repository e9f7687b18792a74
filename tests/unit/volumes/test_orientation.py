"""Which way up a volume's images are stored."""

import h5py
import numpy as np
import pytest
from support import write_small_volume

from advmri.volumes.reading import read_volume


def stored(path, acquisition="X", said=None):
    """Write a small volume as another program would; return what is read of it."""
    write_small_volume(path)
    with h5py.File(path, "a") as file:
        del file.attrs["flip_up_down"]
        file.attrs["acquisition"] = acquisition
        if said is not None:
            file.attrs["flip_up_down"] = said
    return read_volume(path).flip_up_down


@pytest.mark.parametrize(
    ("name", "acquisition", "flip"),
    [
        ("file1000026", "CORPDFS_FBK", True),
        ("file_brain_AXFLAIR_200_6002425", "AXFLAIR", True),
        ("file1000026", "unknown", True),
        ("renamed", "CORPD_FBK", True),
        ("knee_001", "PD", False),
        ("profile1000026", "AXT2", False),
        ("file_of_mine", "AXT2", False),
    ],
)
def test_without_the_attribute_fastmris_own_run_from_the_bottom(tmp_path, name, acquisition, flip):
    assert stored(tmp_path / f"{name}.h5", acquisition) is flip


@pytest.mark.parametrize(
    ("said", "flip"), [(True, True), (False, False), (0, False), (np.array([1]), True), ("maybe", True)]
)
def test_the_attribute_decides(tmp_path, said, flip):
    """What is no number says nothing: fastMRI's name then does."""
    assert stored(tmp_path / "file1000026.h5", said=said) is flip


def test_written_volumes_say_it(tmp_path):
    write_small_volume(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["flip_up_down"] == np.True_
    assert read_volume(tmp_path / "a.h5").flip_up_down
