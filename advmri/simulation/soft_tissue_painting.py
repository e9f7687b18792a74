"""Paints skin, fat, fasciae, muscles and vessels."""

import numpy as np
from numpy.typing import NDArray

from advmri.simulation import tissues
from advmri.simulation.canvas import Canvas
from advmri.simulation.frame import Frame
from advmri.simulation.implicit_surfaces import coverage, segment_distance
from advmri.simulation.limb import limb_distances
from advmri.simulation.muscles import MUSCLES, muscle_distance
from advmri.simulation.section import Section
from advmri.simulation.subject import Subject
from advmri.simulation.texture import Textures

Field = NDArray[np.float32]

SKIN_MM = 1.5
FASCIA_HALF_MM = 0.4
"""Half of the thickness of the deep fascia."""
PERIOSTEAL_FAT_MM = 2.5
"""Fat between muscle and bone."""
INTERMUSCULAR_FAT_MM = 0.8
"""Fat around each muscle, so twice this between two."""


def paint_limb(canvas: Canvas, frame: Frame, subject: Subject, textures: Textures) -> tuple[Field, Field]:
    """Paint skin and fat; return the signed distances in mm to the skin and to the deep fascia."""
    skin, fascia = limb_distances(frame, subject)
    skin += textures.patches * np.float32(0.25)
    fascia += textures.patches * np.float32(0.8)
    fascia += textures.roughness * np.float32(0.15)
    canvas.fill(skin, tissues.SKIN, texture=1 + np.float32(0.15) * textures.mottle)
    under_skin = coverage(skin + (np.float32(SKIN_MM) + np.float32(0.3) * textures.mottle), canvas.spacing_mm)
    lobules = 1 + np.float32(0.07) * textures.mottle + np.float32(0.05) * textures.patches
    canvas.blend(under_skin, tissues.SUBCUTANEOUS_FAT, texture=lobules)
    deep = coverage(fascia, canvas.spacing_mm)
    canvas.blend(deep, tissues.DEEP_FAT, texture=lobules)
    canvas.blend(textures.septa * under_skin * (np.float32(0.35) - np.float32(0.15) * deep), tissues.SEPTUM)
    sheet = coverage(np.abs(fascia) - np.float32(FASCIA_HALF_MM), canvas.spacing_mm)
    strength = np.clip(np.float32(0.5) + np.float32(0.3) * textures.patches, 0.1, 0.85)
    canvas.blend(sheet * strength, tissues.LIGAMENT)
    return skin, fascia


def paint_muscles(canvas: Canvas, section: Section, subject: Subject, textures: Textures, fascia: Field) -> None:
    """Paint muscle bellies with fascicles and fat streaks, each in its own thin coat of fat."""
    bone = np.minimum(section.bones.femur, section.bones.tibia)
    for muscle in MUSCLES:
        found = muscle_distance(section.frame, muscle, subject.muscle)
        if found is None:
            continue
        distance, window = found
        distance += textures.roughness[window] * np.float32(0.2) + textures.patches[window]
        distance = np.maximum(distance, fascia[window] + np.float32(0.9))
        distance = np.maximum(distance, np.float32(PERIOSTEAL_FAT_MM) - bone[window])
        coat = coverage(distance - np.float32(INTERMUSCULAR_FAT_MM), canvas.spacing_mm)
        canvas.blend(coat * np.clip(0.65 + 0.25 * textures.mottle[window], 0.2, 1), tissues.DEEP_FAT, window)
        fascicles = textures.fascicles[window]
        body = coverage(distance, canvas.spacing_mm)
        bundles = 1 + np.float32(0.08) * fascicles + np.float32(0.06) * textures.mottle[window]
        canvas.blend(body, tissues.MUSCLE, window, texture=bundles)
        streaks = np.clip(fascicles * np.float32(0.5) - np.float32(0.55), 0, 0.8)
        streaks *= body
        streaks *= np.float32(subject.muscle_fat)
        canvas.blend(streaks, tissues.DEEP_FAT, window)


LARGE_VESSELS = (
    (2.0, 25.0, 3.2, tissues.FLOWING_BLOOD),
    (7.0, 28.0, 4.0, tissues.SLOW_BLOOD),
    (12.0, 22.0, 2.2, tissues.NERVE),
    (-7.0, 19.0, 1.3, tissues.SLOW_BLOOD),
)
"""Popliteal artery, popliteal vein, tibial nerve and a sural vein: mean x, y and radius in mm, content."""


def paint_vessels(canvas: Canvas, frame: Frame, subject: Subject, skin: Field) -> None:
    """Paint the popliteal vessels, which wind along the limb, and small ones that branch through fat."""
    bend = np.float32(subject.vessel_phase)
    for centre_x, centre_y, radius, tissue in LARGE_VESSELS:
        window = frame.window((centre_x - 12, centre_x + 12), (-1000, 1000))
        x, z = frame.x[window], frame.z[window]
        path = np.float32(centre_x) + 3 * np.sin(z / np.float32(23.0) + bend + np.float32(centre_x))
        depth = np.float32(frame.y - centre_y) + 4 * np.sin(z / np.float32(28.0) + 2 * bend)
        distance = np.hypot(x - path, depth) - np.float32(radius)
        canvas.fill(distance - np.float32(0.7), tissues.LIGAMENT, window, opacity=0.6)
        canvas.fill(distance, tissue, window)
    for start, end, radius in subject.small_vessels:
        if not min(start[1], end[1]) - radius < frame.y < max(start[1], end[1]) + radius:
            continue
        box = [(min(start[axis], end[axis]), max(start[axis], end[axis])) for axis in (0, 2)]
        window = frame.window(box[0], box[1], radius + 1)
        part = frame.cut(window)
        distance, _ = segment_distance(part.x, part.y, part.z, start, end)
        distance = np.maximum(distance - np.float32(radius), skin[window] + np.float32(SKIN_MM))
        canvas.fill(distance, tissues.SLOW_BLOOD, window, opacity=0.8)
