"""Read and write multi-coil volumes in fastMRI's HDF5 layout, one slice at a time."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import h5py
import numpy as np
from numpy.typing import NDArray

from advmri.errors import InputError
from advmri.ismrmrd_header import encode_header


@dataclass(frozen=True)
class Volume:
    """What a volume's file says about itself, without its samples.

    Attributes:
        slices, coils, rows, columns: shape of `kspace` [slices, coils, rows = readout, columns = phase encoding].
        crop: (h, w) of the reconstruction.
        padding: columns [left, right) that were acquired; those outside are zero-filled.
        acquisition: fastMRI's name of the contrast, for instance CORPD_FBK.
        patient: identifier of the patient, the volume's name where the file has none.
        maximum: largest value of the fully sampled RSS volume, or None where it has to be computed.
    """

    path: Path
    slices: int
    coils: int
    rows: int
    columns: int
    crop: tuple[int, int]
    padding: tuple[int, int]
    acquisition: str
    patient: str
    maximum: float | None


def _open(path: Path) -> h5py.File:
    if not path.is_file():
        raise InputError(f"{path}: there is no such volume; check dataset.root in the config.")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path}: not a readable HDF5 file ({error}); restore or remove it.") from error


def _integer(header: ElementTree.Element, path: Path, *tags: str) -> int:
    node: ElementTree.Element | None = header
    for tag in tags:
        node = node.find(f"{{*}}{tag}") if node is not None else None
    if node is None or not (node.text or "").strip().isdecimal():
        raise InputError(
            f"{path}: the ISMRMRD header has no number at {'/'.join(tags)}; the volume is not in fastMRI's format."
        )
    assert node.text is not None
    return int(node.text)


def _read_header(file: h5py.File, path: Path) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the reconstruction size and the acquired columns, as fastmri/data/mri_data.py:347-371 reads them."""
    if "ismrmrd_header" not in file:
        raise InputError(f"{path}: there is no dataset 'ismrmrd_header'; the volume is not in fastMRI's format.")
    try:
        header = ElementTree.fromstring(file["ismrmrd_header"][()])
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: the ISMRMRD header is not valid XML ({error}).") from error
    crop = tuple(_integer(header, path, "encoding", "reconSpace", "matrixSize", axis) for axis in "xy")
    encoded_columns = _integer(header, path, "encoding", "encodedSpace", "matrixSize", "y")
    limits = ("encoding", "encodingLimits", "kspace_encoding_step_1")
    left = encoded_columns // 2 - _integer(header, path, *limits, "center")
    right = left + _integer(header, path, *limits, "maximum") + 1
    return (crop[0], crop[1]), (left, right)


def read_volume(path: Path) -> Volume:
    """Read the shape, geometry and attributes of the volume at `path`; raises InputError where they are unusable."""
    with _open(path) as file:
        if "kspace" not in file or file["kspace"].ndim != 4:
            raise InputError(f"{path}: there is no dataset 'kspace' of shape [slices, coils, rows, columns].")
        slices, coils, rows, columns = file["kspace"].shape
        crop, (left, right) = _read_header(file, path)
        if "reconstruction_rss" in file:
            crop = tuple(file["reconstruction_rss"].shape[-2:])
        if crop[0] > rows or crop[1] > columns:
            raise InputError(f"{path}: its reconstruction size {crop} is larger than its k-space {(rows, columns)}.")
        maximum = file.attrs.get("max")
        return Volume(
            path=path,
            slices=slices,
            coils=coils,
            rows=rows,
            columns=columns,
            crop=crop,
            padding=(max(left, 0), min(right, columns)),
            acquisition=str(file.attrs.get("acquisition", "unknown")),
            patient=str(file.attrs.get("patient_id", path.stem)),
            maximum=None if maximum is None else float(maximum),
        )


def read_kspace(volume: Volume, slice_number: int) -> NDArray[np.complex64]:
    """Read one slice's k-space [C, H, W]; raises InputError where it is truncated, not finite or a coil is zero."""
    with _open(volume.path) as file:
        try:
            kspace = file["kspace"][slice_number].astype(np.complex64, copy=False)
        except OSError as error:
            raise InputError(
                f"{volume.path}: slice {slice_number} cannot be read ({error}); restore the file."
            ) from error
    if not np.isfinite(kspace).all():
        raise InputError(f"{volume.path}: slice {slice_number} holds values that are not finite.")
    if not kspace.any():
        raise InputError(f"{volume.path}: slice {slice_number} is zero everywhere.")
    dead = np.flatnonzero(~kspace.any(axis=(-2, -1)))
    if dead.size:
        raise InputError(
            f"{volume.path}: slice {slice_number}: coil(s) {', '.join(map(str, dead))} of {volume.coils} are zero"
            " everywhere, which networks turn into NaN; remove them from the volume, or the volume."
        )
    return kspace


def rss_image(kspace: NDArray[np.complex64], crop: tuple[int, int]) -> NDArray[np.float32]:
    """Reconstruct fully sampled k-space [..., C, H, W] to its cropped RSS magnitude [..., h, w]; paper, eq. (1)-(3)."""
    axes = (-2, -1)
    images = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace, axes=axes), norm="ortho"), axes=axes)
    top, left = ((images.shape[axis] - size) // 2 for axis, size in zip(axes, crop, strict=True))
    images = images[..., top : top + crop[0], left : left + crop[1]]
    return np.sqrt((np.abs(images) ** 2).sum(axis=-3)).astype(np.float32)


def read_target(volume: Volume, slice_number: int) -> NDArray[np.float32]:
    """Return the fully sampled RSS [h, w] of one slice: the stored one, or computed where the file has none."""
    with _open(volume.path) as file:
        if "reconstruction_rss" in file:
            return file["reconstruction_rss"][slice_number].astype(np.float32, copy=False)
    return rss_image(read_kspace(volume, slice_number), volume.crop)


def volume_maximum(volume: Volume) -> float:
    """Return the largest value of the fully sampled RSS volume, the data range of its SSIM and PSNR."""
    if volume.maximum is not None:
        return volume.maximum
    return max(float(read_target(volume, number).max()) for number in range(volume.slices))


def write_volume(
    path: Path,
    kspace: Iterable[NDArray[np.complex64]],
    *,
    crop: tuple[int, int],
    acquisition: str,
    patient: str,
    field_of_view_mm: tuple[float, float],
    attributes: dict[str, str | float | int] | None = None,
) -> None:
    """Write slices of fully sampled k-space, each [C, H, W], as one fastMRI volume.

    Args:
        path: where to write; the caller renames it into place.
        kspace: the slices, all of one shape.
        crop: (h, w) of `reconstruction_rss`.
        acquisition: name of the contrast.
        patient: identifier of the patient.
        field_of_view_mm: (readout, phase encoding) of the encoded space, in millimetres.
        attributes: further attributes of the file.
    """
    slices = np.stack(list(kspace))
    if slices.ndim != 4 or crop[0] > slices.shape[2] or crop[1] > slices.shape[3]:
        raise InputError(
            f"k-space {slices.shape} is not [slices, coils, rows, columns] or smaller than the crop {crop}."
        )
    target = np.stack([rss_image(one, crop) for one in slices])
    with h5py.File(path, "w") as file:
        file.create_dataset("kspace", data=slices, chunks=(1, *slices.shape[1:]))
        file.create_dataset("reconstruction_rss", data=target, chunks=(1, *crop))
        file["ismrmrd_header"] = encode_header(slices.shape[2:], crop, len(slices), slices.shape[1], field_of_view_mm)
        file.attrs["max"] = float(target.max())
        file.attrs["norm"] = float(np.linalg.norm(target))
        file.attrs["acquisition"] = acquisition
        file.attrs["patient_id"] = patient
        for key, value in (attributes or {}).items():
            file.attrs[key] = value
