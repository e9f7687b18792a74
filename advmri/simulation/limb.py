"""The outline of the limb: skin, subcutaneous fat and the deep fascia."""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from advmri.simulation.frame import Frame
from advmri.simulation.subject import Subject

Field = NDArray[np.float32]

LIMB_CENTRE_Y_MM = 5.0
"""The limb's axis lies behind the centre of the tibial plateau."""

# Height in mm; half-width of what the deep fascia encloses, medially and laterally, relative to the joint line's;
# thickness of the subcutaneous fat relative to the joint line's.
OUTLINE = np.array(
    [
        (-130.0, 1.12, 1.22, 0.95),
        (-70.0, 1.00, 1.13, 0.90),
        (-40.0, 0.92, 1.05, 0.90),
        (-15.0, 0.94, 0.99, 0.95),
        (5.0, 1.00, 0.99, 0.95),
        (30.0, 1.07, 1.02, 1.00),
        (55.0, 1.24, 1.12, 1.15),
        (80.0, 1.36, 1.27, 1.30),
        (140.0, 1.55, 1.50, 1.50),
    ]
)


def limb_distances(frame: Frame, subject: Subject) -> tuple[Field, Field]:
    """Signed left-right distances in mm to the skin and to the deep fascia, negative inside."""
    height = frame.height
    medial, lateral, layer = (PchipInterpolator(OUTLINE[:, 0], column)(height) for column in OUTLINE.T[1:])
    depth = (frame.y - LIMB_CENTRE_Y_MM) * subject.scale * subject.depth_scale
    mean_fat = float(subject.fat_mm.mean())
    is_lateral = np.clip(frame.x / 20 + 0.5, 0, 1)
    fascia, fat = (np.zeros_like(frame.x) for _ in range(2))
    for share, width, thickness in (
        (1 - is_lateral, medial * subject.limb_half_width_mm, subject.fat_mm[0]),
        (is_lateral, lateral * subject.limb_half_width_mm, subject.fat_mm[1]),
    ):
        inner = _chord(width, depth)
        # Where the section is oblique to the skin the fat looks thicker: keep the ratio of the chords.
        outer = inner + np.maximum(_chord(width + layer * mean_fat, depth) - inner, 0) * np.float32(
            thickness / mean_fat
        )
        fascia += share * inner[:, None]
        fat += share * (outer - inner)[:, None]
    across = np.abs(frame.x) * np.float32(subject.scale)
    return across - fascia - fat, across - fascia


def _chord(half_width: NDArray[np.float64], depth: float) -> NDArray[np.float32]:
    """Half-chord of a rounded section, slightly deeper than wide, at the given depth."""
    inside = np.clip(1 - np.abs(depth / (half_width * 1.06)) ** 2.5, 0, None)
    return np.asarray(half_width * inside**0.4, dtype=np.float32)
