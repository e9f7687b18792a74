"""Paints one sub-slice of a healthy knee, from the skin inwards."""

from advmri.simulation.canvas import Canvas
from advmri.simulation.section import Section
from advmri.simulation.skeleton_painting import paint_bones, paint_capsule, paint_ligaments_and_menisci
from advmri.simulation.soft_tissue_painting import paint_limb, paint_muscles, paint_vessels
from advmri.simulation.subject import Subject
from advmri.simulation.texture import Textures


def paint_section(canvas: Canvas, section: Section, subject: Subject, textures: Textures) -> None:
    """Paint the healthy knee."""
    skin, fascia = paint_limb(canvas, section.frame, subject, textures)
    paint_muscles(canvas, section, subject, textures, fascia)
    paint_vessels(canvas, section.frame, subject, skin)
    paint_capsule(canvas, section, subject, textures)
    paint_bones(canvas, section, subject, textures)
    paint_ligaments_and_menisci(canvas, section, textures)
