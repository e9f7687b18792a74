"""Paints one sub-slice of a knee, from the skin inwards."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advmri.simulation import tissues
from advmri.simulation.bones import Bones, make_bones
from advmri.simulation.canvas import Canvas
from advmri.simulation.frame import Frame
from advmri.simulation.implicit_surfaces import coverage
from advmri.simulation.joint import Joint, make_joint
from advmri.simulation.limb import limb_distances
from advmri.simulation.muscles import MUSCLES, muscle_distance
from advmri.simulation.subject import Subject
from advmri.simulation.texture import Textures

Field = NDArray[np.float32]

SKIN_MM = 1.5
FASCIA_HALF_MM = 0.4
PERIOSTEAL_FAT_MM = 2.5


@dataclass(frozen=True)
class Section:
    """One sub-slice: where its samples lie and the surfaces lesions refer to."""

    frame: Frame
    bones: Bones
    joint: Joint


def make_section(frame: Frame, subject: Subject) -> Section:
    """Evaluate bones and joint on one sub-slice."""
    bones = make_bones(frame, subject)
    return Section(frame, bones, make_joint(frame, subject, bones))


def paint_section(canvas: Canvas, section: Section, subject: Subject, textures: Textures) -> None:
    """Paint the healthy knee."""
    rough = textures.roughness
    fascia = _paint_limb(canvas, section.frame, subject, textures)
    _paint_muscles(canvas, section, subject, textures, fascia)
    _paint_vessels(canvas, section.frame, textures, fascia)
    _paint_capsule(canvas, section, subject, textures)
    _paint_bones(canvas, section, subject, textures, rough)
    _paint_joint(canvas, section, textures)


def _paint_limb(canvas: Canvas, frame: Frame, subject: Subject, textures: Textures) -> Field:
    skin, fascia = limb_distances(frame, subject)
    skin = skin + textures.patches * np.float32(0.3)
    fascia = fascia + textures.patches * np.float32(0.8) + textures.roughness * np.float32(0.15)
    canvas.fill(skin, tissues.SKIN, texture=1 + np.float32(0.15) * textures.mottle)
    fat_texture = 1 + np.float32(0.05) * textures.mottle + np.float32(0.03) * textures.patches
    canvas.fill(skin + np.float32(SKIN_MM), tissues.SUBCUTANEOUS_FAT, texture=fat_texture)
    inside = coverage(skin + np.float32(SKIN_MM), canvas.spacing_mm)
    canvas.blend(inside * textures.septa * np.float32(0.4), tissues.SEPTUM)
    canvas.fill(fascia, tissues.DEEP_FAT, texture=fat_texture)
    canvas.fill(np.abs(fascia) - np.float32(FASCIA_HALF_MM), tissues.LIGAMENT, opacity=0.75)
    deep = coverage(fascia, canvas.spacing_mm)
    canvas.blend(deep * textures.septa * np.float32(0.22), tissues.SEPTUM)
    return fascia


def _paint_muscles(canvas: Canvas, section: Section, subject: Subject, textures: Textures, fascia: Field) -> None:
    bone = np.minimum(section.bones.femur, section.bones.tibia)
    for muscle in MUSCLES:
        found = muscle_distance(section.frame, muscle, subject.muscle)
        if found is None:
            continue
        distance, window = found
        edge = textures.roughness[window] * np.float32(0.2) + textures.patches[window] * np.float32(1.0)
        distance = np.maximum(distance + edge, fascia[window] + np.float32(0.9))
        distance = np.maximum(distance, np.float32(PERIOSTEAL_FAT_MM) - bone[window])
        canvas.fill(distance - np.float32(1.0), tissues.DEEP_FAT, window, opacity=0.9)
        fascicles = textures.fascicles[window]
        body = coverage(distance, canvas.spacing_mm)
        texture = 1 + np.float32(0.05) * fascicles + np.float32(0.04) * textures.mottle[window]
        canvas.blend(body, tissues.MUSCLE, window, texture=texture)
        streaks = np.clip(fascicles * np.float32(0.5) - np.float32(0.9), 0, 0.7) * np.float32(subject.muscle_fat)
        canvas.blend(body * streaks, tissues.DEEP_FAT, window)


def _paint_vessels(canvas: Canvas, frame: Frame, textures: Textures, fascia: Field) -> None:
    """Popliteal artery and vein along the limb behind the joint; they wind a little."""
    for centre_x, centre_y, radius, tissue in (
        (2.0, 30.0, 3.6, tissues.FLOWING_BLOOD),
        (6.5, 34.0, 4.6, tissues.SLOW_BLOOD),
        (-50.0, 30.0, 2.0, tissues.SLOW_BLOOD),
    ):
        path = centre_x + 3.0 * np.sin(frame.z / 23.0)
        depth = np.float32(frame.y - centre_y) + 2.0 * np.sin(frame.z / 31.0 + 1.0)
        distance = np.hypot(frame.x - path, depth) - np.float32(radius)
        canvas.fill(distance - np.float32(0.7), tissues.LIGAMENT, opacity=0.6)
        canvas.fill(distance, tissue)


def _paint_capsule(canvas: Canvas, section: Section, subject: Subject, textures: Textures) -> None:
    """Synovial fluid film, capsule, and the extra-articular ligaments."""
    frame, joint = section.frame, section.joint
    window = frame.window((-60, 60), (-50, 45))
    x, z = frame.x[window], frame.z[window]
    rough = textures.roughness[window]
    hull = joint.hull[window] + rough * np.float32(0.3)
    inside = np.clip((z + 13) / 4, 0, 1) * np.clip((40 - z) / 6, 0, 1)
    film = coverage(hull - np.float32(subject.fluid_mm), canvas.spacing_mm) * inside
    canvas.blend(film * np.float32(0.55), tissues.FLUID, window)
    line = coverage(np.abs(hull - np.float32(3.0)) - np.float32(0.45), canvas.spacing_mm)
    canvas.blend(line * inside * np.float32(0.55), tissues.LIGAMENT, window)
    fibre = 1 + np.float32(0.3) * textures.fibres[window]
    canvas.fill(joint.medial_collateral[window] + rough * np.float32(0.2), tissues.LIGAMENT, window, texture=fibre)
    canvas.fill(joint.lateral_collateral[window], tissues.LIGAMENT, window, texture=fibre)


def _paint_bones(canvas: Canvas, section: Section, subject: Subject, textures: Textures, rough: Field) -> None:
    frame, bones, joint = section.frame, section.bones, section.joint
    z = frame.z
    cartilage_texture = 1 + np.float32(0.06) * textures.mottle
    for distance in (joint.femoral_cartilage, joint.tibial_cartilage):
        canvas.fill(distance, tissues.CARTILAGE, texture=cartilage_texture)
    shaft = np.clip((np.abs(z - 5) - 38) / 40, 0, 1)
    cortex = np.float32(0.9) + np.float32(subject.cortex_mm) * shaft
    marrow_texture = 1 + np.float32(0.085) * textures.trabeculae + np.float32(0.05) * textures.mottle
    red = np.clip((np.abs(z - 5) - 26) / 14, 0, 1) * np.clip((80 - np.abs(z)) / 30, 0, 1)
    red = red * np.clip(0.5 + textures.patches * np.float32(0.5), 0, 1) * np.float32(0.7 * subject.red_marrow)
    for distance, cartilage in (
        (bones.femur, joint.femoral_cartilage_mm),
        (bones.tibia, joint.tibial_cartilage_mm),
        (bones.fibula, None),
        (bones.patella, None),
    ):
        edge = distance + rough * np.float32(0.15)
        if cartilage is not None:
            canvas.fill(edge - np.float32(0.35) * cartilage, tissues.DEEP_CARTILAGE)
        canvas.fill(edge, tissues.CORTICAL_BONE)
        marrow = edge + cortex
        inside = coverage(marrow, canvas.spacing_mm)
        canvas.blend(inside, tissues.YELLOW_MARROW, texture=marrow_texture)
        canvas.blend(inside * red, tissues.RED_MARROW, texture=marrow_texture)
    _paint_physis(canvas, section, subject, textures)


def _paint_physis(canvas: Canvas, section: Section, subject: Subject, textures: Textures) -> None:
    """Scars of the growth plates: thin, wavy, interrupted dark lines."""
    frame = section.frame
    wave = textures.patches * np.float32(1.2) + textures.roughness * np.float32(0.5)
    for bone, height, sag in (
        (section.bones.femur, subject.physis_mm[0], 0.004),
        (section.bones.tibia, -subject.physis_mm[1], -0.002),
    ):
        level = frame.z - np.float32(height) + frame.x * frame.x * np.float32(sag) + wave
        line = coverage(np.abs(level) - np.float32(0.5), canvas.spacing_mm) * coverage(bone + 1, canvas.spacing_mm)
        strength = np.clip(0.5 + 0.35 * textures.mottle, 0.1, 0.9)
        canvas.blend(line * strength, tissues.SCAR_BONE)


def _paint_joint(canvas: Canvas, section: Section, textures: Textures) -> None:
    """Menisci and cruciate ligaments."""
    frame, joint, bones = section.frame, section.joint, section.bones
    window = frame.window((-46, 46), (-16, 34))
    rough = textures.roughness[window]
    fibre = 1 + np.float32(0.4) * textures.fibres[window]
    for meniscus in (joint.medial_meniscus, joint.lateral_meniscus):
        canvas.fill(meniscus[window] + rough * np.float32(0.2), tissues.MENISCUS, window, texture=fibre)
    bone = np.minimum(bones.femur, bones.tibia)[window]
    for ligament, tissue in (
        (joint.posterior_cruciate, tissues.LIGAMENT),
        (joint.anterior_cruciate, tissues.CRUCIATE),
    ):
        distance = np.maximum(ligament[window] + rough * np.float32(0.4), np.float32(0.3) - bone)
        canvas.fill(distance - np.float32(0.7), tissues.FLUID, window, opacity=0.35)
        canvas.fill(distance, tissue, window, texture=fibre)
