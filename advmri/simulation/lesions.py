"""Draws pathologies of the kinds annotated in fastMRI+ onto a healthy knee."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advmri.simulation import lesion_plan, tissues
from advmri.simulation.canvas import Canvas
from advmri.simulation.implicit_surfaces import coverage
from advmri.simulation.lesion_plan import PlannedLesion
from advmri.simulation.section import Section
from advmri.simulation.subject import Subject
from advmri.simulation.tissues import Tissue

Field = NDArray[np.float32]

LESION_TISSUE: dict[str, Tissue] = {
    lesion_plan.MENISCUS_TEAR: tissues.FLUID,
    lesion_plan.CARTILAGE_PARTIAL: tissues.FLUID,
    lesion_plan.CARTILAGE_FULL: tissues.FLUID,
    lesion_plan.BONE_OEDEMA: tissues.OEDEMATOUS_MARROW,
    lesion_plan.ACL_SPRAIN: tissues.OEDEMA,
    lesion_plan.MCL_SPRAIN: tissues.OEDEMA,
    lesion_plan.EFFUSION: tissues.FLUID,
}


@dataclass(frozen=True)
class Lesion:
    """A planned lesion with its place, size and look in knee coordinates (mm, radians)."""

    planned: PlannedLesion
    x: float
    z: float
    half_width: float
    half_height: float
    angle: float
    opacity: float
    phase: float

    @property
    def medial(self) -> bool:
        """Whether the lesion lies in the medial compartment."""
        return self.planned.side == "medial"


def place_lesion(planned: PlannedLesion, section: Section, subject: Subject, rng: np.random.Generator) -> Lesion:
    """Choose place, size and look of a lesion on the section through its slice's centre."""
    u = rng.uniform(size=6)
    sign = -1.0 if planned.side == "medial" else 1.0
    x, z, half_width, half_height, angle, opacity = sign * 23.0, 0.0, 6.0, 4.0, 0.0, 0.9
    label = planned.label
    if label == lesion_plan.MENISCUS_TEAR:
        meniscus = section.joint.medial_meniscus if sign < 0 else section.joint.lateral_meniscus
        x, z = _centroid(meniscus < 0, section, (sign * 31.0, 1.0))
        angle = float(rng.choice((-1, 1)) * (0.15 + 0.9 * u[0]))
        half_width, half_height, opacity = 0.55 + 0.35 * u[1], 7.0, 0.65 + 0.3 * u[2]
    elif label in (lesion_plan.CARTILAGE_PARTIAL, lesion_plan.CARTILAGE_FULL):
        x = sign * (19.0 + 9.0 * u[0])
        z = _height_at(section.joint_bones.femur, x, section, 2.5)
        half_width, opacity = 3.5 + 4.0 * u[1], 0.85 + 0.15 * u[2]
    elif label == lesion_plan.BONE_OEDEMA:
        x = sign * (18.0 + 11.0 * u[0])
        femoral = u[1] < 0.5
        bone = section.joint_bones.femur if femoral else section.joint_bones.tibia
        z = _height_at(bone, x, section, 3.0 if femoral else -3.0) + (3.0 if femoral else -3.0)
        half_width, half_height, opacity = 5.0 + 4.0 * u[2], 4.5 + 4.5 * u[3], 0.75 + 0.25 * u[4]
    elif label == lesion_plan.ACL_SPRAIN:
        x, z = _centroid(section.joint.anterior_cruciate < 0, section, (4.0, 9.0))
        half_width, half_height, opacity = 5.5, 8.0 + 4.0 * u[0], 0.35 + 0.25 * u[1]
    elif label == lesion_plan.MCL_SPRAIN:
        z = 22.0 - 26.0 * u[0]
        x, half_width, half_height, opacity = -42.0, 2.6 + 1.0 * u[1], 12.0 + 6.0 * u[2], 0.35 + 0.25 * u[3]
    elif label == lesion_plan.EFFUSION:
        x, z = sign * 36.0, 24.0 + 5.0 * u[0]
        half_width, half_height, opacity = 4.0 + 3.0 * u[1], 15.0 + 7.0 * u[2], 0.95
    return Lesion(planned, x, z, half_width, half_height, angle, opacity, float(2 * np.pi * u[5]))


def lesion_fraction(lesion: Lesion, section: Section, subject: Subject) -> Field:
    """Fraction of each sample in the section's joint window that is diseased, 0 to 1."""
    frame, bones, joint = section.joint_frame, section.joint_bones, section.joint
    x, z = frame.x - np.float32(lesion.x), frame.z - np.float32(lesion.z)
    spacing = frame.spacing_mm
    label = lesion.planned.label
    wobble = np.sin(frame.x * np.float32(0.9) + np.float32(lesion.phase)) + np.sin(
        frame.z * np.float32(0.7) + np.float32(2 * lesion.phase)
    )
    if label == lesion_plan.MENISCUS_TEAR:
        meniscus = joint.medial_meniscus if lesion.medial else joint.lateral_meniscus
        across = x * np.float32(np.sin(lesion.angle)) + z * np.float32(np.cos(lesion.angle)) + wobble * 0.3
        along = x * np.float32(np.cos(lesion.angle)) - z * np.float32(np.sin(lesion.angle))
        inside = coverage(meniscus - np.float32(0.3), spacing) * _soft(np.abs(along) - lesion.half_height, 1.0)
        cleft = coverage(np.abs(across) - np.float32(lesion.half_width), spacing)
        haze = np.float32(0.3) * np.exp(-((across / 2.0) ** 2))
        return inside * np.maximum(cleft, haze) * np.float32(lesion.opacity)
    if label in (lesion_plan.CARTILAGE_PARTIAL, lesion_plan.CARTILAGE_FULL):
        layer = coverage(joint.femoral_cartilage - np.float32(0.4), spacing)
        remaining = np.float32(0.45 if label == lesion_plan.CARTILAGE_PARTIAL else 0.0) * joint.femoral_cartilage_mm
        layer = layer * coverage(remaining - bones.femur, spacing)
        below = _soft(frame.z - np.float32(lesion.z + 7.0), 1.0)
        return layer * below * _soft(np.abs(x) + wobble * 0.5 - np.float32(lesion.half_width), 1.2) * lesion.opacity
    if label == lesion_plan.BONE_OEDEMA:
        bone = bones.femur if lesion.z > 0 else bones.tibia
        distance = np.hypot(x / np.float32(lesion.half_width), z / np.float32(lesion.half_height)) + wobble * 0.12
        return coverage(bone + 1, spacing) * np.exp(-(distance**4) * np.float32(0.8)) * np.float32(lesion.opacity)
    if label == lesion_plan.ACL_SPRAIN:
        bone = np.minimum(bones.femur, bones.tibia)
        inside = _soft(joint.anterior_cruciate + wobble * 0.5 - np.float32(1.2), 1.5) * coverage(-bone, spacing)
        return inside * (np.float32(0.75) + wobble * np.float32(0.12)) * np.float32(lesion.opacity)
    if label == lesion_plan.MCL_SPRAIN:
        sheet = _soft(np.abs(joint.hull - np.float32(2.2)) - np.float32(lesion.half_width - 1.2) + wobble * 0.3, 1.0)
        extent = _soft(np.abs(z) - np.float32(lesion.half_height), 3.0)
        return sheet * extent * coverage(frame.x + 28, spacing) * np.float32(lesion.opacity)
    if label == lesion_plan.EFFUSION:
        distance = np.float32(lesion.half_width) * (1 - (z / np.float32(lesion.half_height)) ** 2)
        lens = np.maximum(joint.hull - distance + wobble * 0.4, 0.2 - np.minimum(bones.femur, bones.tibia))
        side = coverage(np.where(lesion.medial, frame.x + 20, 20 - frame.x), spacing)
        return coverage(lens, spacing) * side * (np.abs(z) < lesion.half_height) * np.float32(lesion.opacity)
    raise ValueError(f"no lesion is drawn for label {label!r}")


def paint_lesion(canvas: Canvas, lesion: Lesion, section: Section, subject: Subject) -> None:
    """Paint a lesion over the healthy tissue."""
    canvas.blend(lesion_fraction(lesion, section, subject), LESION_TISSUE[lesion.planned.label], section.window)


def _soft(distance: Field, width_mm: float) -> Field:
    """A surface blurred over the given width in mm."""
    t = np.clip(0.5 - distance / np.float32(2 * width_mm), 0, 1)
    return t * t * (3 - 2 * t)


def _centroid(inside: NDArray[np.bool_], section: Section, fallback: tuple[float, float]) -> tuple[float, float]:
    if not inside.any():
        return fallback
    return float(section.joint_frame.x[inside].mean()), float(section.joint_frame.z[inside].mean())


def _height_at(bone: Field, x: float, section: Section, fallback: float) -> float:
    """Height of a bone's surface next to the joint line at a left-right position."""
    near = (np.abs(section.joint_frame.x - x) < section.joint_frame.spacing_mm) & (np.abs(bone) < section.joint_frame.spacing_mm)
    near &= np.abs(section.joint_frame.z) < 12
    return float(section.joint_frame.z[near].mean()) if near.any() else fallback
