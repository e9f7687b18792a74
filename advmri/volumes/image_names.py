"""Names of imported images in a small CSV: which image becomes which volume, of which patient, in which split."""

from dataclasses import dataclass
from pathlib import Path

from advmri.errors import InputError
from advmri.storage.access import no_access
from advmri.volumes.csv_rows import numbered_rows, separator_hint
from advmri.volumes.folder import name_problem

COLUMNS = ("image", "volume", "patient", "split")
SPLITS = ("train", "val")


@dataclass(frozen=True)
class ImageName:
    """One image.

    Attributes:
        image: its place in the array, from 0.
        volume: its name as a volume, without ending.
        patient: identifier; several images may be of one patient.
        split: `train` or `val`.
    """

    image: int
    volume: str
    patient: str
    split: str


def numbered_names(prefix: str, images: int, train: int) -> list[ImageName]:
    """Return names by number, `<prefix>_001` and on; the first `train` images are for training, each is a patient.

    Raises:
        InputError: where more are asked for than there are, or the prefix is no name.
    """
    if not 0 <= train <= images:
        raise InputError(f"--train {train}: there are {images} images; give how many of them are for training.")
    names = [f"{prefix}_{number:03d}" for number in range(1, images + 1)]
    if problem := _problem(names[0]):
        raise InputError(f"--prefix {prefix!a}: a volume's name {problem}; give another.")
    return [ImageName(image, name, name, SPLITS[image >= train]) for image, name in enumerate(names)]


def _problem(volume: str) -> str | None:
    if "/" in volume or not volume or volume.startswith("."):
        return "is empty, hidden, or holds a slash"
    return name_problem(volume)


def read_image_names(path: Path, images: int) -> list[ImageName]:
    """Read names from a CSV with the columns `COLUMNS`; an empty patient counts as one of the volume's name.

    Args:
        path: of the CSV, UTF-8.
        images: how many there are.

    Raises:
        InputError: where the file or a column is missing, a cell cannot be used, an image or a volume is named twice,
            or a patient is in both splits.
        NoAccessError: where permissions or the disk keep it from being read.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; check --names.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(numbered_rows(file))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a CSV file in UTF-8 ({error}).") from error
    except OSError as error:
        raise no_access(path, error) or error from error
    header = rows[0][1] if rows else []
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise InputError(
            f"{path}: column(s) {', '.join(missing)} missing; it needs {', '.join(COLUMNS)}{separator_hint(header)}."
        )
    found = [_name(path, line, dict(zip(header, cells, strict=False)), images) for line, cells in rows[1:]]
    _check_together(path, found)
    return found


def _name(path: Path, line: int, cells: dict[str, str], images: int) -> ImageName:
    texts = {name: cells.get(name, "").strip() for name in COLUMNS}
    if not texts["image"].isdecimal() or int(texts["image"]) >= images:
        raise InputError(f"{path}, line {line}: image {texts['image']!r} is none of 0 to {images - 1}.")
    if problem := _problem(texts["volume"]):
        raise InputError(f"{path}, line {line}: the volume's name {texts['volume']!a} {problem}; give another.")
    if texts["split"] not in SPLITS:
        raise InputError(f"{path}, line {line}: split {texts['split']!r} is neither {' nor '.join(SPLITS)}.")
    patient = texts["patient"] or texts["volume"]
    return ImageName(int(texts["image"]), texts["volume"], patient, texts["split"])


def _check_together(path: Path, names: list[ImageName]) -> None:
    if not names:
        raise InputError(f"{path}: names no image; it needs a row for each one that is imported.")
    for key in ("image", "volume"):
        values = [getattr(one, key) for one in names]
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise InputError(f"{path}: {key} {twice[0]} is named twice; one row each.")
    by_split = {split: {one.patient for one in names if one.split == split} for split in SPLITS}
    if both := sorted(by_split["train"] & by_split["val"]):
        raise InputError(
            f"{path}: patient {both[0]!a} is in train and in val: networks would be audited on whom they have seen;"
            " give every patient one split."
        )
