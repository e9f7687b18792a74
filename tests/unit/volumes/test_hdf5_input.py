"""A volume from elsewhere cannot make a program read another file."""

import h5py
import numpy as np
import pytest
from support import write_small_volume

from advmri.errors import InputError
from advmri.volumes.folder import file_problem
from advmri.volumes.hdf5_input import open_input
from advmri.volumes.reading import read_volume

DATASETS = ("kspace", "reconstruction_rss", "ismrmrd_header")


def replace(path, name, write):
    with h5py.File(path, "a") as file:
        del file[name]
        write(file)


@pytest.fixture
def volume(tmp_path):
    """A volume, and another one that it must not lead to."""
    write_small_volume(tmp_path / "secret.h5", seed=1)
    write_small_volume(tmp_path / "given.h5")
    return tmp_path / "given.h5"


@pytest.mark.parametrize("name", DATASETS)
def test_external_links_are_not_followed(volume, name):
    replace(volume, name, lambda file: file.__setitem__(name, h5py.ExternalLink("secret.h5", f"/{name}")))
    with pytest.raises(InputError, match=rf"given\.h5: '{name}' is a link, which is not followed"):
        read_volume(volume)


@pytest.mark.parametrize("name", DATASETS)
def test_soft_links_that_lead_out_are_not_followed(volume, name):
    def write(file):
        file["out"] = h5py.ExternalLink("secret.h5", "/")
        file[name] = h5py.SoftLink(f"/out/{name}")

    replace(volume, name, write)
    with pytest.raises(InputError, match=rf"given\.h5: '{name}' is a link"):
        read_volume(volume)


def test_external_storage_is_not_read(volume):
    raw = volume.parent / "raw.bin"
    raw.write_bytes(bytes(2 * 3 * 48 * 32 * 8))

    def write(file):
        file.create_dataset("kspace", (2, 3, 48, 32), np.complex64, external=[(str(raw), 0, h5py.h5f.UNLIMITED)])

    replace(volume, "kspace", write)
    with pytest.raises(InputError, match=r"given\.h5: the data of 'kspace' lie in another file"):
        read_volume(volume)


def test_virtual_datasets_are_not_read(volume):
    def write(file):
        layout = h5py.VirtualLayout((2, 3, 48, 32), np.complex64)
        layout[:] = h5py.VirtualSource("secret.h5", "kspace", (2, 3, 48, 32))
        file.create_virtual_dataset("kspace", layout)

    replace(volume, "kspace", write)
    with pytest.raises(InputError, match=r"given\.h5: the data of 'kspace' lie in another file"):
        read_volume(volume)


def test_a_group_in_place_of_a_dataset(volume):
    replace(volume, "kspace", lambda file: file.create_group("kspace"))
    with pytest.raises(InputError, match="there is no complex dataset 'kspace'"):
        read_volume(volume)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"file,slice\n", "a text file"), (b"\x89PNG\r\n" + bytes(50), "a PNG image")],
    ids=["text", "PNG"],
)
def test_a_file_of_another_kind_is_named_and_not_called_damaged(tmp_path, content, kind):
    (tmp_path / "v.h5").write_bytes(content)
    with pytest.raises(InputError, match=rf"v\.h5: {kind}, not a volume \(HDF5\); check dataset\.root"):
        open_input(tmp_path / "v.h5")
    assert file_problem(tmp_path / "v.h5") == f"not an HDF5 file but {kind}"


def test_what_may_be_left_of_a_volume_is_unreadable(tmp_path):
    (tmp_path / "v.h5").write_bytes(bytes(5000))
    with pytest.raises(InputError, match=r"v\.h5: not a readable HDF5 file"):
        open_input(tmp_path / "v.h5")
