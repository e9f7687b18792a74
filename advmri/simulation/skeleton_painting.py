"""Paints bones, cartilage, capsule, menisci and ligaments."""

import numpy as np
from numpy.typing import NDArray

from advmri.simulation import tissues
from advmri.simulation.canvas import Canvas
from advmri.simulation.frame import Window
from advmri.simulation.implicit_surfaces import coverage
from advmri.simulation.section import Section
from advmri.simulation.subject import Subject
from advmri.simulation.texture import Textures

Field = NDArray[np.float32]

SUBCHONDRAL_PLATE_MM = 0.8
CAPSULE_DISTANCE_MM = 3.0
CAPSULE_HALF_MM = 0.45

BONE_BOXES_MM: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "femur": ((-50.0, 50.0), (-4.0, 1000.0)),
    "tibia": ((-46.0, 46.0), (-1000.0, 12.0)),
    "fibula": ((16.0, 60.0), (-1000.0, 0.0)),
    "patella": ((-35.0, 40.0), (0.0, 55.0)),
}


def paint_capsule(canvas: Canvas, section: Section, subject: Subject, textures: Textures) -> None:
    """Paint the synovial fluid film, the capsule and the ligaments outside it."""
    joint, window = section.joint, section.window
    z = section.joint_frame.z
    rough = textures.roughness[window]
    hull = joint.hull + rough * np.float32(0.3)
    inside = (np.clip((z + 13) / 4, 0, 1) * np.clip((40 - z) / 6, 0, 1)).astype(np.float32)
    surface = np.minimum(joint.femoral_cartilage, joint.tibial_cartilage)
    film = coverage(np.maximum(surface - np.float32(subject.fluid_mm), hull), canvas.spacing_mm)
    canvas.blend(film * inside * np.float32(0.7), tissues.FLUID, window)
    line = coverage(np.abs(hull - np.float32(CAPSULE_DISTANCE_MM)) - np.float32(CAPSULE_HALF_MM), canvas.spacing_mm)
    strength: Field = np.clip(np.float32(0.5) + np.float32(0.3) * textures.mottle[window], 0, 0.9)
    canvas.blend(line * inside * strength, tissues.LIGAMENT, window)
    canvas.fill(joint.medial_collateral + rough * np.float32(0.2), tissues.LIGAMENT, window)
    canvas.fill(joint.lateral_collateral, tissues.LIGAMENT, window)


def paint_bones(canvas: Canvas, section: Section, subject: Subject, textures: Textures) -> None:
    """Paint cartilage, cortex and marrow."""
    joint = section.joint
    cartilage_texture = 1 + np.float32(0.06) * textures.mottle[section.window]
    for bone, layer, thickness in (
        (section.joint_bones.femur, joint.femoral_cartilage, joint.femoral_cartilage_mm),
        (section.joint_bones.tibia, joint.tibial_cartilage, joint.tibial_cartilage_mm),
    ):
        width = _edge_width(bone, canvas.spacing_mm, section.sub_slice_mm)
        canvas.blend(coverage(layer, width), tissues.CARTILAGE, section.window, texture=cartilage_texture)
        deep = coverage(bone - np.float32(0.35) * thickness, width) * (thickness > 0)
        canvas.blend(deep, tissues.DEEP_CARTILAGE, section.window)
    for name, box in BONE_BOXES_MM.items():
        window = section.frame.window(*box)
        distance: Field = getattr(section.bones, name)[window]
        if distance.size and distance.min() < 2:
            _paint_bone(canvas, section, subject, textures, distance, window)
    _paint_physis(canvas, section, subject, textures)


def _paint_bone(
    canvas: Canvas, section: Section, subject: Subject, textures: Textures, distance: Field, window: Window
) -> None:
    """Paint a cortex that thickens towards the shaft, and textured marrow with islands of red marrow."""
    z = section.frame.z[window]
    edge = distance + textures.roughness[window] * np.float32(0.15)
    width = _edge_width(distance, canvas.spacing_mm, section.sub_slice_mm)
    canvas.blend(coverage(edge, width), tissues.CORTICAL_BONE, window)
    shaft = np.clip((np.abs(z - 5) - 38) / 40, 0, 1)
    mottle, patches = textures.mottle[window], textures.patches[window]
    plate = np.float32(SUBCHONDRAL_PLATE_MM) * np.clip(1 + np.float32(0.35) * patches, 0.4, 1.8)
    edge += plate + np.float32(subject.cortex_mm) * shaft
    inside = coverage(edge, width)
    trabeculae = 1 + np.float32(0.085) * textures.trabeculae[window] + np.float32(0.05) * mottle
    canvas.blend(inside, tissues.YELLOW_MARROW, window, texture=trabeculae)
    red = (np.clip((np.abs(z - 5) - 26) / 14, 0, 1) * np.clip((80 - np.abs(z)) / 30, 0, 1)).astype(np.float32)
    red *= np.clip(0.4 + patches * np.float32(0.5) + mottle * np.float32(0.15), 0, 1)
    canvas.blend(inside * red * np.float32(0.7 * subject.red_marrow), tissues.RED_MARROW, window, texture=trabeculae)


def _edge_width(distance: Field, spacing_mm: float, sub_slice_mm: float) -> Field:
    """Distance over which a surface blurs: a pixel, or more where the surface runs oblique to the sub-slice.

    The gradient of a signed distance has length 1; what the plane's gradient lacks is the part through the slice.
    """
    down, across = np.gradient(distance, np.float32(spacing_mm))
    oblique = np.clip(1 - down * down - across * across, 0, 1)
    return np.sqrt(np.float32(spacing_mm**2) + np.float32(sub_slice_mm**2) * oblique)


def _paint_physis(canvas: Canvas, section: Section, subject: Subject, textures: Textures) -> None:
    """Paint scars of the growth plates: thin, wavy, interrupted dark lines."""
    window = section.window
    frame = section.joint_frame
    wave = textures.patches[window] * np.float32(1.2) + textures.roughness[window] * np.float32(0.5)
    strength = np.clip(0.5 + 0.35 * textures.mottle[window], 0.1, 0.9)
    for bone, height, sag in (
        (section.joint_bones.femur, subject.physis_mm[0], 0.004),
        (section.joint_bones.tibia, -subject.physis_mm[1], -0.002),
    ):
        # The epiphysis holds the posterior condyles: behind the shaft the plate leaves the bone upwards.
        rise = np.float32(0.9 * max(frame.y - 4.0, 0.0)) * np.sign(np.float32(height))
        level = frame.z - np.float32(height) - rise + frame.x * frame.x * np.float32(sag) + wave
        line = coverage(np.abs(level) - np.float32(0.5), canvas.spacing_mm) * coverage(bone + 1, canvas.spacing_mm)
        canvas.blend(line * strength, tissues.SCAR_BONE, window)


def paint_ligaments_and_menisci(canvas: Canvas, section: Section, textures: Textures) -> None:
    """Paint menisci and cruciate ligaments, the latter in a thin synovial sleeve."""
    joint, window = section.joint, section.window
    rough = textures.roughness[window]
    fibre = 1 + np.float32(0.4) * textures.fibres[window]
    for meniscus in (joint.medial_meniscus, joint.lateral_meniscus):
        canvas.fill(meniscus + rough * np.float32(0.2), tissues.MENISCUS, window, texture=fibre)
    bone = np.minimum(section.joint_bones.femur, section.joint_bones.tibia)
    for ligament, tissue in (
        (joint.posterior_cruciate, tissues.LIGAMENT),
        (joint.anterior_cruciate, tissues.CRUCIATE),
    ):
        distance = np.maximum(ligament + rough * np.float32(0.4), np.float32(0.3) - bone)
        canvas.fill(distance - np.float32(0.7), tissues.FLUID, window, opacity=0.35)
        canvas.fill(distance, tissue, window, texture=fibre)
