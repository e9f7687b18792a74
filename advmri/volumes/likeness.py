"""What data a network was trained on, as its checkpoint notes it, and in what a volume differs from that."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from advmri.volumes.reading import Volume

NOT_KNOWN = "not known"
"""In place of the words, where a checkpoint does not say: no reason for a caution."""
UNKNOWN_ACQUISITION = "unknown"
SIZE_TOLERANCE = 0.1
"""Sizes of matrix and image up to so much beyond those of the training count as alike."""
RANGES = ("coils", "rows", "columns", "height", "width")

Range = tuple[int, int]
"""Smallest and largest."""


@dataclass(frozen=True)
class TrainingData:
    """The volumes of a training.

    Attributes:
        coils: how many.
        rows, columns: of k-space (readout, phase encoding); height, width: of the reconstruction.
        acquisitions: their contrasts by fastMRI's names, sorted.
    """

    coils: Range
    rows: Range
    columns: Range
    height: Range
    width: Range
    acquisitions: tuple[str, ...]

    @classmethod
    def of(cls, volumes: Sequence[Volume]) -> Self:
        """Return what some volumes have in common."""
        sizes = {
            "coils": [volume.coils for volume in volumes],
            "rows": [volume.rows for volume in volumes],
            "columns": [volume.columns for volume in volumes],
            "height": [volume.crop[0] for volume in volumes],
            "width": [volume.crop[1] for volume in volumes],
        }
        ranges = {name: (min(values), max(values)) for name, values in sizes.items()}
        return cls(**ranges, acquisitions=tuple(sorted({volume.acquisition for volume in volumes})))

    @classmethod
    def from_record(cls, record: Any) -> Self | None:
        """Read what `record` returned; None where that is something else, or nothing."""
        try:
            names = tuple(str(name) for name in record["acquisitions"])
            ranges = {name: (int(record[name][0]), int(record[name][1])) for name in RANGES}
        except (TypeError, KeyError, IndexError, ValueError):
            return None
        return cls(**ranges, acquisitions=names)

    def record(self) -> dict[str, Any]:
        """Return it as numbers, text and lists, for a checkpoint."""
        return {name: list(values) for name, values in asdict(self).items()}

    def __str__(self) -> str:
        """Return it in words, for instance `4 coils, matrix 288 x 160, images 144 x 144, CORPD_FBK`."""
        words = f"{_shown(self.coils)} coils, matrix {_shown(self.rows)} x {_shown(self.columns)}"
        return f"{words}, images {_shown(self.height)} x {_shown(self.width)}, {' or '.join(self.acquisitions)}"

    def unlike(self, volume: Volume) -> dict[str, str]:
        """Return in what a volume differs: what it has, by `coils`, `matrix`, `image size` or `acquisition`."""
        found = {}
        if not self.coils[0] <= volume.coils <= self.coils[1]:
            found["coils"] = str(volume.coils)
        if not (_alike(volume.rows, self.rows) and _alike(volume.columns, self.columns)):
            found["matrix"] = f"{volume.rows} x {volume.columns}"
        height, width = volume.crop
        if not (_alike(height, self.height) and _alike(width, self.width)):
            found["image size"] = f"{height} x {width}"
        known = UNKNOWN_ACQUISITION not in (volume.acquisition, *self.acquisitions)
        if known and volume.acquisition not in self.acquisitions:
            found["acquisition"] = volume.acquisition
        return found


def trained_with(training: Mapping[str, Any], trained_on: str) -> TrainingData | None:
    """Return what a checkpoint's `training` says of its data; None where it does not, or nothing was trained."""
    return None if trained_on == "nothing" else TrainingData.from_record(training.get("data"))


def _shown(values: Range) -> str:
    low, high = values
    return str(low) if low == high else f"{low}-{high}"


def _alike(size: int, known: Range) -> bool:
    return known[0] * (1 - SIZE_TOLERANCE) <= size <= known[1] * (1 + SIZE_TOLERANCE)
