"""Read multi-coil volumes in fastMRI's HDF5 layout, one slice at a time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from advmri.errors import InputError, UnusableSliceError, damaged
from advmri.storage.access import no_access
from advmri.volumes.checksum import check_facts, check_slice, has_slice_digests
from advmri.volumes.hdf5_input import dataset_in_file, found_instead, open_input
from advmri.volumes.header_agreement import check_axes, header_cautions
from advmri.volumes.ismrmrd_header import Geometry, decode_header
from advmri.volumes.orientation import runs_from_the_bottom


@dataclass(frozen=True)
class Volume:
    """What a volume's file says about itself, without its samples.

    Attributes:
        slices, coils, rows, columns: shape of `kspace` [slices, coils, rows = readout, columns = phase encoding].
        crop: (h, w) of the reconstruction.
        padding: columns [left, right) that were acquired; those outside are zero-filled.
        acquisition: fastMRI's name of the contrast, for instance CORPD_FBK; `unknown` where the file has none.
        patient: identifier of the patient, the volume's name where the file has none or an empty one.
        maximum: largest value of the fully sampled RSS volume, or None where it has to be computed.
        flip_up_down: whether its rows run from the bottom, as those of fastMRI's volumes do.
        cautions: what the header says otherwise than the data, where nothing depends on it.
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
    flip_up_down: bool = True
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True)
class SliceKspace:
    """The usable k-space of one slice.

    Attributes:
        kspace: complex64 [C, H, W] of the coils that hold any signal or noise.
        coils: their numbers in the volume [C].
    """

    kspace: NDArray[np.complex64]
    coils: list[int]


def _text(file: h5py.File, key: str, absent: str) -> str:
    """Return an attribute as text, `absent` where the file has none or an empty one, as anonymising often leaves.

    Fixed-length strings come as bytes, some writers' as an array of one.
    """
    value = file.attrs.get(key, absent)
    if isinstance(value, np.ndarray):
        values = value.ravel().tolist()
        # Of several the list as it is: whoever wrote it tells patients apart by it.
        value = next((str(values) if len(values) > 1 else one for one in values if _plain_text(one)), "")
    return _plain_text(value) or absent


def _plain_text(value: Any) -> str:
    """Return one value of an attribute as text; empty where it says nothing, as a missing cell (NaN) of a table."""
    if isinstance(value, h5py.Empty) or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, np.void):
        value = value.tobytes()
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text.strip(" \t\r\n\0")


def _read_geometry(file: h5py.File, path: Path) -> Geometry:
    dataset = dataset_in_file(file, "ismrmrd_header")
    if dataset is None:
        raise InputError(
            f"{path}: there is no dataset 'ismrmrd_header'; {found_instead(file)}; the volume is not in fastMRI's"
            " format."
        )
    text = dataset[()]
    if isinstance(text, np.ndarray) and text.size == 1:
        text = text.item()
    if not isinstance(text, str | bytes):
        raise InputError(
            f"{path}: 'ismrmrd_header' holds no text but {dataset.dtype} {dataset.shape}; the volume is not in"
            " fastMRI's format."
        )
    try:
        return decode_header(text)
    except ValueError as error:
        raise InputError(f"{path}: {error}; the volume is not in fastMRI's format.") from error


def _positive(value: Any) -> float | None:
    """Return an attribute as a number, None where it is not finite and positive: then it has to be computed."""
    number = np.asarray(value)
    usable = number.size == 1 and number.dtype.kind in "fiu" and np.isfinite(number).all() and number.item() > 0
    return float(number.item()) if usable else None


def read_volume(path: Path) -> Volume:
    """Read the shape, geometry and attributes of the volume at `path`; raises InputError where they are unusable."""
    with open_input(path) as file:
        check_facts(file, path)
        kspace = dataset_in_file(file, "kspace")
        if kspace is None or kspace.ndim != 4 or 0 in kspace.shape or kspace.dtype.kind != "c":
            raise InputError(
                f"{path}: there is no complex dataset 'kspace' of shape [slices, coils, rows, columns];"
                f" {found_instead(file)}."
            )
        slices, coils, rows, columns = kspace.shape
        geometry = _read_geometry(file, path)
        crop, (left, right) = geometry.crop, geometry.padding
        check_axes(path, geometry, rows, columns)
        target = dataset_in_file(file, "reconstruction_rss")
        if target is not None:
            if target.ndim != 3 or len(target) != slices or target.dtype.kind != "f":
                raise InputError(
                    f"{path}: 'reconstruction_rss' {target.dtype} {target.shape} is not real [{slices} slices, rows,"
                    " columns]; make it anew, or remove it from the file."
                )
            crop = (target.shape[1], target.shape[2])
        if crop[0] > rows or crop[1] > columns:
            raise InputError(
                f"{path}: its reconstruction size {crop} is larger than its k-space {(rows, columns)};"
                " correct reconSpace in its header, or remove the volume."
            )
        padding = (max(left, 0), min(right, columns))
        if padding[0] >= padding[1] or 0 in crop:
            raise InputError(
                f"{path}: its header says that columns {left} to {right} of {columns} were acquired and that the"
                f" reconstruction has {crop} pixels; correct the header, or remove the volume."
            )
        acquisition = _text(file, "acquisition", "unknown")
        return Volume(
            path=path,
            slices=slices,
            coils=coils,
            rows=rows,
            columns=columns,
            crop=crop,
            padding=padding,
            acquisition=acquisition,
            patient=_text(file, "patient_id", path.stem),
            maximum=_positive(file.attrs.get("max")),
            flip_up_down=runs_from_the_bottom(file, path.stem, acquisition),
            cautions=header_cautions(geometry, (coils, rows, columns), crop),
        )


def _read_slice(volume: Volume, name: str, slice_number: int) -> NDArray[Any] | None:
    """Return one slice of a dataset, None where the volume has no such dataset; checked where there are checksums."""
    with open_input(volume.path) as file:
        dataset = dataset_in_file(file, name)
        if dataset is None:
            return None
        sealed = has_slice_digests(dataset)
        try:
            values = dataset[slice_number]
        except OSError as error:
            if unread := no_access(volume.path, error):
                raise unread from error
            if sealed:
                raise damaged(volume.path, f"slice {slice_number} of '{name}' cannot be read ({error})") from error
            raise UnusableSliceError(
                f"{volume.path}: slice {slice_number} cannot be read ({error}); restore the file."
            ) from error
        if sealed:
            check_slice(dataset, slice_number, values, volume.path)
    if not np.isfinite(values).all():
        raise UnusableSliceError(f"{volume.path}: slice {slice_number} of '{name}' holds values that are not finite.")
    return values


def read_slice(volume: Volume, slice_number: int) -> SliceKspace:
    """Read one slice's k-space without its dead coils.

    A coil that is zero everywhere has no part in the RSS, and fastMRI's networks turn it into NaN.

    Raises:
        UnusableSliceError: where the slice is truncated, not finite or zero everywhere.
    """
    kspace = _read_slice(volume, "kspace", slice_number)
    assert kspace is not None, "read_volume has seen it"
    coils = np.flatnonzero(kspace.any(axis=(-2, -1)))
    if not coils.size:
        raise UnusableSliceError(f"{volume.path}: slice {slice_number} is zero everywhere.")
    live = kspace if coils.size == len(kspace) else kspace[coils]
    return SliceKspace(live.astype(np.complex64, copy=False), coils.tolist())


def read_kspace(volume: Volume, slice_number: int) -> NDArray[np.complex64]:
    """Read one slice's k-space [C, H, W], dead coils left out; raises as `read_slice` does."""
    return read_slice(volume, slice_number).kspace


def rss_image(kspace: NDArray[np.complex64], crop: tuple[int, int]) -> NDArray[np.float32]:
    """Reconstruct fully sampled k-space [..., C, H, W] to its cropped RSS magnitude [..., h, w]; paper, eq. (1)-(3)."""
    axes = (-2, -1)
    images = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace, axes=axes), norm="ortho"), axes=axes)
    top, left = ((images.shape[axis] - size) // 2 for axis, size in zip(axes, crop, strict=True))
    images = images[..., top : top + crop[0], left : left + crop[1]]
    return np.sqrt((np.abs(images) ** 2).sum(axis=-3)).astype(np.float32)


def read_target(volume: Volume, slice_number: int) -> NDArray[np.float32]:
    """Return the fully sampled RSS [h, w] of one slice: the stored one, or computed where the file has none."""
    stored = _read_slice(volume, "reconstruction_rss", slice_number)
    if stored is not None:
        return stored.astype(np.float32, copy=False)
    return rss_image(read_kspace(volume, slice_number), volume.crop)


def volume_maximum(volume: Volume) -> float:
    """Return the largest value of the fully sampled RSS volume, the data range of its SSIM and PSNR.

    Computed from the usable slices where the file does not say it.
    """
    if volume.maximum is not None:
        return volume.maximum
    maxima = []
    for number in range(volume.slices):
        try:
            maxima.append(float(read_target(volume, number).max()))
        except UnusableSliceError:
            continue
    if maxima and not np.isfinite(maxima).all():
        raise InputError(f"{volume.path}: its images exceed float32; rescale its k-space.")
    if not maxima or max(maxima) <= 0:
        raise InputError(f"{volume.path}: none of its {volume.slices} slices can be used; restore or remove it.")
    return max(maxima)
