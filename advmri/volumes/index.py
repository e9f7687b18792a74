"""The index of one volume: what later stages need to know of it without opening its k-space (JSON)."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from advmri.acquisition.thermal.thermal_noise import ThermalNoise
from advmri.errors import InputError
from advmri.storage.layout import INDEX, check_name
from advmri.storage.text_digest import read_json, with_digest
from advmri.volumes.annotations import Box, ExcludedAnnotation

NUMBERS = re.compile(r"\[\n[-+\w.,\s]+\]")
"""A list of numbers as JSON with indentation writes it: no string holds such a line break."""


@dataclass(frozen=True)
class SliceIndex:
    """One annotated slice.

    Attributes:
        boxes: in rows and columns of the cropped reconstruction.
        coils: numbers of the coils that measured anything; every axis C of this slice's results has their order.
        thermal: the scan's own noise.
        kspace_sha256: of the k-space of these coils, complex64 [C, H, W].
    """

    boxes: list[Box]
    coils: list[int]
    thermal: ThermalNoise
    kspace_sha256: str


@dataclass(frozen=True)
class VolumeIndex:
    """One volume; attributes as in `advmri.volumes.reading.Volume`, with its annotated slices by number.

    Attributes:
        data_sha256, data_bytes: of the volume's file: what it was when it was indexed.
    """

    volume: str
    patient: str
    acquisition: str
    slices: int
    coils: int
    rows: int
    columns: int
    crop: tuple[int, int]
    padding: tuple[int, int]
    maximum: float
    data_sha256: str
    data_bytes: int
    annotated: dict[int, SliceIndex]
    excluded: list[ExcludedAnnotation]
    flip_up_down: bool = True

    def to_json(self) -> str:
        """Return the index as JSON text, lists of numbers on one line each."""
        text = json.dumps(with_digest(asdict(self)), indent=1)
        return NUMBERS.sub(lambda found: " ".join(found[0].split()).replace("[ ", "[").replace(" ]", "]"), text) + "\n"


def _tuple_of_two(values: list[int]) -> tuple[int, int]:
    first, second = values
    return first, second


def read_index(path: Path) -> VolumeIndex:
    """Read an index written by `VolumeIndex.to_json`.

    Raises:
        DamagedFileError: where it is not what was written.
        InputError: where that was by another version, or it is another volume's than its name says.
    """
    content: dict[str, Any] = read_json(path)
    try:
        check_name(path, INDEX, {"volume": content["volume"]})
        annotated = {int(number): _read_slice(entry) for number, entry in content.pop("annotated").items()}
        excluded = [ExcludedAnnotation(**entry) for entry in content.pop("excluded")]
        crop, padding = _tuple_of_two(content.pop("crop")), _tuple_of_two(content.pop("padding"))
        return VolumeIndex(annotated=annotated, excluded=excluded, crop=crop, padding=padding, **content)
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path}: an index of another version ({error}); delete it and start the run again, which makes it."
        ) from error


def _read_slice(entry: dict[str, Any]) -> SliceIndex:
    boxes, thermal = [Box(**box) for box in entry["boxes"]], ThermalNoise(**entry["thermal"])
    return SliceIndex(boxes, entry["coils"], thermal, entry["kspace_sha256"])
