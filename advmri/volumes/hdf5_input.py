"""Open HDF5 files that come from elsewhere: nothing outside the file is ever read.

HDF5 can point to other files by external links, external storage and virtual datasets. A volume that came from
somewhere else could so name any file that the user may read, and its content would end up in the results.
"""

from pathlib import Path
from shlex import quote

import h5py

from advmri.errors import InputError
from advmri.storage.access import no_access
from advmri.storage.file_kind import MAY_BE_LEFT, file_kind
from advmri.storage.hdf5_digest import UNREADABLE
from advmri.storage.hdf5_reading import open_hdf5
from advmri.volumes.hdf5_filters import check_filters

NAMED = 6
"""Items of a file that a message names."""


def open_input(path: Path) -> h5py.File:
    """Open `path` for reading.

    Raises:
        InputError: where there is no readable HDF5 file.
        NoAccessError: where locks, permissions or the disk keep it from being read.
    """
    try:
        return open_hdf5(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such volume; check dataset.root in the config.") from error
    except OSError as error:
        if unread := no_access(path, error):
            raise unread from error
        if (kind := file_kind(path)) not in MAY_BE_LEFT:
            raise InputError(f"{path}: {kind}, not a volume (HDF5); check dataset.root in the config.") from error
        raise InputError(
            f"{path}: not a readable HDF5 file ({error}); restore it, or, where the workflow made it, delete it"
            f" (rm {quote(str(path))}) and start the same command again."
        ) from error


def dataset_in_file(file: h5py.File, name: str) -> h5py.Dataset | None:
    """Return a dataset of the root group, None where there is none.

    Raises:
        InputError: where it is a link, its data lie in another file, or a filter that it needs is not installed.
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
    check_filters(item, Path(file.filename))
    return item


def _told(name: str, file: h5py.File) -> str:
    """Return an item of the root group in words; links are not followed."""
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        return f"{name!r} (link)"
    item = file[name]
    if isinstance(item, h5py.Dataset):
        return f"{name!r} {item.dtype} {item.shape}"
    return f"group {name!r} ({', '.join(map(repr, list(item)[:NAMED])) or 'empty'})"


def found_instead(file: h5py.File) -> str:
    """Return what a file's root group holds, for a message about what it lacks."""
    try:
        names = list(file)
        told = [_told(name, file) for name in names[:NAMED]]
    except UNREADABLE:
        return "what it holds cannot be read"
    return f"it holds {', '.join(told) or 'nothing'}{', ...' * (len(names) > NAMED)}"
