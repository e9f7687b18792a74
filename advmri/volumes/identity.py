"""Whether a volume is the one that its index was made from, without reading all of it again.

The index has the SHA-256 of the whole file, computed once, its size, and one SHA-256 for the k-space of every annotated
slice. A job that reads a few slices compares the size and those slices. A change that keeps the size and lies in other
slices, or in what the index has of the volume already, is not seen here: it changes no result; the verification of an
attack file, and the trace of a number, read the whole file and see it.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from advmri.errors import InputError
from advmri.storage.hdf5_digest import array_digest
from advmri.volumes.index import VolumeIndex


def check_volume_size(index: VolumeIndex, path: Path) -> None:
    """Raise InputError where a volume's file is not as long as that of the index."""
    size = path.stat().st_size
    if size != index.data_bytes:
        raise InputError(f"{path}: {size} bytes, but its index was made from {index.data_bytes}; {_remedy(index)}")


def check_indexed_slice(index: VolumeIndex, number: int, kspace: NDArray[np.complex64], path: Path) -> None:
    """Raise InputError where the k-space [C, H, W] of an annotated slice is not that of the index."""
    if array_digest(kspace) != index.annotated[number].kspace_sha256:
        raise InputError(f"{path}: slice {number} is not the one that its index was made from; {_remedy(index)}")


def _remedy(index: VolumeIndex) -> str:
    return (
        f"give the volume of the index {index.volume}, or, where you have replaced the volume, delete its index and"
        " start the run again."
    )
