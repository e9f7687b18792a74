"""The sampling mask of one volume as a file (HDF5): masks are shared by all models, attacks and severities."""

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from advmri.storage.guarded_file import new_hdf5_file
from advmri.storage.hdf5_digest import DIGEST, check_digest, content_digest, open_own_file
from advmri.storage.layout import MASK, check_name, names_in


def seed_of(volume: str) -> str:
    """Return what a volume's masks are seeded with, as an expression."""
    return f"tuple(map(ord, {volume + '.h5'!r}))"


def write_mask_file(
    path: Path, columns: NDArray[np.bool_], num_low_frequencies: int, acceleration: int, seed: str
) -> None:
    """Write `mask` bool [W] and its facts as attributes."""
    with new_hdf5_file(path) as file:
        file["mask"] = columns
        file.attrs["num_low_frequencies"] = num_low_frequencies
        file.attrs["acceleration"] = acceleration
        file.attrs["realised_acceleration"] = columns.size / int(columns.sum())
        file.attrs["seed"] = seed
        file.attrs[DIGEST] = content_digest(file)


def read_mask_file(path: Path) -> tuple[NDArray[np.bool_], int]:
    """Return the measured columns bool [W] and the number of fully sampled central columns.

    Raises:
        DamagedFileError: where it is not what its checksum says.
        InputError: where it is another volume's or acceleration's than its name says.
    """
    with open_own_file(path) as file:
        check_digest(file, lambda: content_digest(file), path, "the mask")
        _check_name(path, file)
        return file["mask"][()].astype(bool), int(file.attrs["num_low_frequencies"])


def _check_name(path: Path, file: h5py.File) -> None:
    named, facts = names_in(path, MASK), {"acceleration": str(file.attrs["acceleration"])}
    if named and file.attrs["seed"] != seed_of(named["volume"]):
        facts["volume"] = f"seeded with {file.attrs['seed']}"
    check_name(path, MASK, facts)
