"""Draws pathologies of the kinds annotated in fastMRI+ onto a healthy knee.

A pathology is a tissue, a way to choose its place and size in a slice, and the fraction of each sample it takes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advmri.simulation import lesion_plan, tissues
from advmri.simulation.canvas import Canvas
from advmri.simulation.implicit_surfaces import Field, coverage
from advmri.simulation.lesion_plan import PlannedLesion
from advmri.simulation.section import Section
from advmri.simulation.tissues import Tissue

MEDIAL, LATERAL = -1, 1

RESIDUAL_CARTILAGE = {lesion_plan.CARTILAGE_PARTIAL: 0.45, lesion_plan.CARTILAGE_FULL: 0.0}
"""Share of the cartilage's thickness left under a defect."""


@dataclass(frozen=True)
class Lesion:
    """A planned lesion with its place, size and look in knee coordinates (mm, radians)."""

    planned: PlannedLesion
    side: int
    """-1 medial, +1 lateral."""
    x: float
    z: float
    half_width: float
    half_height: float
    opacity: float
    phase: float
    """Of the wobble that makes its outline irregular."""
    angle: float = 0.0


@dataclass(frozen=True)
class Pathology:
    """How one kind of lesion is placed and drawn."""

    tissue: Tissue
    place: Callable[[PlannedLesion, Section, np.random.Generator], Lesion]
    fraction: Callable[[Lesion, Section], Field]


def place_lesion(planned: PlannedLesion, section: Section, rng: np.random.Generator) -> Lesion:
    """Choose place, size and look of a lesion on the section through its slice's centre."""
    return PATHOLOGIES[planned.label].place(planned, section, rng)


def lesion_fraction(lesion: Lesion, section: Section) -> Field:
    """Fraction of each sample in the section's joint window that is diseased, 0 to 1."""
    return PATHOLOGIES[lesion.planned.label].fraction(lesion, section)


def paint_lesion(canvas: Canvas, lesion: Lesion, section: Section) -> None:
    """Paint a lesion over the healthy tissue."""
    canvas.blend(lesion_fraction(lesion, section), PATHOLOGIES[lesion.planned.label].tissue, section.window)


def _place_meniscus_tear(planned: PlannedLesion, section: Section, rng: np.random.Generator) -> Lesion:
    side = _side(planned)
    menisci = {MEDIAL: section.joint.medial_meniscus, LATERAL: section.joint.lateral_meniscus}
    if (menisci[side] < 0).sum() < (menisci[-side] < 0).sum() / 3:
        # The planned meniscus ends before this slice: tear the other one.
        side = -side
    x, z = _centroid(menisci[side] < 0, section, (side * 31.0, 1.0))
    angle = float(rng.choice((-1, 1)) * rng.uniform(0.15, 1.05))
    return Lesion(planned, side, x, z, rng.uniform(0.6, 1.0), 7.0, rng.uniform(0.65, 0.95), _phase(rng), angle)


def _meniscus_tear(lesion: Lesion, section: Section) -> Field:
    """A cleft through the meniscus with a hazy, degenerate border."""
    meniscus = section.joint.medial_meniscus if lesion.side < 0 else section.joint.lateral_meniscus
    x, z = _offsets(lesion, section)
    sine, cosine = np.float32(np.sin(lesion.angle)), np.float32(np.cos(lesion.angle))
    across = x * sine + z * cosine + _wobble(lesion, section) * np.float32(0.3)
    along = x * cosine - z * sine
    spacing = section.frame.spacing_mm
    inside = coverage(meniscus - np.float32(0.3), spacing) * _soft(np.abs(along) - np.float32(lesion.half_height), 1.0)
    cleft = coverage(np.abs(across) - np.float32(lesion.half_width), spacing)
    haze = np.float32(0.3) * np.exp(-((across / 2) ** 2))
    return inside * np.maximum(cleft, haze) * np.float32(lesion.opacity)


def _place_cartilage_defect(planned: PlannedLesion, section: Section, rng: np.random.Generator) -> Lesion:
    side = _side(planned)
    x = side * rng.uniform(19.0, 28.0)
    z = _surface_height(section.joint_bones.femur, x, section, 2.5)
    return Lesion(planned, side, x, z, rng.uniform(3.5, 7.5), 7.0, rng.uniform(0.85, 1.0), _phase(rng))


def _cartilage_defect(lesion: Lesion, section: Section) -> Field:
    """Fluid in place of the femoral cartilage, or of its superficial layers."""
    joint, spacing = section.joint, section.frame.spacing_mm
    x, z = _offsets(lesion, section)
    left = np.float32(RESIDUAL_CARTILAGE[lesion.planned.label]) * joint.femoral_cartilage_mm
    layer = coverage(joint.femoral_cartilage - np.float32(0.4), spacing)
    layer = layer * coverage(left - section.joint_bones.femur, spacing) * _soft(z - np.float32(lesion.half_height), 1.0)
    edge = np.abs(x) + _wobble(lesion, section) * np.float32(0.5) - np.float32(lesion.half_width)
    return layer * _soft(edge, 1.2) * np.float32(lesion.opacity)


def _place_bone_oedema(planned: PlannedLesion, section: Section, rng: np.random.Generator) -> Lesion:
    side = _side(planned)
    x = side * rng.uniform(18.0, 29.0)
    bone, up = (section.joint_bones.femur, 1) if rng.uniform() < 0.5 else (section.joint_bones.tibia, -1)
    z = _surface_height(bone, x, section, 3.0 * up) + 3.0 * up
    half_width, half_height = rng.uniform(5.0, 9.0), rng.uniform(4.5, 9.0)
    return Lesion(planned, side, x, z, half_width, half_height, rng.uniform(0.5, 0.85), _phase(rng))


def _bone_oedema(lesion: Lesion, section: Section) -> Field:
    """A cloud in the marrow under the joint surface."""
    bone = section.joint_bones.femur if lesion.z > 0 else section.joint_bones.tibia
    x, z = _offsets(lesion, section)
    distance = np.hypot(x / np.float32(lesion.half_width), z / np.float32(lesion.half_height))
    distance += _wobble(lesion, section) * np.float32(0.12)
    cloud = np.exp(-(distance**3) * np.float32(0.8))
    return coverage(bone + 1, section.frame.spacing_mm) * cloud * np.float32(lesion.opacity)


def _place_anterior_cruciate_sprain(planned: PlannedLesion, section: Section, rng: np.random.Generator) -> Lesion:
    x, z = _centroid(section.joint.anterior_cruciate < 0, section, (4.0, 9.0))
    return Lesion(planned, LATERAL, x, z, 5.5, 10.0, rng.uniform(0.35, 0.6), _phase(rng))


def _anterior_cruciate_sprain(lesion: Lesion, section: Section) -> Field:
    """A swollen ligament with raised signal."""
    bone = np.minimum(section.joint_bones.femur, section.joint_bones.tibia)
    wobble = _wobble(lesion, section)
    swollen = _soft(section.joint.anterior_cruciate + wobble * np.float32(0.5) - np.float32(1.2), 1.5)
    swollen = swollen * coverage(-bone, section.frame.spacing_mm)
    return swollen * (np.float32(0.75) + wobble * np.float32(0.12)) * np.float32(lesion.opacity)


def _place_medial_collateral_sprain(planned: PlannedLesion, section: Section, rng: np.random.Generator) -> Lesion:
    z, half_width, half_height = rng.uniform(-4.0, 22.0), rng.uniform(2.6, 3.6), rng.uniform(12.0, 18.0)
    return Lesion(planned, MEDIAL, -42.0, z, half_width, half_height, rng.uniform(0.35, 0.6), _phase(rng))


def _medial_collateral_sprain(lesion: Lesion, section: Section) -> Field:
    """Oedema in and around the ligament."""
    _, z = _offsets(lesion, section)
    ligament = np.abs(section.joint.hull - np.float32(2.2)) - np.float32(lesion.half_width - 1.2)
    sheet = _soft(ligament + _wobble(lesion, section) * np.float32(0.3), 1.0)
    medial = coverage(section.joint_frame.x + 28, section.frame.spacing_mm)
    return sheet * medial * _soft(np.abs(z) - np.float32(lesion.half_height), 3.0) * np.float32(lesion.opacity)


def _place_effusion(planned: PlannedLesion, section: Section, rng: np.random.Generator) -> Lesion:
    side = _side(planned)
    z, half_width, half_height = rng.uniform(24.0, 29.0), rng.uniform(3.5, 6.5), rng.uniform(14.0, 21.0)
    return Lesion(planned, side, side * 36.0, z, half_width, half_height, 0.95, _phase(rng))


def _effusion(lesion: Lesion, section: Section) -> Field:
    """Fluid that distends the recess beside the femoral condyle."""
    _, z = _offsets(lesion, section)
    spacing = section.frame.spacing_mm
    depth = np.float32(lesion.half_width) * (1 - (z / np.float32(lesion.half_height)) ** 2)
    outside_bone = np.float32(0.2) - np.minimum(section.joint_bones.femur, section.joint_bones.tibia)
    lens = np.maximum(section.joint.hull - depth + _wobble(lesion, section) * np.float32(0.4), outside_bone)
    beside = coverage(20 - lesion.side * section.joint_frame.x, spacing)
    return coverage(lens, spacing) * beside * (np.abs(z) < lesion.half_height) * np.float32(lesion.opacity)


PATHOLOGIES = {
    lesion_plan.MENISCUS_TEAR: Pathology(tissues.FLUID, _place_meniscus_tear, _meniscus_tear),
    lesion_plan.CARTILAGE_PARTIAL: Pathology(tissues.FLUID, _place_cartilage_defect, _cartilage_defect),
    lesion_plan.CARTILAGE_FULL: Pathology(tissues.FLUID, _place_cartilage_defect, _cartilage_defect),
    lesion_plan.BONE_OEDEMA: Pathology(tissues.OEDEMATOUS_MARROW, _place_bone_oedema, _bone_oedema),
    lesion_plan.ACL_SPRAIN: Pathology(tissues.OEDEMA, _place_anterior_cruciate_sprain, _anterior_cruciate_sprain),
    lesion_plan.MCL_SPRAIN: Pathology(tissues.OEDEMA, _place_medial_collateral_sprain, _medial_collateral_sprain),
    lesion_plan.EFFUSION: Pathology(tissues.FLUID, _place_effusion, _effusion),
}


def _side(planned: PlannedLesion) -> int:
    return MEDIAL if planned.side == "medial" else LATERAL


def _phase(rng: np.random.Generator) -> float:
    return float(rng.uniform(0, 2 * np.pi))


def _offsets(lesion: Lesion, section: Section) -> tuple[Field, Field]:
    return section.joint_frame.x - np.float32(lesion.x), section.joint_frame.z - np.float32(lesion.z)


def _wobble(lesion: Lesion, section: Section) -> Field:
    """A smooth irregularity between -2 and 2 with a wavelength of about 8 mm."""
    along_x = np.sin(section.joint_frame.x * np.float32(0.9) + np.float32(lesion.phase))
    return along_x + np.sin(section.joint_frame.z * np.float32(0.7) + np.float32(2 * lesion.phase))


def _soft(distance: Field, width_mm: float) -> Field:
    """A surface blurred over the given width in mm."""
    t = np.clip(0.5 - distance / np.float32(2 * width_mm), 0, 1)
    return t * t * (3 - 2 * t)


def _centroid(inside: NDArray[np.bool_], section: Section, fallback: tuple[float, float]) -> tuple[float, float]:
    if not inside.any():
        return fallback
    return float(section.joint_frame.x[inside].mean()), float(section.joint_frame.z[inside].mean())


def _surface_height(bone: Field, x: float, section: Section, fallback: float) -> float:
    """Height of a bone's surface next to the joint line at a left-right position."""
    frame = section.joint_frame
    near = (np.abs(frame.x - x) < frame.spacing_mm) & (np.abs(bone) < frame.spacing_mm) & (np.abs(frame.z) < 12)
    return float(frame.z[near].mean()) if near.any() else fallback
