"""Signed distances in mm (negative inside) and how to combine them.

Distances are exact or first-order near the surface, which is where they are used: for edges, layers and coverage.
Smooth combinations after Quilez I, "Smooth minimum" and "Distance functions" (iquilezles.org/articles).
"""

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def coverage(distance: Field, width_mm: Field | float) -> Field:
    """Give the fraction of a pixel of the given width inside a surface at a signed distance from the pixel's centre."""
    width = np.asarray(width_mm, dtype=np.float32)
    return np.clip(np.float32(0.5) - distance / width, 0.0, 1.0)


def ellipsoid_distance(
    x: Field, y: float, z: Field, centre: tuple[float, float, float], radii: tuple[float, float, float]
) -> Field:
    """First-order signed distance to an ellipsoid with axes along the coordinates (mm)."""
    u = (x - np.float32(centre[0])) / np.float32(radii[0])
    v = (y - centre[1]) / radii[1]
    w = (z - np.float32(centre[2])) / np.float32(radii[2])
    radius = np.sqrt(u * u + w * w + np.float32(v * v + 1e-6))
    u /= np.float32(radii[0])
    w /= np.float32(radii[2])
    slope = np.sqrt(u * u + w * w + np.float32((v / radii[1]) ** 2 + 1e-8))
    distance: Field = radius * (radius - 1) / slope
    return distance


def smooth_union(a: Field, b: Field, blend_mm: float) -> Field:
    """Unite two solids with a fillet of about the given radius in mm."""
    h = np.maximum(np.float32(blend_mm) - np.abs(a - b), 0)
    h *= h
    h *= np.float32(0.25 / blend_mm)
    return np.minimum(a, b) - h


def smooth_intersection(a: Field, b: Field, blend_mm: float) -> Field:
    """Intersect two solids and round the new edge with about the given radius in mm."""
    return -smooth_union(-a, -b, blend_mm)


def rounded_intersection(a: Field, b: Field, radius_mm: float) -> Field:
    """Intersect two solids; the edge between them becomes a quarter circle of the given radius in mm."""
    a = a + np.float32(radius_mm)
    b = b + np.float32(radius_mm)
    outside = np.hypot(np.maximum(a, 0), np.maximum(b, 0))
    return outside + np.minimum(np.maximum(a, b), 0) - np.float32(radius_mm)


def segment_distance(
    x: Field,
    y: float,
    z: Field,
    start: tuple[float, float, float],
    end: tuple[float, float, float],
) -> tuple[Field, Field]:
    """Give the distance in mm to a segment in space and the position along it (0 at start, 1 at end)."""
    axis = np.subtract(end, start).astype(np.float32)
    squared_length = np.float32(axis @ axis)
    px, pz = x - np.float32(start[0]), z - np.float32(start[2])
    py = np.float32(y - start[1])
    t = np.clip((px * axis[0] + pz * axis[2] + py * axis[1]) / squared_length, 0, 1)
    distance = np.sqrt((px - t * axis[0]) ** 2 + (py - t * axis[1]) ** 2 + (pz - t * axis[2]) ** 2)
    return distance, t
