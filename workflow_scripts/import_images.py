"""Turn real magnitude images into multi-coil volumes: simulated coils, phase and noise on real anatomy.

One volume of one slice per image. For data sets that publish images but no raw data; what is simulated is marked in
the volumes' attributes.
"""

import argparse
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from advmri.errors import InputError
from advmri.seeds import derive_seed
from advmri.simulation.multicoil import multicoil_kspace, reduce_matrix
from advmri.volumes.writing import write_volume
from workflow_scripts.program import Progress, atomic_output, parser, run


def main(arguments: argparse.Namespace) -> None:
    """Read the images and write one volume each."""
    try:
        images = np.load(arguments.images, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise InputError(f"{arguments.images}: not a readable .npy of numbers ({error}).") from error
    if not isinstance(images, np.ndarray):
        raise InputError(f"{arguments.images}: holds several arrays; give a .npy.")
    if images.ndim != 3 or np.iscomplexobj(images):
        raise InputError(f"{arguments.images}: holds {images.dtype} {images.shape}, not real [images, rows, columns].")
    with Progress("import images", len(images), "volumes") as progress:
        for number, image in enumerate(images, start=1):
            name = f"{arguments.prefix}_{number:03d}"
            rng = np.random.default_rng(derive_seed(arguments.seed, name))
            kspace, sigma = multicoil_kspace(
                np.asarray(image),
                pixel_mm=arguments.pixel_mm,
                coils=arguments.coils,
                snr=arguments.snr,
                rng=rng,
                orientation=arguments.orientation,
            )
            shape = tuple(arguments.matrix or image.shape)
            kspace = reduce_matrix(kspace, (shape[0], shape[1]))
            split = "train" if number <= arguments.train else "val"
            with atomic_output(arguments.root / f"multicoil_{split}" / f"{name}.h5") as temporary:
                write_volume(
                    temporary,
                    [kspace],
                    crop=(shape[0], shape[1]),
                    acquisition=arguments.acquisition,
                    patient=name,
                    field_of_view_mm=(image.shape[0] * arguments.pixel_mm, image.shape[1] * arguments.pixel_mm),
                    flip_up_down=False,
                    attributes={"noise_sigma": sigma, "simulated_coils": arguments.coils},
                )
            progress.update(number)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--images", type=Path, required=True, help=".npy, real [images, rows = readout, columns]")
    made.add_argument("--root", type=Path, required=True, help="folder for multicoil_train/ and multicoil_val/")
    made.add_argument("--train", type=int, required=True, help="the first so many images go to multicoil_train/")
    made.add_argument("--prefix", default="image", help="volumes are named <prefix>_001, ...")
    made.add_argument("--acquisition", default="unknown", help="name of the contrast")
    made.add_argument("--pixel-mm", type=float, required=True, help="side of a pixel in mm")
    made.add_argument("--coils", type=int, default=8, help="simulated receive loops")
    made.add_argument("--snr", type=float, default=30, help="99th percentile over the noise's SD in one coil image")
    made.add_argument("--orientation", choices=("axial", "coronal"), default="axial", help="of the slices in the limb")
    made.add_argument("--matrix", type=int, nargs=2, default=None, help="keep this centre of k-space (rows, columns)")
    made.add_argument("--seed", type=int, default=0)
    return made


if __name__ == "__main__":
    run(main, options())
