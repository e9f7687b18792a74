"""The attack file: every slice, target and severity of one job, with the perturbations themselves (HDF5).

Layout in docs/file-formats.md. Slices are written to parts as they finish and assembled at the end, so that a job
that was killed goes on where it stopped.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

FORMAT_VERSION = 2
DIGEST = "content_sha256"
Array = NDArray[Any]


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


def _described(item: h5py.Group | h5py.Dataset) -> Iterator[bytes]:
    for key in sorted(item.attrs):
        if key != DIGEST:
            yield f"{item.name}@{key}={np.asarray(item.attrs[key]).tolist()!r}".encode()
    if isinstance(item, h5py.Dataset):
        yield f"{item.name} {item.dtype} {item.shape}".encode()
        yield np.ascontiguousarray(item[()]).tobytes()


def content_digest(group: h5py.Group) -> str:
    """Return the SHA-256 over names, attributes and values of a group and all it holds, whatever their storage.

    Raises:
        OSError: where HDF5 cannot read a part of it.
    """
    items = [group]
    group.visititems(lambda _, item: items.append(item))
    digest = hashlib.sha256()
    for item in sorted(items, key=lambda one: one.name):
        for part in _described(item):
            digest.update(part + b"\0")
    return digest.hexdigest()


def attributes_digest(file: h5py.File) -> str:
    """Return the SHA-256 over the attributes of the file itself."""
    digest = hashlib.sha256()
    for part in _described(file):
        digest.update(part + b"\0")
    return digest.hexdigest()


def write_attributes(file: h5py.File, attributes: dict[str, Any]) -> None:
    """Write what determines the file's content as attributes; dictionaries as JSON."""
    file.attrs["format_version"] = FORMAT_VERSION
    for key, value in attributes.items():
        file.attrs[key] = json.dumps(value, sort_keys=True) if isinstance(value, dict) else value
    file.attrs[DIGEST] = attributes_digest(file)


class AttackFile:
    """An attack file opened for reading."""

    def __init__(self, file: h5py.File) -> None:
        self.file = file

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
        return sorted(int(group.attrs["slice"]) for group in self.file.values())

    def group(self, slice_number: int) -> h5py.Group:
        """Return a slice's group."""
        return self.file[slice_group(slice_number)]

    def target_names(self, slice_number: int) -> list[str]:
        """Return `image`, or `box_0`, `box_1`, ... of a slice."""
        return sorted(name for name, item in self.group(slice_number).items() if isinstance(item, h5py.Group))


@contextmanager
def open_attack_file(path: Path) -> Iterator[AttackFile]:
    """Open an attack file for reading."""
    with h5py.File(path, "r") as file:
        yield AttackFile(file)
