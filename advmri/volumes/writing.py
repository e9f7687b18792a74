"""Write multi-coil volumes in fastMRI's HDF5 layout."""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from advmri.errors import InputError
from advmri.storage.guarded_file import new_hdf5_file
from advmri.storage.hdf5_digest import array_digest
from advmri.volumes.checksum import seal
from advmri.volumes.ismrmrd_header import encode_header
from advmri.volumes.orientation import FLIP_UP_DOWN
from advmri.volumes.reading import rss_image
from advmri.volumes.sampling import written_columns


def _range(lines: tuple[int, int] | None) -> str:
    return "[{}, {})".format(*lines or (0, 0))


def write_volume(
    path: Path,
    kspace: Iterable[NDArray[np.complex64]],
    *,
    crop: tuple[int, int],
    acquisition: str,
    patient: str,
    field_of_view_mm: tuple[float, float],
    flip_up_down: bool = True,
    attributes: dict[str, str | float | int] | None = None,
) -> None:
    """Write slices of fully sampled k-space, each [C, H, W], as one fastMRI volume with checksums.

    One slice is in memory at a time. Outer columns that are zero in every slice count as not acquired; what indexing
    refuses whatever the settings is refused (`written_columns`), and so are slices with different acquired columns.

    Args:
        path: where to write; the caller renames it into place.
        kspace: the slices, all of one shape.
        crop: (h, w) of `reconstruction_rss`.
        acquisition: name of the contrast.
        patient: identifier of the patient.
        field_of_view_mm: (readout, phase encoding) of the encoded space, in millimetres.
        flip_up_down: whether its rows run from the bottom, as fastMRI's do: figures then flip its images.
        attributes: further attributes of the file.
    """
    shape: tuple[int, ...] = ()
    count, maximum, square = 0, 0.0, 0.0
    digests: dict[str, list[str]] = {"kspace": [], "reconstruction_rss": []}
    if min(crop) < 1 or not all(math.isfinite(size) and size > 0 for size in field_of_view_mm):
        raise InputError(f"a crop of {crop} pixels or a field of view of {field_of_view_mm} mm: both must be positive.")
    acquired: tuple[int, int] | None = None
    with new_hdf5_file(path) as file:
        for count, one in enumerate(kspace, start=1):
            if count == 1:
                shape = one.shape
                if len(shape) != 3 or crop[0] > shape[1] or crop[1] > shape[2]:
                    raise InputError(
                        f"a slice of k-space {shape} is not [coils, rows, columns] or smaller than the crop {crop}."
                    )
                for name, size, kind in (("kspace", shape, "complex64"), ("reconstruction_rss", crop, "float32")):
                    file.create_dataset(name, (0, *size), kind, chunks=(1, *size), maxshape=(None, *size))
            if one.shape != shape:
                raise InputError(f"slice {count - 1} has k-space {one.shape}, the slices before it {shape}.")
            columns = written_columns(f"slice {count - 1}", one)
            acquired = acquired or columns
            if columns not in (None, acquired):
                raise InputError(
                    f"slice {count - 1}: columns outside {_range(columns)} are zero in every coil, in the slices before"
                    f" those outside {_range(acquired)}: a volume has one range of acquired columns; import such slices"
                    " as a volume of their own."
                )
            target = rss_image(one, crop)
            for name, values in (("kspace", one), ("reconstruction_rss", target)):
                file[name].resize(count, axis=0)
                stored = values.astype(file[name].dtype, copy=False)
                file[name][count - 1] = stored
                digests[name].append(array_digest(stored))
            maximum = max(maximum, float(target.max()))
            square += float((target.astype(np.float64) ** 2).sum())
        if not count:
            raise InputError(f"{path}: there is no slice to write.")
        file["ismrmrd_header"] = encode_header((shape[1], shape[2]), crop, count, shape[0], field_of_view_mm, acquired)
        file.attrs["max"] = maximum
        file.attrs["norm"] = float(np.sqrt(square))
        file.attrs["acquisition"] = acquisition
        file.attrs["patient_id"] = patient
        file.attrs[FLIP_UP_DOWN] = flip_up_down
        for key, value in (attributes or {}).items():
            file.attrs[key] = value
        seal(file, digests)
