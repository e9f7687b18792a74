"""Cartilage, menisci and ligaments between the bones, as signed distances in the knee's frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advmri.simulation.bones import Bones, tibial_plateau_height
from advmri.simulation.frame import Frame
from advmri.simulation.implicit_surfaces import segment_distance, smooth_union
from advmri.simulation.subject import Subject

Field = NDArray[np.float32]


@dataclass(frozen=True)
class Meniscus:
    """Centre and radii of a meniscus seen from above, in mm; its inner rim as a fraction of the outer one."""

    side: int
    centre: tuple[float, float]
    radii: tuple[float, float]
    inner_anterior: float
    inner_posterior: float


MENISCI = (
    Meniscus(-1, (-22.0, 2.0), (16.5, 22.0), 0.50, 0.34),
    Meniscus(1, (21.5, 1.0), (16.5, 17.5), 0.44, 0.38),
)

# Attachments (x, y, z) in mm: Girgis FG et al., Clin Orthop 1975;106:216-231.
ANTERIOR_CRUCIATE = (((-2.5, -10.0, 0.0), (8.5, 10.0, 22.0)), ((1.5, -6.0, 0.5), (9.5, 15.0, 17.0)))
POSTERIOR_CRUCIATE = (((-8.0, -4.0, 17.0), (-3.0, 12.0, 8.0)), ((-3.0, 12.0, 8.0), (0.0, 26.0, -9.0)))
ANTERIOR_CRUCIATE_RADIUS_MM = 3.6
POSTERIOR_CRUCIATE_RADIUS_MM = 4.3
LATERAL_COLLATERAL = ((40.5, 3.0, 27.0), (37.0, 19.0, -14.0))
LATERAL_COLLATERAL_RADIUS_MM = 1.7

MEDIAL_COLLATERAL_MM = {"top": 30.0, "bottom": -48.0, "anterior": -9.0, "posterior": 11.0, "half_thickness": 1.15}
"""The superficial medial collateral ligament: a flat band from the epicondyle to the tibia below the joint."""


@dataclass(frozen=True)
class Joint:
    """Signed distances in mm, negative inside, each [rows, columns]."""

    femoral_cartilage: Field
    tibial_cartilage: Field
    femoral_cartilage_mm: Field
    """Local thickness of the femoral cartilage."""
    tibial_cartilage_mm: Field
    medial_meniscus: Field
    lateral_meniscus: Field
    anterior_cruciate: Field
    posterior_cruciate: Field
    medial_collateral: Field
    lateral_collateral: Field
    hull: Field
    """Bones and menisci under one smooth skin: the inner side of the capsule."""


def make_joint(frame: Frame, subject: Subject, bones: Bones) -> Joint:
    """Evaluate cartilage, menisci and ligaments on one sub-slice."""
    femoral_mm = _femoral_cartilage_thickness(frame, subject)
    tibial_mm = _tibial_cartilage_thickness(frame, subject)
    femoral = bones.femur - femoral_mm
    tibial = bones.tibia - tibial_mm
    medial, lateral = (_meniscus(frame, subject, meniscus, femoral, tibial) for meniscus in MENISCI)
    hull = smooth_union(bones.femur, bones.tibia, 20.0)
    hull = smooth_union(hull, np.minimum(medial, lateral), 5.0)
    return Joint(
        femoral,
        tibial,
        femoral_mm,
        tibial_mm,
        medial,
        lateral,
        _bundles(frame, ANTERIOR_CRUCIATE, ANTERIOR_CRUCIATE_RADIUS_MM),
        _bundles(frame, POSTERIOR_CRUCIATE, POSTERIOR_CRUCIATE_RADIUS_MM),
        _medial_collateral(frame, hull),
        _bundles(frame, (LATERAL_COLLATERAL,), LATERAL_COLLATERAL_RADIUS_MM),
        hull,
    )


def _femoral_cartilage_thickness(frame: Frame, subject: Subject) -> Field:
    """Full on the bearing surface, thinning to nothing at the notch, at the outer edges and above the condyles."""
    x, y, z = frame.x, frame.y, frame.z
    posterior = np.clip((y - 4.0) / 20.0, 0.0, 1.0)
    top = 13.0 + 22.0 * posterior
    across = np.abs(x)
    outer = np.clip((38.0 - across) / 7.0, 0.0, 1.0)
    inner = np.clip((across - np.float32(subject.notch_half_width_mm - 3.0)) / 4.0, 0.0, 1.0)
    if y < -8.0:
        # In front of the notch the trochlea carries cartilage all across.
        inner = np.maximum(inner, np.float32(min((-8.0 - y) / 5.0, 1.0)))
    upper = np.clip((np.float32(top) - z) / 6.0, 0.0, 1.0)
    return np.float32(subject.cartilage_mm[0]) * outer * inner * upper - np.float32(0.05)


def _tibial_cartilage_thickness(frame: Frame, subject: Subject) -> Field:
    across = np.abs(frame.x)
    outer = np.clip((36.0 - across) / 5.0, 0.0, 1.0)
    inner = np.clip((across - np.float32(6.5)) / 5.0, 0.0, 1.0)
    lower = np.clip((frame.z + np.float32(9.0)) / 3.0, 0.0, 1.0)
    depth = np.float32(np.clip((25.0 - abs(frame.y - 2.0)) / 5.0, 0.0, 1.0))
    return np.float32(subject.cartilage_mm[1]) * outer * inner * lower * depth - np.float32(0.05)


def _meniscus(frame: Frame, subject: Subject, meniscus: Meniscus, femoral: Field, tibial: Field) -> Field:
    """Fill the space between the cartilages, from a C-shaped inner rim to the capsule: a wedge in coronal slices."""
    dx = (frame.x - np.float32(meniscus.centre[0])) / np.float32(meniscus.radii[0])
    dy = np.float32((frame.y - meniscus.centre[1]) / meniscus.radii[1])
    rim = np.sqrt(dx * dx + np.float32(dy * dy + 1e-6))
    inner = meniscus.inner_posterior if dy > 0 else meniscus.inner_anterior
    width = np.float32(meniscus.radii[0])
    ring = np.maximum(rim - 1, np.float32(inner) - rim) * width
    towards_notch = -meniscus.side * dx
    opening = (towards_notch - np.float32(0.5) * rim) * width
    plateau = tibial_plateau_height(frame.x, frame.y, subject)
    top = frame.z - plateau - np.float32(subject.cartilage_mm[1] + subject.meniscus_height_mm)
    gap = np.maximum(np.float32(0.25) - femoral, np.float32(0.25) - tibial)
    bottom = plateau - frame.z
    return np.maximum(np.maximum(ring, opening), np.maximum(np.maximum(top, bottom), gap))


def _bundles(frame: Frame, bundles: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...], radius_mm: float) -> Field:
    """Distance to fibre bundles between two points each, fanning out towards both attachments."""
    solid: Field | None = None
    for start, end in bundles:
        distance, along = segment_distance(frame.x, frame.y, frame.z, start, end)  # type: ignore[arg-type]
        bundle = distance - np.float32(radius_mm) * (1 + np.abs(along - np.float32(0.5)) * np.float32(0.5))
        solid = bundle if solid is None else smooth_union(solid, bundle, 1.5)
    assert solid is not None
    return solid


def _medial_collateral(frame: Frame, hull: Field) -> Field:
    """A band that hugs the joint on its medial side."""
    band = MEDIAL_COLLATERAL_MM
    outside_depth = max(band["anterior"] - frame.y, frame.y - band["posterior"])
    sheet = np.abs(hull - np.float32(1.6)) - np.float32(band["half_thickness"])
    ends = np.maximum(frame.z - np.float32(band["top"]), np.float32(band["bottom"]) - frame.z)
    return np.maximum(np.maximum(sheet, ends), np.maximum(frame.x + 20, np.float32(outside_depth)))
