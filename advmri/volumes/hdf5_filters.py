"""HDF5's compression filters: a dataset whose filter is not installed is not damaged, and nothing of it can be read."""

import importlib
from contextlib import suppress
from pathlib import Path

import h5py

from advmri.errors import InputError
from advmri.storage.hdf5_reading import open_hdf5

PLUGINS = "hdf5plugin"
"""Package on PyPI and conda-forge with the filters below; importing it makes them known to HDF5."""
IN_PLUGINS = {
    **{307: "bzip2", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle", 32013: "zfp", 32015: "zstd", 32017: "sz"},
    **{32018: "fcidecomp", 32024: "sz3", 32026: "blosc2", 32028: "sperr"},
}


def _missing(dataset: h5py.Dataset) -> list[int]:
    """Return the numbers of the dataset's filters that HDF5 does not have."""
    created = dataset.id.get_create_plist()
    numbers = [created.get_filter(place)[0] for place in range(created.get_nfilters())]
    return [number for number in numbers if not h5py.h5z.filter_avail(number)]


def check_filters(dataset: h5py.Dataset, path: Path) -> None:
    """Check that a dataset can be decompressed, with `hdf5plugin` where that is installed.

    Raises:
        InputError: naming the filters that are missing, and the package that has them.
    """
    if not _missing(dataset):
        return
    with suppress(ImportError):
        importlib.import_module(PLUGINS)
    missing = _missing(dataset)
    if not missing:
        return
    named = ", ".join(f"{number} ({IN_PLUGINS.get(number, 'name unknown')})" for number in missing)
    if all(number in IN_PLUGINS for number in missing):
        what = f"install the package that has it (pip install {PLUGINS}) and start the same command again"
    else:
        what = (
            "install the plugin of who wrote the file, name its folder in HDF5_PLUGIN_PATH and start the same command"
            " again, or store the volume uncompressed"
        )
    raise InputError(
        f"{path}: '{dataset.name.strip('/')}' is compressed with HDF5 filter {named}, which is not installed; {what}."
    )


def check_volume(path: Path) -> None:
    """Check that all datasets of a volume can be decompressed; what else may be wrong with it is for its job to say.

    Raises:
        InputError: as `check_filters`.
    """
    with suppress(OSError), open_hdf5(path) as file:
        for item in file.values():
            if isinstance(item, h5py.Dataset):
                check_filters(item, path)
