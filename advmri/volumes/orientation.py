"""Which way up a volume's images are stored: figures show them as readers of the scan would see them."""

import re

import h5py
import numpy as np

FLIP_UP_DOWN = "flip_up_down"
"""Attribute of a volume's file: whether its rows run from the bottom."""
FASTMRI_NAME = re.compile(r"file(\d{7}|_(brain|prostate)_.+)")
"""Names of fastMRI's volumes: file1000001, file_brain_AXT2_200_2000019."""
FASTMRI_ACQUISITION = re.compile(r"COR[A-Z]+_FBK")
"""Names of the contrasts of fastMRI's knees."""


def runs_from_the_bottom(file: h5py.File, name: str, acquisition: str) -> bool:
    """Return whether a volume's rows run from the bottom: as its file says, else as fastMRI's own do.

    Args:
        file: open for reading.
        name: of the volume; with its contrast it tells whether this is one of fastMRI's.
        acquisition: the contrast.
    """
    said = np.asarray(file.attrs.get(FLIP_UP_DOWN, ""))
    if said.size == 1 and said.dtype.kind in "biu":
        return bool(said.item())
    return bool(FASTMRI_NAME.fullmatch(name) or FASTMRI_ACQUISITION.fullmatch(acquisition))
