"""Turn an array of measured k-space (.npy, .npz) into a volume in fastMRI's format.

A .npy is read slice by slice; a .npz has to be held in memory.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from advmri.errors import InputError
from advmri.volumes.import_cautions import kspace_cautions
from advmri.volumes.reading import Volume, read_volume, rss_image
from advmri.volumes.writing import write_volume
from workflow_scripts.program import LOGGER, atomic_output, parser, run

AXES = "schw"
TARGET_PEAK = 1e-3


def _load(path: Path, key: str | None) -> NDArray[Any]:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file.")
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise InputError(f"{path}: not a readable .npy or .npz of numbers ({error}).") from error
    if isinstance(loaded, np.lib.npyio.NpzFile):
        names = list(loaded)
        if key is None and len(names) > 1:
            raise InputError(f"{path}: holds {', '.join(names)}; say which with --key.")
        if key is not None and key not in names:
            raise InputError(f"{path}: holds {', '.join(names)}, no {key!r}; see --key.")
        loaded = loaded[key or names[0]]
    if not np.iscomplexobj(loaded):
        raise InputError(f"{path}: holds {loaded.dtype}, not complex numbers.")
    return loaded


def arrange(array: NDArray[Any], axes: str) -> NDArray[Any]:
    """View an array whose axes are named by letters (s, c, h = readout, w = phase encoding) as [s, c, h, w]."""
    if not len(set(axes)) == len(axes) == array.ndim or not set("chw") <= set(axes) <= set(AXES):
        raise InputError(f"--axes {axes!r} does not describe {array.ndim} axes; use c, h, w and s once each at most.")
    if "s" not in axes:
        array, axes = array[None], "s" + axes
    return array.transpose([axes.index(letter) for letter in AXES])


def _slices(array: NDArray[Any], coil_images: bool, scale: float = 1.0) -> Iterator[NDArray[np.complex64]]:
    """Give the k-space of one slice after the other, each [C, H, W]."""
    shift = (-2, -1)
    for number in range(len(array)):
        kspace = np.ascontiguousarray(array[number], dtype=np.complex64)
        if coil_images:
            kspace = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(kspace, axes=shift), norm="ortho"), axes=shift)
        yield (kspace * np.float32(scale)).astype(np.complex64, copy=False)


def _scale_to_peak(array: NDArray[Any], coil_images: bool, crop: tuple[int, int], path: Path) -> float:
    """Return what to multiply the volume by so that its RSS has the maximum `TARGET_PEAK`."""
    maximum = np.max([rss_image(one, crop).max() for one in _slices(array, coil_images)])
    if not (np.isfinite(maximum) and maximum > 0):
        raise InputError(f"{path}: its values are all zero or not finite; --keep-scale imports them as they are.")
    return TARGET_PEAK / float(maximum)


def main(arguments: argparse.Namespace) -> None:
    """Read, arrange, scale, write."""
    array = arrange(_load(arguments.array, arguments.key), arguments.axes)
    crop = tuple(arguments.crop or array.shape[-2:])
    if min(crop) < 1 or min(arguments.field_of_view_mm) <= 0:
        raise InputError("--crop and --field-of-view-mm take two positive numbers each.")
    if crop[0] > array.shape[-2] or crop[1] > array.shape[-1]:
        raise InputError(f"--crop {crop} is larger than the k-space {array.shape[-2:]}.")
    coil_images = arguments.coil_images
    middle = next(_slices(array[len(array) // 2 :], coil_images))
    for caution in kspace_cautions(middle, coil_images):
        LOGGER.warning("%s: slice %d: %s", arguments.array, len(array) // 2, caution)
    scale = 1.0
    if not arguments.keep_scale:
        scale = _scale_to_peak(array, coil_images, (crop[0], crop[1]), arguments.array)
    with atomic_output(arguments.output) as temporary:
        write_volume(
            temporary,
            _slices(array, coil_images, scale),
            crop=(crop[0], crop[1]),
            acquisition=arguments.acquisition,
            patient=arguments.patient or arguments.output.stem,
            field_of_view_mm=(arguments.field_of_view_mm[0], arguments.field_of_view_mm[1]),
            flip_up_down=False,
        )
    _tell(read_volume(arguments.output))


def _tell(volume: Volume) -> None:
    """Say what was written, and where an audit looks for it."""
    path = volume.path
    LOGGER.info(
        "%s: %d slice(s) of %d coils, %d rows (readout) x %d columns (phase encoding), of which [%d, %d) were acquired;"
        " images of %d x %d pixels; patient %s, acquisition %s",
        *(path, volume.slices, volume.coils, volume.rows, volume.columns, *volume.padding, *volume.crop),
        *(volume.patient, volume.acquisition),
    )
    if path.absolute().parent.name not in ("multicoil_train", "multicoil_val"):
        LOGGER.info("an audit takes it from multicoil_val/ (to train: multicoil_train/) of its dataset.root")
    LOGGER.info("its boxes have %s in the CSV's column file", path.stem)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--array", type=Path, required=True, help=".npy or .npz, complex")
    made.add_argument("--key", default=None, help="name of the array in a .npz with several")
    made.add_argument(
        "--axes", default="schw", help="order of the array's axes: s slice, c coil, h readout, w phase encoding"
    )
    made.add_argument("--coil-images", action="store_true", help="the array holds coil images, not k-space")
    made.add_argument("--crop", type=int, nargs=2, default=None, help="rows and columns of the reconstruction")
    made.add_argument("--field-of-view-mm", type=float, nargs=2, default=(1.0, 1.0), help="readout, phase encoding")
    made.add_argument("--acquisition", default="unknown", help="name of the contrast")
    made.add_argument("--patient", default=None, help="identifier; the file's name where not given")
    made.add_argument("--keep-scale", action="store_true", help="do not scale the RSS maximum to 1e-3")
    made.add_argument("--output", type=Path, required=True, help="the volume's .h5")
    return made


if __name__ == "__main__":
    run(main, options())
