"""Femur, tibia, fibula and patella as implicit solids in the knee's frame.

Dimensions follow the morphometry of adult knees: Terzidis I et al., J Anat 2012;221:454 (distal femur: bicondylar width
77-84 mm, condylar depth 58-61 mm, notch width about 20 mm); Kwak DS et al., Surg Radiol Anat 2007;29:627 (proximal
tibia: width 73 mm, depth 48 mm).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advmri.simulation.frame import Frame
from advmri.simulation.implicit_surfaces import (
    ellipsoid_distance,
    rounded_intersection,
    smooth_intersection,
    smooth_union,
)
from advmri.simulation.subject import Subject

Field = NDArray[np.float32]

FEMORAL_CONDYLE_BOTTOM_MM = 2.2
"""Height of the lowest point of the femur's bone above the middle of the joint space."""

TIBIAL_PLATEAU_MM = -2.2
"""Height of the tibial plateau's bone."""

CONDYLE_CORONAL_RADII_MM = (14.0, 30.0)
"""Radius of curvature of a condyle's bearing surface in the coronal plane: outer half, inner half."""

FAR_MM = np.float32(60.0)
"""Distance given to samples so far from a bone that it is not evaluated there."""


@dataclass(frozen=True)
class Bones:
    """Signed distances in mm to the outer surfaces of the bones, negative inside, each [rows, columns]."""

    femur: Field
    tibia: Field
    fibula: Field
    patella: Field


def make_bones(frame: Frame, subject: Subject) -> Bones:
    """Evaluate all bones on one sub-slice."""
    femur, tibia, fibula, patella = (
        _evaluated_near(frame, box, solid, subject)
        for box, solid in (
            (((-55, 55), (-8, 1000)), _femur),
            (((-55, 55), (-1000, 16)), _tibia),
            (((16, 60), (-1000, 0)), _fibula),
            (((-35, 40), (0, 55)), _patella),
        )
    )
    return Bones(femur, tibia, fibula, patella)


def _evaluated_near(
    frame: Frame,
    box: tuple[tuple[float, float], tuple[float, float]],
    solid: Callable[[Frame, Subject], Field],
    subject: Subject,
) -> Field:
    """Evaluate a bone only in the box of knee coordinates that may hold it."""
    distance = np.full(frame.x.shape, FAR_MM, dtype=np.float32)
    window = frame.window(*box)
    distance[window] = solid(frame.cut(window), subject)
    return distance


def _femur(frame: Frame, subject: Subject) -> Field:
    x, y, z = frame.x, frame.y, frame.z
    solid = smooth_union(_femoral_shaft(x, y, z), _condyles(x, y, z, subject), 6.0)
    solid = smooth_union(solid, ellipsoid_distance(x, y, z, (1, -15, 27), (33, 16, 20)), 5.0)
    for side in (-1, 1):
        solid = smooth_union(solid, ellipsoid_distance(x, y, z, (side * 37, 1, 28), (5, 9, 9)), 6.0)
    groove = np.hypot(x - 2, np.float32(y + 37)) - 10
    solid = smooth_intersection(solid, -groove, 4.0)
    return smooth_intersection(solid, -_notch(x, y, z, subject), 4.0)


def _femoral_shaft(x: Field, y: float, z: Field) -> Field:
    """Elliptic tube that flares into the metaphysis and leans laterally as it rises."""
    lift = np.maximum(z - 24, 0)
    flare = np.exp(lift * lift * np.float32(-1 / (2 * 20.0**2)))
    half_width = 15.0 + 23.0 * flare
    half_depth = 14.0 + 6.0 * flare
    u = (x - 1.0 - np.float32(0.1) * lift) / half_width
    v = np.float32(y + 10.0) / half_depth
    radius = np.sqrt(u * u + v * v + np.float32(1e-6))
    slope = np.sqrt((u / half_width) ** 2 + (v / half_depth) ** 2 + np.float32(1e-8))
    return np.maximum(radius * (radius - 1) / slope, 14 - z)


def _condyles(x: Field, y: float, z: Field, subject: Subject) -> Field:
    """Two rollers: a sagittal profile of two circles-like arcs, extruded across and rounded."""
    distal = _sagittal_ellipse(y, z, (-4.0, FEMORAL_CONDYLE_BOTTOM_MM + 22.5), (25.0, 22.5))
    posterior = _sagittal_ellipse(y, z, (13.0, FEMORAL_CONDYLE_BOTTOM_MM + 19.5), (18.5, 19.0))
    profile = smooth_union(distal, posterior, 4.0)
    taper = np.float32(0.13) * np.maximum(22 - z, 0)
    solids = []
    for side, half_width in zip((-1, 1), subject.condyle_half_width_mm, strict=True):
        offset = x - np.float32(side * (subject.notch_half_width_mm - 1.5 + half_width))
        outer_radius, inner_radius = CONDYLE_CORONAL_RADII_MM
        outward = np.float32(side) * offset > 0
        curvature = np.where(outward, np.float32(0.5 / outer_radius), np.float32(0.5 / inner_radius))
        bearing = profile + offset * offset * curvature
        solids.append(
            rounded_intersection(bearing, np.abs(offset) - np.float32(half_width) + taper, subject.condyle_corner_mm)
        )
    return np.minimum(solids[0], solids[1])


def _sagittal_ellipse(y: float, z: Field, centre: tuple[float, float], radii: tuple[float, float]) -> Field:
    v = np.float32((y - centre[0]) / radii[0])
    w = (z - np.float32(centre[1])) / np.float32(radii[1])
    radius = np.sqrt(w * w + np.float32(v * v + 1e-6))
    slope = np.sqrt((w / np.float32(radii[1])) ** 2 + np.float32((v / radii[0]) ** 2 + 1e-6))
    return radius * (radius - 1) / slope


def _notch(x: Field, y: float, z: Field, subject: Subject) -> Field:
    """Intercondylar notch: an arch whose roof (Blumensaat's line) rises towards posterior at about 40 degrees."""
    roof = np.clip(15.0 + 0.75 * (y + 4.0), -6.0, 60.0)
    half_width = subject.notch_half_width_mm * np.clip(0.9 + 0.012 * y, 0.6, 1.15)
    above = np.maximum(z - np.float32(roof - half_width), 0)
    return np.hypot(x, above) - np.float32(half_width)


def _tibia(frame: Frame, subject: Subject) -> Field:
    x, y, z = frame.x, frame.y, frame.z
    drop = np.maximum(-z - 6, 0)
    flare = np.exp(drop * drop * np.float32(-1 / (2 * 20.0**2)))
    half_width = 14.0 + 23.5 * flare
    half_depth = 16.0 + 9.0 * flare
    u = x / half_width
    v = (np.float32(y + 3.0) - 5.0 * flare) / half_depth
    radius = np.sqrt(u * u + v * v + np.float32(1e-6))
    slope = np.sqrt((u / half_width) ** 2 + (v / half_depth) ** 2 + np.float32(1e-8))
    side = radius * (radius - 1) / slope
    solid = rounded_intersection(side, z - tibial_plateau_height(x, y, subject), 3.5)
    return smooth_union(solid, ellipsoid_distance(x, y, z, (2, -22, -34), (10, 8, 15)), 8.0)


def tibial_plateau_height(x: Field, y: float, subject: Subject) -> Field:
    """Height of the plateau's bone in mm: a medial dish, a flatter lateral plateau and the two spines between."""
    medial, lateral = subject.eminence_mm
    spine_medial = np.float32(medial * np.exp(-(((y - 1.0) / 8.0) ** 2))) * np.exp(-(((x + 5.0) / 3.4) ** 2))
    spine_lateral = np.float32(lateral * np.exp(-(((y - 3.0) / 7.0) ** 2))) * np.exp(-(((x - 5.0) / 3.4) ** 2))
    dish = np.exp(-(((x + 22.0) / 11.0) ** 2)) + np.float32(0.3) * np.exp(-(((x - 22.0) / 11.0) ** 2))
    return np.float32(TIBIAL_PLATEAU_MM - 0.06 * y) + spine_medial + spine_lateral - dish * np.float32(0.9)


def _fibula(frame: Frame, subject: Subject) -> Field:
    dx, dy, dz = subject.fibula_mm
    x, y, z = frame.x - np.float32(dx), frame.y - dy, frame.z - np.float32(dz)
    head = ellipsoid_distance(x, y, z, (34, 19, -22), (8, 9, 10))
    shaft = np.maximum(np.hypot(x - 36, np.float32(y - 19)) - np.float32(5.2), z + 24)
    return smooth_union(head, shaft, 6.0)


def _patella(frame: Frame, subject: Subject) -> Field:
    return ellipsoid_distance(frame.x, frame.y, frame.z, (2, -46, 26), (21, 11, 20))
