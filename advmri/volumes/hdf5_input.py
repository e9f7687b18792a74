"""Open HDF5 files that come from elsewhere: nothing outside the file is ever read.

HDF5 can point to other files by external links, external storage and virtual datasets. A volume that came from
somewhere else could so name any file that the user may read, and its content would end up in the results.
"""

from pathlib import Path
from shlex import quote

import h5py

from advmri.errors import InputError


def open_input(path: Path) -> h5py.File:
    """Open `path` for reading; raises InputError where there is no readable HDF5 file."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such volume; check dataset.root in the config.")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InputError(
            f"{path}: not a readable HDF5 file ({error}); restore it, or, where the workflow made it, delete it"
            f" (rm {quote(str(path))}) and start the same command again."
        ) from error


def dataset_in_file(file: h5py.File, name: str) -> h5py.Dataset | None:
    """Return a dataset of the root group, None where there is none.

    Raises:
        InputError: where it is a link, or its data lie in another file.
    """
    try:
        link = file.get(name, getlink=True)
    except KeyError:
        return None
    if link is None:
        return None
    if not isinstance(link, h5py.HardLink):
        raise InputError(f"{file.filename}: '{name}' is a link, which is not followed; store the data in the file.")
    item = file[name]
    if not isinstance(item, h5py.Dataset):
        return None
    if item.external or item.is_virtual:
        raise InputError(
            f"{file.filename}: the data of '{name}' lie in another file, which is not read; store them in the file."
        )
    return item
