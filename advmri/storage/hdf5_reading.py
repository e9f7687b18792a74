"""Open HDF5 files for reading, without a lock.

HDF5 locks every file that it opens. A reader needs none: files are renamed into place when complete, and checksums
tell. Network file systems often have no locks, and a file that another program holds could not be read at all.
"""

from pathlib import Path

import h5py

OPEN_WITH_A_LOCK = "file locking flag values don't match"
"""HDF5's words where this process has the file open already, as `h5py.File(path)` opens it."""


def open_hdf5(path: Path) -> h5py.File:
    """Open a file for reading; raises what h5py raises (see `advmri.storage.access`)."""
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        if OPEN_WITH_A_LOCK not in str(error):
            raise
    return h5py.File(path, "r")
