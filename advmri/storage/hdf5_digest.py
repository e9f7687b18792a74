"""SHA-256 over what an HDF5 file holds, stored in the file as the attribute `content_sha256`.

Over names, attributes and values, not over bytes: a file that was repacked is still the same. HDF5's own checksum
(Fletcher-32) guards chunks alone, not attributes, shapes or links.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from advmri.errors import InputError, damaged
from advmri.storage.access import no_access, unreadable
from advmri.storage.file_kind import MAY_BE_LEFT, file_kind
from advmri.storage.hdf5_reading import open_hdf5

DIGEST = "content_sha256"
UNREADABLE = (
    *(OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError),
    *(MemoryError, OverflowError, SystemError),
)
"""What h5py raises where a file's structure is damaged, depending on the place."""


def _always(item: h5py.Dataset) -> bool:
    return True


def _described(
    item: h5py.Group | h5py.Dataset, with_values: Callable[[h5py.Dataset], bool] = _always
) -> Iterator[bytes]:
    for key in sorted(item.attrs):
        if key != DIGEST:
            yield f"{item.name}@{key}={np.asarray(item.attrs[key]).tolist()!r}".encode()
    if isinstance(item, h5py.Dataset):
        yield f"{item.name} {item.dtype} {item.shape}".encode()
        if with_values(item):
            yield np.ascontiguousarray(item[()]).tobytes()


def _sha256(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part + b"\0")
    return digest.hexdigest()


def content_digest(group: h5py.Group, with_values: Callable[[h5py.Dataset], bool] = _always) -> str:
    """Return the SHA-256 over names, attributes and values of a group and all it holds, whatever their storage.

    Args:
        group: or the file.
        with_values: says of which datasets the values count; of all others name, type, shape and attributes.
    """
    items = [group]
    group.visititems(lambda _, item: items.append(item))
    ordered = sorted(items, key=lambda one: one.name)
    return _sha256(part for item in ordered for part in _described(item, with_values))


def attributes_digest(file: h5py.File) -> str:
    """Return the SHA-256 over the attributes of the file itself."""
    return _sha256(_described(file))


def array_digest(values: NDArray[Any]) -> str:
    """Return the SHA-256 over an array's values."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def open_own_file(path: Path) -> h5py.File:
    """Open a file that this project wrote, for reading.

    Raises:
        DamagedFileError: where HDF5 cannot open it, or it holds what this project never writes: links, and data that
            lie in another file, which no checksum counts.
        NoAccessError: where locks, permissions or the disk keep it from being read.
        InputError: where it is a file of another kind.
    """
    try:
        file = open_hdf5(path)
        elsewhere = _points_elsewhere(file)
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file; start the run again, which makes it.") from error
    except UNREADABLE as error:
        if unread := no_access(path, error):
            raise unread from error
        if (kind := file_kind(path)) not in MAY_BE_LEFT:
            raise InputError(f"{path}: {kind}, not an HDF5 file of a run.") from error
        raise damaged(path, f"HDF5 cannot open it ({error})") from error
    if elsewhere is not None:
        file.close()
        raise damaged(path, f"{elsewhere} is a link, or lies in another file")
    return file


def _points_elsewhere(file: h5py.File) -> str | None:
    """Return the name of an item that is not in the file under this name; None where all are."""

    def is_link(name: str, link: h5py.HardLink | h5py.SoftLink | h5py.ExternalLink) -> str | None:
        return None if isinstance(link, h5py.HardLink) else name

    def lies_elsewhere(name: str, item: h5py.Group | h5py.Dataset) -> str | None:
        return name if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual) else None

    found: str | None = file.visititems_links(is_link) or file.visititems(lies_elsewhere)
    return found


def check_digest(item: h5py.Group | h5py.Dataset, digest: Callable[[], str], path: Path, what: str) -> None:
    """Compare the stored digest of an item with what it holds now.

    Args:
        item: carries the attribute `content_sha256`.
        digest: computes what it should be.
        path: of the file, for the message.
        what: the item in words.

    Raises:
        DamagedFileError: where they differ, or the item cannot be read.
    """
    try:
        same = item.attrs.get(DIGEST) == digest()
    except UNREADABLE as error:
        raise unreadable(path, what, error) from error
    if not same:
        raise damaged(path, f"{what} is not what its checksum says")
