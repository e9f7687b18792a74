"""Filters read from the header alone are those that h5py finds, in files of every format version."""

import h5py
import numpy as np
import pytest
from support import BLOSC, compress, write_small_volume

from advmri.volumes.folder import unusual_filters
from advmri.volumes.hdf5_pipeline import dataset_filters

NAMES = ("kspace", "reconstruction_rss")
VERSIONS = ["earliest", "v108", "v110", "v112", "latest"]
OPTIONS = [
    {},
    {"compression": "gzip"},
    {"compression": "lzf", "shuffle": True, "fletcher32": True},
    {"scaleoffset": 3, "dtype": "i4"},
]


def by_header(path, start=0):
    with path.open("rb") as file:
        return dataset_filters(file.fileno(), start, NAMES)


def by_h5py(path):
    found = set()
    with h5py.File(path) as file:
        for name in set(NAMES) & set(file):
            created = file[name].id.get_create_plist()
            found |= {created.get_filter(place)[0] for place in range(created.get_nfilters())}
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("block", [0, 512])
def test_every_version_and_filter(tmp_path, version, options, block):
    path = tmp_path / "v.h5"
    with h5py.File(path, "w", libver=version, userblock_size=block) as file:
        file.attrs.update({f"attribute_{number}": "x" * 200 for number in range(5)})
        for name in ("ismrmrd_header", *NAMES):
            data = np.arange(600).reshape(2, 15, 20)
            item = file.create_dataset(name, data=data, chunks=(1, 15, 20), **options)
            # Messages that no longer fit into the header continue elsewhere.
            item.attrs.update({f"attribute_{number}": "y" * 100 for number in range(6)})
    assert by_header(path, block) == by_h5py(path)
    assert not unusual_filters(path)


@pytest.mark.parametrize("name", NAMES)
def test_filters_that_are_not_installed(tmp_path, name):
    write_small_volume(tmp_path / "v.h5")
    assert not unusual_filters(tmp_path / "v.h5")
    compress(tmp_path / "v.h5", name, BLOSC)
    assert unusual_filters(tmp_path / "v.h5") == {BLOSC}


def test_many_datasets(tmp_path):
    with h5py.File(tmp_path / "v.h5", "w") as file:
        for number in range(100):
            file[f"other_{number}"] = [number]
        file.create_dataset("kspace", data=np.ones(4), chunks=(2,), compression="gzip", shuffle=True)
    assert by_header(tmp_path / "v.h5") == {1, 2}


def test_damage_raises_nothing(tmp_path, rng):
    """It is for `file_problem` and the job to name."""
    write_small_volume(tmp_path / "v.h5")
    content = bytearray(compress(tmp_path / "v.h5", "kspace", BLOSC).read_bytes())
    for _ in range(300):
        place = int(rng.integers(8, 4000))
        (tmp_path / "w.h5").write_bytes(content[:place] + rng.bytes(8) + content[place + 8 :])
        unusual_filters(tmp_path / "w.h5")
    for length in (0, 7, 20, 100, 900):
        (tmp_path / "w.h5").write_bytes(content[:length])
        assert unusual_filters(tmp_path / "w.h5") <= {BLOSC}
    assert not unusual_filters(tmp_path / "nothing.h5")
