"""Coordinates of a coronal sub-slice in the knee's own frame.

Knee frame, in mm: x is lateral (left and right knees are drawn alike and mirrored), y posterior, z superior; the origin
lies between the femur and the tibia in the middle of the joint.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from advmri.simulation.subject import Subject

Field = NDArray[np.float32]
Window = tuple[slice, slice]


@dataclass(frozen=True)
class Frame:
    """Knee coordinates of every sample of one sub-slice."""

    x: Field
    """Lateral position in mm. Shape [rows, columns]"""
    z: Field
    """Superior position in mm. Shape [rows, columns]"""
    y: float
    """Posterior position of the whole sub-slice in mm."""
    spacing_mm: float
    """Distance between samples."""

    @cached_property
    def height(self) -> Field:
        """Mean superior position of each row in mm, [rows]."""
        return np.asarray(self.z.mean(axis=1))

    @cached_property
    def _extremes(self) -> tuple[Field, Field, Field, Field]:
        return self.z.min(axis=1), self.z.max(axis=1), self.x.min(axis=0), self.x.max(axis=0)

    def window(self, x: tuple[float, float], z: tuple[float, float], margin_mm: float = 6.0) -> Window:
        """Find the rows and columns that may hold points within a box of knee coordinates."""
        lowest, highest, leftmost, rightmost = self._extremes
        rows = (highest > z[0] - margin_mm) & (lowest < z[1] + margin_mm)
        columns = (rightmost > x[0] - margin_mm) & (leftmost < x[1] + margin_mm)
        return _extent(rows), _extent(columns)

    def cut(self, window: Window) -> "Frame":
        """Restrict the frame to a window."""
        return Frame(self.x[window], self.z[window], self.y, self.spacing_mm)


def make_frame(subject: Subject, image_x: NDArray[np.float64], image_z: NDArray[np.float64], y: float) -> Frame:
    """Map image positions in mm (x along columns, z along rows, upwards) to knee coordinates of one sub-slice."""
    column = (subject.side * image_x)[None, :].astype(np.float32)
    row = image_z[:, None].astype(np.float32)
    depth = y - subject.offset_mm[1]
    cosine, sine = np.cos(subject.tilt), np.sin(subject.tilt)
    across = column - np.float32(subject.offset_mm[0] + np.tan(subject.rotation) * depth)
    along = row - np.float32(subject.offset_mm[2])
    x = np.float32(cosine) * across + np.float32(sine) * along
    z = np.float32(cosine) * along - np.float32(sine) * across
    x += _deformation(subject.waves[0], column, row, y)
    z += _deformation(subject.waves[1], column, row, y)
    x /= np.float32(subject.scale)
    z /= np.float32(subject.scale)
    return Frame(x, z, depth / (subject.scale * subject.depth_scale), float(abs(image_x[1] - image_x[0])))


def _deformation(waves: NDArray[np.float64], x: Field, z: Field, y: float) -> Field:
    """Sum plane waves; sin(a + b) splits into outer products of one-dimensional functions."""
    total = np.zeros(np.broadcast_shapes(x.shape, z.shape), dtype=np.float32)
    for amplitude, kx, ky, kz, phase in waves.astype(np.float32):
        along_x = kx * x + (ky * np.float32(y) + phase)
        along_z = kz * z
        total += amplitude * (np.sin(along_x) * np.cos(along_z) + np.cos(along_x) * np.sin(along_z))
    return total


def _extent(inside: NDArray[np.bool_]) -> slice:
    found = np.flatnonzero(inside)
    return slice(int(found[0]), int(found[-1]) + 1) if found.size else slice(0, 0)
