"""Pathology boxes in the fastMRI+ CSV layout: read, decided upon one by one, and written.

Imported while Snakemake parses, so the standard library is all it needs.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from advmri.errors import InputError
from advmri.storage.access import no_access
from advmri.storage.file_kind import file_kind
from advmri.storage.text_digest import check_table
from advmri.volumes.csv_rows import numbered_rows, separator_hint

COLUMNS = ("file", "slice", "study_level", "x", "y", "width", "height", "label")
UNLABELLED = "unlabelled"
"""Label of a row whose cell is empty: tables take an empty cell for a missing one."""


@dataclass(frozen=True)
class AnnotationRow:
    """One row of the CSV as it stands there: `y` counts from the bottom of the array (fastMRI+'s up-down flip).

    `x`, `y`, `width`, `height` are None for study-level rows.
    """

    line: int
    volume: str
    slice: int
    study_level: bool
    x: int | None
    y: int | None
    width: int | None
    height: int | None
    label: str

    @property
    def has_area(self) -> bool:
        """Whether the row is a box with a positive size."""
        return not self.study_level and bool(self.width and self.height and self.width > 0 and self.height > 0)


@dataclass(frozen=True)
class Box:
    """A pathology's box in rows [row0, row1) and columns [column0, column1) of the cropped reconstruction."""

    number: int
    label: str
    row0: int
    row1: int
    column0: int
    column1: int


@dataclass(frozen=True)
class ExcludedAnnotation:
    """An annotation that is not used, and why."""

    line: int
    volume: str
    slice: int
    label: str
    reason: str


def _whole(value: str, path: Path, line: int, column: str) -> int | None:
    if value.strip() == "":
        return None
    try:
        number = float(value)
        whole = int(number)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{path}, line {line}: column '{column}' holds {value!r}, which is not a number.") from error
    if whole != number:
        raise InputError(
            f"{path}, line {line}: column '{column}' holds {value!r}; pixels and slices are whole numbers."
        )
    return whole


def _study_level(value: str, path: Path, line: int) -> bool:
    known = {"yes": True, "no": False, "": False}
    if value.strip().lower() not in known:
        raise InputError(f"{path}, line {line}: column 'study_level' holds {value!r}, which is neither Yes nor No.")
    return known[value.strip().lower()]


def read_annotations(path: Path) -> list[AnnotationRow]:
    """Read every row of a fastMRI+ CSV; labels are stripped of spaces, and `unlabelled` where empty.

    Raises:
        InputError: where the file or a column is missing, or a cell is not a number.
        DamagedFileError: where a simulated file is not what the checksum beside it says.
        NoAccessError: where permissions or the disk keep it from being read.
    """
    try:
        if path.is_dir():
            raise InputError(f"{path}: a folder, not a CSV file; name the file in dataset.annotations of the config.")
        if not path.is_file():
            raise InputError(f"{path}: there is no such annotation file; check dataset.annotations in the config.")
        check_table(path)
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: {file_kind(path)}, not a CSV file in UTF-8 ({error.reason} at byte {error.start}); save it so,"
            " or name another in dataset.annotations of the config."
        ) from error
    except OSError as error:
        raise no_access(path, error) or error from error
    try:
        return _rows(text, path)
    except csv.Error as error:
        raise InputError(f"{path}: not a CSV file ({error}).") from error


def _rows(text: str, path: Path) -> list[AnnotationRow]:
    rows = []
    with io.StringIO(text, newline="") as file:
        numbered = numbered_rows(file)
        names = next(numbered, (1, []))[1]
        missing = [name for name in COLUMNS if name not in names]
        if missing:
            hint = separator_hint(names)
            raise InputError(
                f"{path}: column(s) {', '.join(missing)} missing; fastMRI+ has {', '.join(COLUMNS)}{hint}."
            )
        last = max(names.index(name) for name in COLUMNS)
        for line, values in numbered:
            if len(values) <= last:
                raise InputError(f"{path}, line {line}: fewer cells than columns.")
            cells = dict(zip(names, values, strict=False))
            number = {name: _whole(cells[name], path, line, name) for name in ("slice", "x", "y", "width", "height")}
            if number["slice"] is None or not cells["file"].strip():
                raise InputError(f"{path}, line {line}: 'file' or 'slice' is empty.")
            rows.append(
                AnnotationRow(
                    line=line,
                    volume=cells["file"].strip(),
                    slice=number["slice"],
                    study_level=_study_level(cells["study_level"], path, line),
                    x=number["x"],
                    y=number["y"],
                    width=number["width"],
                    height=number["height"],
                    label=cells["label"].strip() or UNLABELLED,
                )
            )
    return rows


def annotated_slices(rows: Iterable[AnnotationRow], volume: str) -> list[int]:
    """Return the slices of `volume` that carry at least one box with an area, in order."""
    return sorted({row.slice for row in rows if row.volume == volume and row.has_area and row.slice >= 0})


def _place(row: AnnotationRow, number: int, crop: tuple[int, int]) -> Box:
    """Turn a row's flipped y into array rows (`rows - y - height`) and clip the box to the image."""
    assert row.x is not None and row.y is not None and row.width is not None and row.height is not None
    top = crop[0] - row.y - row.height
    return Box(
        number=number,
        label=row.label,
        row0=max(top, 0),
        row1=min(top + row.height, crop[0]),
        column0=max(row.x, 0),
        column1=min(row.x + row.width, crop[1]),
    )


def boxes_of_volume(
    rows: Iterable[AnnotationRow],
    volume: str,
    slices: int,
    crop: tuple[int, int],
    minimum_box_size: int = 1,
) -> tuple[dict[int, list[Box]], list[ExcludedAnnotation]]:
    """Decide on every annotation of one volume.

    Args:
        rows: the CSV.
        volume: its name without ending.
        slices: number of slices of the volume.
        crop: (h, w) of its reconstruction, on which the boxes were drawn.
        minimum_box_size: boxes with a shorter side, in pixels, are left out (1 keeps all).

    Returns:
        The boxes of each slice, numbered in CSV order, and the annotations left out with their reasons.
    """
    boxes: dict[int, list[Box]] = defaultdict(list)
    excluded: list[ExcludedAnnotation] = []
    seen: set[tuple[object, ...]] = set()
    for row in rows:
        if row.volume != volume:
            continue
        reason = None
        key = (row.slice, row.x, row.y, row.width, row.height, row.label)
        if row.study_level:
            reason = "study-level annotation without a box"
        elif None in (row.x, row.y, row.width, row.height):
            reason = "box incomplete"
        elif not row.has_area:
            reason = f"box has no area ({row.width} x {row.height})"
        elif not 0 <= row.slice < slices:
            reason = f"slice {row.slice} is outside the volume's {slices} slices"
        elif key in seen:
            reason = "duplicate of an earlier row"
        else:
            box = _place(row, len(boxes[row.slice]), crop)
            height, width = box.row1 - box.row0, box.column1 - box.column0
            if height <= 0 or width <= 0:
                reason = "box lies outside the image"
            elif min(height, width) < minimum_box_size:
                reason = f"box of {height} x {width} px is smaller than dataset.minimum_box_size = {minimum_box_size}"
            else:
                seen.add(key)
                boxes[row.slice].append(box)
        if reason is not None:
            excluded.append(ExcludedAnnotation(row.line, row.volume, row.slice, row.label, reason))
    return {number: found for number, found in sorted(boxes.items()) if found}, excluded


def slice_left_out(
    rows: Iterable[AnnotationRow],
    volume: str,
    slice_number: int,
    excluded: Collection[ExcludedAnnotation],
    reason: str,
) -> list[ExcludedAnnotation]:
    """Return the annotations of a slice that cannot be used, without those that are excluded already."""
    lines = {entry.line for entry in excluded}
    return [
        ExcludedAnnotation(row.line, row.volume, row.slice, row.label, reason)
        for row in rows
        if row.volume == volume and row.slice == slice_number and row.line not in lines
    ]


def ending_hint(volumes: Iterable[str], known: Collection[str]) -> str:
    """Return a hint where names of volumes carry the ending or the folder of their files; else nothing."""
    for name in volumes:
        file = re.split(r"[/\\]", name)[-1]
        volume = re.sub(r"\.(h5|hdf5|hdf|he5|hd5)$", "", file, flags=re.IGNORECASE)
        if name not in known and volume in known:
            wanted = f"it without {name.removeprefix(volume)}" if file == name else f"{volume!a}"
            return f" ({name!a}: write {wanted})"
    return ""


def unaudited_annotations(
    rows: Iterable[AnnotationRow], validation_volumes: Collection[str], audited_volumes: Collection[str]
) -> list[ExcludedAnnotation]:
    """Return the annotations of volumes that are not audited at all, with the reason."""
    excluded = []
    for row in rows:
        if row.volume in audited_volumes:
            continue
        if row.volume not in validation_volumes:
            reason = f"no volume of this name in multicoil_val{ending_hint([row.volume], validation_volumes)}"
        elif row.has_area:
            reason = "volume left out by dataset.audited_volumes"
        else:
            reason = "volume without a usable box, or left out by dataset.audited_volumes"
        excluded.append(ExcludedAnnotation(row.line, row.volume, row.slice, row.label, reason))
    return excluded


def write_annotations(file: TextIO, boxes: Iterable[tuple[str, int, Box]], rows: int) -> None:
    """Write (volume, slice, box) as a fastMRI+ CSV, with its up-down flip in images of `rows` rows."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for volume, slice_number, box in boxes:
        height, width = box.row1 - box.row0, box.column1 - box.column0
        writer.writerow([volume, slice_number, "No", box.column0, rows - box.row1, width, height, box.label])
