"""A compression filter that is not installed stops with its number and package; nothing is taken for damaged."""

import os
import shutil
import subprocess
import sys
from types import ModuleType

import h5py
import numpy as np
import pytest
from support import BLOSC, ROOT, compress, run_program, write_csv, write_small_volume

from advmri.errors import InputError, UnusableSliceError
from advmri.volumes import hdf5_filters
from advmri.volumes.reading import read_kspace, read_volume
from workflow_scripts import index_volume


@pytest.fixture
def without_plugins(monkeypatch):
    """An environment in which the package is not installed."""
    monkeypatch.setitem(sys.modules, hdf5_filters.PLUGINS, None)
    if h5py.h5z.filter_avail(BLOSC):
        pytest.skip("this HDF5 has blosc already")


@pytest.mark.parametrize("name", ["kspace", "reconstruction_rss"])
def test_a_missing_filter_is_named_with_its_package(tmp_path, without_plugins, name):
    write_small_volume(tmp_path / "v.h5")
    compress(tmp_path / "v.h5", name, BLOSC)
    with pytest.raises(InputError) as caught:
        read_volume(tmp_path / "v.h5")
    assert not isinstance(caught.value, UnusableSliceError)
    message = str(caught.value)
    assert f"v.h5: '{name}' is compressed with HDF5 filter {BLOSC} (blosc), which is not installed" in message
    assert "pip install hdf5plugin" in message and "restore" not in message


def test_a_filter_that_nobody_knows(tmp_path, without_plugins):
    write_small_volume(tmp_path / "v.h5")
    with pytest.raises(InputError, match=r"HDF5 filter 40000 \(name unknown\).*HDF5_PLUGIN_PATH"):
        read_volume(compress(tmp_path / "v.h5", "kspace", 40000))


def test_indexing_stops_and_drops_nothing(tmp_path, without_plugins):
    write_small_volume(tmp_path / "v.h5")
    compress(tmp_path / "v.h5", "kspace", BLOSC)
    boxes = write_csv(tmp_path / "boxes.csv", [("v", 1, "No", 4, 6, 9, 8, "tear")])
    with pytest.raises(InputError, match="filter 32001"):
        run_program(index_volume, volume=tmp_path / "v.h5", annotations=boxes, output=tmp_path / "v.json")
    assert not (tmp_path / "v.json").exists()


def test_the_package_is_loaded_where_it_is_installed(tmp_path, monkeypatch):
    """Installing it is all that the advice asks for: nobody has to import it."""
    write_small_volume(tmp_path / "v.h5")
    compress(tmp_path / "v.h5", "kspace", BLOSC)
    known = []
    monkeypatch.setattr(hdf5_filters.h5py.h5z, "filter_avail", lambda number: number in known)
    package = ModuleType(hdf5_filters.PLUGINS)

    def load(name):
        assert name == hdf5_filters.PLUGINS
        known.append(BLOSC)
        return package

    monkeypatch.setattr(hdf5_filters.importlib, "import_module", load)
    assert read_volume(tmp_path / "v.h5").slices == 2


def test_the_advice_followed(tmp_path):
    """With the package of the message installed, the volume is read."""
    plugins = pytest.importorskip(hdf5_filters.PLUGINS)
    kspace = write_small_volume(tmp_path / "v.h5")
    with h5py.File(tmp_path / "v.h5", "a") as file:
        del file["kspace"]
        file.create_dataset("kspace", data=kspace, **plugins.Blosc())
    assert (read_kspace(read_volume(tmp_path / "v.h5"), 1) == kspace[1]).all()


PLUGIN = """
#include <stddef.h>
static size_t same(unsigned flags, size_t n, const unsigned *values, size_t bytes, size_t *size, void **buffer) {
  return bytes;
}
static const struct {
  int version, id;
  unsigned encoder, decoder;
  const char *name;
  void *can_apply, *set_local;
  size_t (*filter)(unsigned, size_t, const unsigned *, size_t, size_t *, void **);
} filter = {1, 40000, 1, 1, "same", NULL, NULL, same};
int H5PLget_plugin_type(void) { return 0; }
const void *H5PLget_plugin_info(void) { return &filter; }
"""
"""A filter that changes nothing, as HDF5 loads it (H5PLextern.h)."""


def test_the_folder_of_a_plugin_is_searched(tmp_path):
    """The advice for a filter that no package has."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    kspace = write_small_volume(tmp_path / "v.h5")
    compress(tmp_path / "v.h5", "kspace", 40000)
    (tmp_path / "plugins").mkdir()
    (tmp_path / "same.c").write_text(PLUGIN)
    command = [compiler, "-shared", "-fPIC", "-o", tmp_path / "plugins" / "libsame.so", tmp_path / "same.c"]
    subprocess.run(command, check=True)
    read = (
        "from advmri.volumes.reading import *; import sys; from pathlib import Path; v = read_volume(Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{read}; print(abs(read_kspace(v, 1)).sum())", tmp_path / "v.h5"],
        **{"cwd": ROOT, "env": os.environ | {"HDF5_PLUGIN_PATH": str(tmp_path / "plugins")}},
        **{"capture_output": True, "text": True, "check": True},
    )
    assert float(done.stdout) == pytest.approx(float(abs(kspace[1]).sum()))


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}, {"compression": "lzf", "shuffle": True}])
def test_filters_that_are_there(tmp_path, options):
    kspace = write_small_volume(tmp_path / "v.h5")
    with h5py.File(tmp_path / "v.h5", "a") as file:
        del file["kspace"]
        file.create_dataset("kspace", data=kspace, chunks=(1, *kspace.shape[1:]), fletcher32=True, **options)
    np.testing.assert_array_equal(read_kspace(read_volume(tmp_path / "v.h5"), 0), kspace[0])
