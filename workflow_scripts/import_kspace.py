"""Turn an array of measured k-space (.npy, .npz) into a volume in fastMRI's format."""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from advmri.errors import InputError
from advmri.volumes import rss_image, write_volume
from workflow_scripts.program import LOGGER, atomic_output, parser, run

AXES = "schw"
TARGET_PEAK = 1e-3


def _load(path: Path, key: str | None) -> NDArray[np.complex64]:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file.")
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.lib.npyio.NpzFile):
        names = list(loaded)
        if key is None and len(names) > 1:
            raise InputError(f"{path}: holds {', '.join(names)}; say which with --key.")
        loaded = loaded[key or names[0]]
    if not np.iscomplexobj(loaded):
        raise InputError(f"{path}: holds {loaded.dtype}, not complex numbers.")
    return loaded.astype(np.complex64)


def arrange(array: NDArray[np.complex64], axes: str) -> NDArray[np.complex64]:
    """Bring an array whose axes are named by letters (s, c, h = readout, w = phase encoding) to [s, c, h, w]."""
    if not len(set(axes)) == len(axes) == array.ndim or not set("chw") <= set(axes) <= set(AXES):
        raise InputError(f"--axes {axes!r} does not describe {array.ndim} axes; use c, h, w and s once each at most.")
    if "s" not in axes:
        array, axes = array[None], "s" + axes
    return np.ascontiguousarray(array.transpose([axes.index(letter) for letter in AXES]))


def main(arguments: argparse.Namespace) -> None:
    """Read, arrange, scale, write."""
    kspace = arrange(_load(arguments.array, arguments.key), arguments.axes)
    if arguments.coil_images:
        shift = {"axes": (-2, -1)}
        kspace = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(kspace, **shift), norm="ortho"), **shift)
    crop = tuple(arguments.crop or kspace.shape[-2:])
    if crop[0] > kspace.shape[-2] or crop[1] > kspace.shape[-1]:
        raise InputError(f"--crop {crop} is larger than the k-space {kspace.shape[-2:]}.")
    if not arguments.keep_scale:
        kspace = kspace * (TARGET_PEAK / rss_image(kspace, (crop[0], crop[1])).max())
    with atomic_output(arguments.output) as temporary:
        write_volume(
            temporary,
            kspace.astype(np.complex64),
            crop=(crop[0], crop[1]),
            acquisition=arguments.acquisition,
            patient=arguments.patient or arguments.output.stem,
            field_of_view_mm=(arguments.field_of_view_mm[0], arguments.field_of_view_mm[1]),
        )
    LOGGER.info("%s: k-space %s, crop %s", arguments.output, kspace.shape, crop)


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
