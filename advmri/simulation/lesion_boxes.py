"""Places the planned lesions of a volume and finds their boxes from geometry alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advmri.simulation.frame import Frame, make_frame
from advmri.simulation.lesion_plan import planned_lesions
from advmri.simulation.lesions import Lesion, lesion_fraction, place_lesion
from advmri.simulation.random_streams import random_stream
from advmri.simulation.section import Section, make_section
from advmri.simulation.settings import SimulationSettings
from advmri.simulation.slice_position import slice_position_mm
from advmri.simulation.subject import Subject, draw_subject

BOX_THRESHOLD = 0.25
"""Diseased fraction, relative to the lesion's opacity, above which a pixel belongs to the lesion."""

BOX_MARGIN_MM = 2.5
BOX_MINIMUM_PIXELS = 8
"""One more than the window of the SSIM."""


@dataclass(frozen=True)
class LesionBox:
    """A lesion's bounding box in the cropped, upside-down reconstruction array; rows and columns are half-open."""

    slice: int
    label: str
    row0: int
    row1: int
    column0: int
    column1: int


def lesion_boxes(settings: SimulationSettings, seed: int, volume: str) -> list[LesionBox]:
    """Find the boxes of a volume's lesions without simulating k-space."""
    subject = draw_subject(random_stream(seed, volume, "subject"))
    boxes = []
    for lesion in placed_lesions(settings, seed, volume, subject):
        section = _crop_section(settings, subject, lesion.planned.slice)
        fraction = np.zeros(section.frame.x.shape, dtype=np.float32)
        fraction[section.window] = lesion_fraction(lesion, section)
        boxes.append(_bounding_box(fraction, section.frame, lesion, settings))
    return boxes


def placed_lesions(settings: SimulationSettings, seed: int, volume: str, subject: Subject) -> list[Lesion]:
    """Place all planned lesions of a volume in its knee."""
    return [
        place_lesion(
            planned,
            _crop_section(settings, subject, planned.slice),
            random_stream(seed, volume, f"lesion {planned.number}"),
        )
        for planned in planned_lesions(settings, seed, volume)
    ]


def _crop_section(settings: SimulationSettings, subject: Subject, index: int) -> Section:
    """Evaluate the anatomy at the pixels of the cropped reconstruction, in the middle of a slice."""
    rows = (np.arange(settings.crop) - settings.crop // 2) * np.float64(settings.pixel_mm)
    first_column = (settings.columns - settings.crop) // 2
    columns = (np.arange(settings.crop) + first_column - settings.columns // 2) * np.float64(settings.pixel_mm)
    frame = make_frame(subject, columns, rows, slice_position_mm(settings, index))
    return make_section(frame, subject, settings.slice_thickness_mm / settings.supersampling)


def _bounding_box(
    fraction: NDArray[np.float32], frame: Frame, lesion: Lesion, settings: SimulationSettings
) -> LesionBox:
    found = fraction > BOX_THRESHOLD * lesion.opacity
    if not found.any():
        # Smaller than a pixel: take the pixel nearest to where it was placed.
        distance = np.hypot(frame.x - np.float32(lesion.x), frame.z - np.float32(lesion.z))
        found = distance <= distance.min()
    margin = max(round(BOX_MARGIN_MM / settings.pixel_mm), 2)
    row0, row1 = _extent(np.flatnonzero(found.any(axis=1)), len(found), margin)
    column0, column1 = _extent(np.flatnonzero(found.any(axis=0)), found.shape[1], margin)
    return LesionBox(lesion.planned.slice, lesion.planned.label, row0, row1, column0, column1)


def _extent(hits: NDArray[np.intp], size: int, margin: int) -> tuple[int, int]:
    """First and one past the last hit, with a margin, at least the minimum long, shifted to lie inside the array."""
    start, stop = int(hits[0]) - margin, int(hits[-1]) + 1 + margin
    lacking = max(BOX_MINIMUM_PIXELS - (stop - start), 0)
    start, stop = max(start - (lacking + 1) // 2, 0), min(stop + lacking // 2, size)
    if stop - start < BOX_MINIMUM_PIXELS:
        start = max(min(start, size - BOX_MINIMUM_PIXELS), 0)
        stop = start + BOX_MINIMUM_PIXELS
    return start, stop
