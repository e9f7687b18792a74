"""The showcase: the few images that figures show, cut out of the attack files, so that figures need none (HDF5).

Layout in docs/file-formats.md. Neither picking nor drawing happens here.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from advmri.errors import InputError, damaged
from advmri.figures.picking import PickedBox
from advmri.storage.hdf5_digest import DIGEST, UNREADABLE, check_digest, content_digest, open_own_file
from advmri.storage.layout import SERIES

FORMAT_VERSION = 1
Image = NDArray[np.float32]
IMAGES = ("target", "clean", "reconstruction", "perturbed_target")
SWEEP = "sweep"
FLIP_UP_DOWN = "flip_up_down"
ANGLE_TOLERANCE = 1e-4
"""Degrees: angles closer than this are the same."""


@dataclass(frozen=True)
class AttackedSlice:
    """One slice under one attack at one severity; images [h, w] as stored.

    Attributes:
        rows: first and one past the last row of the box; None where the whole image was attacked.
        angle: degrees, NaN for noise.
        sweep: columns angle, ssim, floor_ssim of the grid, and of the worst move where refinement found it beyond;
            empty for noise.
    """

    target: Image
    clean: Image
    reconstruction: Image
    perturbed_target: Image
    rows: tuple[int, int] | None
    columns: tuple[int, int] | None
    severity: float
    angle: float
    sweep: pd.DataFrame


@dataclass(frozen=True)
class ShownSlice:
    """A picked box, and its slice under attacks.

    Attributes:
        attacked: by attack, model and acceleration.
        flip_up_down: whether the volume's rows run from the bottom.
    """

    box: PickedBox
    attacked: Mapping[tuple[str, str, int], AttackedSlice]
    flip_up_down: bool = True

    def under(self, attack: str, model: str, acceleration: int) -> AttackedSlice:
        """Return the slice under one attack on one network; raises InputError where the showcase has none."""
        found = self.attacked.get((attack, model, acceleration))
        if found is None:
            raise InputError(
                f"the showcase holds no slice under {attack} on {model} at {acceleration}x; run the rule showcase"
                " again."
            )
        return found


def write_showcase(file: h5py.File, showcase: Mapping[str, ShownSlice]) -> None:
    """Write the slices, by the role that picked each, into a new file."""
    file.attrs["format_version"] = FORMAT_VERSION
    for role, shown in showcase.items():
        group = file.create_group(role)
        group.attrs.update(asdict(shown.box))
        group.attrs[FLIP_UP_DOWN] = shown.flip_up_down
        for (attack, model, acceleration), found in shown.attacked.items():
            place = group.create_group(f"{attack}/{SERIES.format(model=model, acceleration=acceleration)}")
            place.attrs.update({"attack": attack, "model": model, "acceleration": acceleration})
            place.attrs.update({"severity": found.severity, "angle": found.angle})
            if found.rows is not None and found.columns is not None:
                place.attrs.update({"rows": found.rows, "columns": found.columns})
            for name in IMAGES:
                place.create_dataset(name, data=getattr(found, name), compression="lzf", track_times=False)
            for name, values in found.sweep.items():
                place.create_dataset(f"{SWEEP}/{name}", data=values.to_numpy(), track_times=False)
    file.attrs[DIGEST] = content_digest(file)


def read_showcase(path: Path) -> dict[str, ShownSlice]:
    """Read the slices, by the role that picked each.

    Raises:
        DamagedFileError: where the file is not what its checksum says.
    """
    with open_own_file(path) as file:
        check_digest(file, lambda: content_digest(file), path, "its content")
        try:
            return {role: _read_shown(group) for role, group in file.items()}
        except UNREADABLE as error:
            raise damaged(path, f"it is no showcase of this version ({error})") from error


def _read_shown(group: h5py.Group) -> ShownSlice:
    facts = {one.name: _plain(group.attrs[one.name]) for one in fields(PickedBox)}
    found = [place for attack in group.values() for place in attack.values()]
    slices = [(place.attrs["attack"], place.attrs["model"], int(place.attrs["acceleration"])) for place in found]
    # A showcase that does not say is of before volumes did: all were shown flipped.
    flip = bool(group.attrs.get(FLIP_UP_DOWN, True))
    return ShownSlice(PickedBox(**facts), dict(zip(slices, map(_read_attacked, found), strict=True)), flip)


def _read_attacked(place: h5py.Group) -> AttackedSlice:
    sweep = place.get(SWEEP, {})
    ordered = {name: sweep[name][()] for name in ("angle", "ssim", "floor_ssim") if name in sweep}
    return AttackedSlice(
        **{name: place[name][()] for name in IMAGES},
        rows=_bounds(place, "rows"),
        columns=_bounds(place, "columns"),
        severity=float(place.attrs["severity"]),
        angle=float(place.attrs["angle"]),
        sweep=pd.DataFrame(ordered),
    )


def _bounds(place: h5py.Group, name: str) -> tuple[int, int] | None:
    if name not in place.attrs:
        return None
    first, end = place.attrs[name]
    return int(first), int(end)


def _plain(value: Any) -> Any:
    """Return an attribute as Python's own number or text."""
    return value.item() if isinstance(value, np.generic) else value
