"""Turn real magnitude images into multi-coil volumes: simulated coils, phase and noise on real anatomy.

One volume of one slice per image. For data sets that publish images but no raw data; what is simulated is marked in
the volumes' attributes.
"""

import argparse
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from advmri.errors import InputError
from advmri.seeds import derive_seed
from advmri.simulation.coils import LOOP_CYLINDER_MM
from advmri.simulation.multicoil import multicoil_kspace, reduce_matrix
from advmri.volumes.image_names import ImageName, numbered_names, read_image_names
from advmri.volumes.import_cautions import image_cautions
from advmri.volumes.writing import write_volume
from workflow_scripts.program import LOGGER, Progress, atomic_output, parser, run

PIXEL_HELP = (
    "side of a pixel in mm: field of view over matrix, or DICOM's PixelSpacing. The simulated loops lie"
    f" {LOOP_CYLINDER_MM:.0f} mm around the image's centre, as around a knee: it decides how their sensitivities fall"
    " off towards the middle, and how large the header says that the view is"
)


def _load(path: Path) -> NDArray[Any]:
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise InputError(f"{path}: not a readable .npy of numbers ({error}).") from error
    if not isinstance(images, np.ndarray):
        raise InputError(f"{path}: holds several arrays ({', '.join(images)}); save one of them as .npy.")
    if images.ndim != 3 or 0 in images.shape or np.iscomplexobj(images):
        raise InputError(f"{path}: holds {images.dtype} {images.shape}, not real [images, rows, columns].")
    return images


def _image(images: NDArray[Any], number: int, path: Path) -> NDArray[Any]:
    image = np.asarray(images[number])
    if not np.isfinite(image).all() or image.max() <= 0:
        raise InputError(f"{path}: image {number} holds values that are not finite, or none above zero; leave it out.")
    return image


def cautions(shape: Sequence[int], pixel_mm: float) -> list[str]:
    """Return what looks wrong with images [images, rows, columns], in words."""
    images, *size = shape
    found = image_cautions(images, size)
    rows, columns = (side * pixel_mm for side in size)
    if max(rows, columns) > 2 * LOOP_CYLINDER_MM:
        found.append(
            f"{size[0]} x {size[1]} pixels of {pixel_mm:g} mm show {rows:.0f} x {columns:.0f} mm, more than lies within"
            f" the simulated loops ({2 * LOOP_CYLINDER_MM:.0f} mm across, as around a knee): these would be inside the"
            " image; is --pixel-mm right?"
        )
    return found


def _place(root: Path, name: ImageName) -> Path:
    """Return where a volume goes; raises InputError where one of its name is in the other split."""
    other = root / f"multicoil_{'val' if name.split == 'train' else 'train'}" / f"{name.volume}.h5"
    if other.exists():
        raise InputError(
            f"{other}: is there already, and {name.volume} is for {name.split}: networks would be audited on what they"
            " have seen; take it away, or import under other names."
        )
    return root / f"multicoil_{name.split}" / f"{name.volume}.h5"


def main(arguments: argparse.Namespace) -> None:
    """Read the images, write one volume each, say which became which."""
    path, root, pixel = arguments.images, arguments.root, arguments.pixel_mm
    images = _load(path)
    if not (math.isfinite(pixel) and pixel > 0):
        raise InputError(f"--pixel-mm {pixel:g}: the side of a pixel in mm, a positive number.")
    for caution in cautions(images.shape, pixel):
        LOGGER.warning("%s: %s", path, caution)
    if arguments.names is None:
        names = numbered_names(arguments.prefix, len(images), arguments.train)
    else:
        names = read_image_names(arguments.names, len(images))
    places = {name: _place(root, name) for name in names}
    shape = tuple(arguments.matrix or images.shape[1:])
    with Progress("import images", len(names), "volumes") as progress:
        for number, (name, place) in enumerate(places.items(), start=1):
            rng = np.random.default_rng(derive_seed(arguments.seed, name.volume))
            kspace, sigma = multicoil_kspace(
                _image(images, name.image, path),
                pixel_mm=pixel,
                coils=arguments.coils,
                snr=arguments.snr,
                rng=rng,
                orientation=arguments.orientation,
            )
            kspace = reduce_matrix(kspace, (shape[0], shape[1]))
            with atomic_output(place) as temporary:
                write_volume(
                    temporary,
                    [kspace],
                    crop=(shape[0], shape[1]),
                    acquisition=arguments.acquisition,
                    patient=name.patient,
                    field_of_view_mm=(images.shape[1] * pixel, images.shape[2] * pixel),
                    flip_up_down=False,
                    attributes={"noise_sigma": sigma, "simulated_coils": arguments.coils},
                )
            progress.update(number)
    _tell(places, len(images), root)


def _tell(places: Mapping[ImageName, Path], images: int, root: Path) -> None:
    """Say which image became which volume, and what there is to train on and to audit."""
    for name, place in places.items():
        LOGGER.info("image %d, patient %s: %s", name.image, name.patient, place)
    left_out = sorted(set(range(images)) - {name.image for name in places})
    if left_out:
        LOGGER.info("without a row in --names, and left out: image(s) %s", ", ".join(map(str, left_out)))
    count = Counter(name.split for name in places)
    LOGGER.info(
        "%d volumes of one slice: %d to train on in %s, %d to audit in %s",
        *(len(places), count["train"], root / "multicoil_train", count["val"], root / "multicoil_val"),
    )
    if not count["val"]:
        LOGGER.warning("no image is left to audit: all of them are for training")


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--images", type=Path, required=True, help=".npy, real [images, rows = readout, columns]")
    made.add_argument("--root", type=Path, required=True, help="folder for multicoil_train/ and multicoil_val/")
    split = made.add_mutually_exclusive_group(required=True)
    split.add_argument("--train", type=int, help="the first so many images are for training, the rest is audited")
    split.add_argument(
        "--names",
        type=Path,
        help="CSV with the columns image (its place, from 0), volume, patient, split (train or val): names for each"
        " image, which may share a patient; those without a row are left out",
    )
    made.add_argument("--prefix", default="image", help="without --names: volumes are named <prefix>_001, ...")
    made.add_argument("--acquisition", default="unknown", help="name of the contrast")
    made.add_argument("--pixel-mm", type=float, required=True, help=PIXEL_HELP)
    made.add_argument("--coils", type=int, default=8, help="simulated receive loops")
    made.add_argument("--snr", type=float, default=30, help="99th percentile over the noise's SD in one coil image")
    made.add_argument("--orientation", choices=("axial", "coronal"), default="axial", help="of the slices in the limb")
    made.add_argument("--matrix", type=int, nargs=2, default=None, help="keep this centre of k-space (rows, columns)")
    made.add_argument("--seed", type=int, default=0)
    return made


if __name__ == "__main__":
    run(main, options())
