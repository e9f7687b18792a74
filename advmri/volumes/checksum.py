"""Checksums of the volumes that this project writes; fastMRI's own have none, and pass.

The datasets `kspace` and `reconstruction_rss` have an attribute `slice_sha256`: one slice can be checked without
reading the others. The file has one over all else: attributes, shapes and the header.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from advmri.errors import damaged
from advmri.storage.access import unreadable
from advmri.storage.hdf5_digest import DIGEST, UNREADABLE, array_digest, check_digest, content_digest

SLICE_DIGESTS = "slice_sha256"


def _small(dataset: h5py.Dataset) -> bool:
    return dataset.ndim == 0 and not (dataset.external or dataset.is_virtual)


def _digest_of_facts(file: h5py.File) -> str:
    return content_digest(file, _small)


def seal(file: h5py.File, slices: Mapping[str, Sequence[str]]) -> None:
    """Store the checksums of a volume that is complete; `slices` has the digest of every slice by dataset."""
    for name, digests in slices.items():
        file[name].attrs[SLICE_DIGESTS] = np.array(digests, "S64")
    file.attrs[DIGEST] = _digest_of_facts(file)


def check_facts(file: h5py.File, path: Path) -> None:
    """Check all but the slices; raises DamagedFileError."""
    try:
        sealed = DIGEST in file.attrs
    except UNREADABLE as error:
        raise unreadable(path, "what it says of itself", error) from error
    if sealed:
        check_digest(file, lambda: _digest_of_facts(file), path, "what it says of itself")


def has_slice_digests(dataset: h5py.Dataset) -> bool:
    """Whether slices of a dataset can be checked."""
    return SLICE_DIGESTS in dataset.attrs


def check_slice(dataset: h5py.Dataset, number: int, values: NDArray[Any], path: Path) -> None:
    """Compare a slice with its checksum; raises DamagedFileError."""
    if dataset.attrs[SLICE_DIGESTS][number].decode() != array_digest(values):
        raise damaged(path, f"slice {number} of {dataset.name.strip('/')} is not what its checksum says")
