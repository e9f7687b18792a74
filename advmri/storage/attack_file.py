"""The attack file: every slice, target and severity of one job, with the perturbations themselves (HDF5).

Layout in docs/file-formats.md. Slices are written to parts as they finish and assembled at the end, so that a job
that was killed goes on where it stopped.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
from numpy.typing import NDArray

from advmri.storage.access import no_access, unreadable
from advmri.storage.hdf5_digest import (
    DIGEST,
    UNREADABLE,
    attributes_digest,
    check_digest,
    content_digest,
    open_own_file,
)
from advmri.storage.hdf5_reading import open_hdf5
from advmri.storage.layout import ATTACK_FILE, check_name, names_in
from advmri.storage.slice_jobs import job_name, job_range

FORMAT_VERSION = 3
Array = NDArray[Any]
INPUT_DIGESTS = {
    "volume": "data_sha256",
    "index": "index_sha256",
    "mask": "mask_sha256",
    "checkpoint": "checkpoint_sha256",
}
"""What an attack is computed from, and the attribute that holds the digest of it."""


@dataclass(frozen=True)
class TargetResult:
    """What one target (a box, or the image) of a slice came to: datasets by name, and attributes."""

    name: str
    label: str
    rows: tuple[int, int]
    columns: tuple[int, int]
    arrays: dict[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class SliceResult:
    """One attacked slice.

    Attributes:
        target: fully sampled RSS [h, w].
        clean: unperturbed reconstruction [h, w].
        coils: numbers in the volume of the coils of every axis C [C].
        thermal_relative_norm: eta of the scan's own thermal noise per coil [C].
    """

    number: int
    target: Array
    clean: Array
    coils: Array
    thermal_relative_norm: Array
    targets: list[TargetResult]


def slice_group(number: int) -> str:
    """Return the name of a slice's group, `slice_017`."""
    return f"slice_{number:03d}"


def write_slice(file: h5py.File, result: SliceResult) -> None:
    """Write one slice's group; datasets with a severity axis are chunked per severity and compressed."""
    group = file.create_group(slice_group(result.number))
    group.attrs["slice"] = result.number
    for name in ("target", "clean", "coils", "thermal_relative_norm"):
        group.create_dataset(name, data=getattr(result, name), track_times=False)
    for target in result.targets:
        subgroup = group.create_group(target.name)
        subgroup.attrs["label"] = target.label
        subgroup.attrs["rows"] = target.rows
        subgroup.attrs["columns"] = target.columns
        for name, values in target.arrays.items():
            chunked = values.ndim >= 3
            subgroup.create_dataset(
                name,
                data=values,
                chunks=(1, *values.shape[1:]) if chunked else None,
                compression="lzf" if chunked else None,
                track_times=False,
            )
    group.attrs[DIGEST] = content_digest(group)


def is_whole_slice(path: Path, number: int) -> bool:
    """Whether a file holds a slice as `write_slice` wrote it; raises NoAccessError where it cannot be read."""
    try:
        with open_hdf5(path) as file:
            group = file[slice_group(number)]
            return bool(group.attrs[DIGEST] == content_digest(group))
    except UNREADABLE as error:
        if unread := no_access(path, error):
            raise unread from error
        return False


def write_attributes(file: h5py.File, attributes: dict[str, Any]) -> None:
    """Write what determines the file's content as attributes, dictionaries as JSON; all slices have been written."""
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["slices"] = sorted(int(group.attrs["slice"]) for group in file.values())
    for key, value in attributes.items():
        file.attrs[key] = json.dumps(value, sort_keys=True) if isinstance(value, dict) else value
    file.attrs[DIGEST] = attributes_digest(file)


class AttackFile:
    """An attack file opened for reading; what is read of it is compared with its checksums first.

    Args:
        file: as `write_slice` and `write_attributes` made it.
        path: its name, for messages.
        check: turned off by the verification, which lists all that is wrong.

    Raises:
        DamagedFileError: from every method, where what was read is not what the checksum says.
        InputError: where it is not the file that its name says.
    """

    def __init__(self, file: h5py.File, path: Path, check: bool = True) -> None:
        self.file = file
        self.path = path
        self._check = check
        self._checked: set[int] = set()
        if check:
            check_digest(file, lambda: attributes_digest(file), path, "its attributes")
            self._check_name()

    def _check_name(self) -> None:
        """Compare the job that made the file with its name; of its slices unusable ones are left out."""
        named = names_in(self.path, ATTACK_FILE)
        if not named:
            return
        facts: dict[str, Any] = {key: self.file.attrs[key] for key in ("volume", "model", "acceleration")}
        facts["attack"] = self.file.attrs["attack_name"]
        first, last = job_range(named["slices"])
        if not all(first <= number <= last for number in self.slices()):
            facts["slices"] = job_name(self.slices())
        check_name(self.path, ATTACK_FILE, facts)

    @property
    def attributes(self) -> dict[str, Any]:
        """The file's attributes; `attack` and `inputs` decoded from JSON."""
        attributes = dict(self.file.attrs)
        for key in ("attack", "inputs"):
            if key in attributes:
                attributes[key] = json.loads(attributes[key])
        return attributes

    def slices(self) -> list[int]:
        """Return the numbers of the slices in the file."""
        return [int(number) for number in self.file.attrs["slices"]]

    def group(self, slice_number: int) -> h5py.Group:
        """Return a slice's group."""
        name = slice_group(slice_number)
        try:
            group = self.file[name]
        except UNREADABLE as error:
            raise unreadable(self.path, name, error) from error
        if self._check and slice_number not in self._checked:
            check_digest(group, lambda: content_digest(group), self.path, name)
            self._checked.add(slice_number)
        return group

    def target_names(self, slice_number: int) -> list[str]:
        """Return `image`, or `box_0`, `box_1`, ... of a slice."""
        return sorted(name for name, item in self.group(slice_number).items() if isinstance(item, h5py.Group))


@contextmanager
def open_attack_file(path: Path, check: bool = True) -> Iterator[AttackFile]:
    """Open an attack file for reading; `check` as in `AttackFile`."""
    with open_own_file(path) as file:
        yield AttackFile(file, path, check)
