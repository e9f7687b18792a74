"""What differs between knees: side, size, alignment, fatness, and a smooth deformation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float, float]

SMALL_VESSELS = 70


@dataclass(frozen=True)
class Subject:
    """Shape of one knee. Lengths in mm, angles in radians; see `frame.py` for the coordinates."""

    side: int
    """+1 if lateral is towards higher columns, -1 for the mirrored knee."""
    scale: float
    """Size of the bones relative to the average adult."""
    depth_scale: float
    """Additional factor of antero-posterior size."""
    tilt: float
    """Rotation of the knee in the coronal plane."""
    rotation: float
    """Axial rotation: shear of left-right position with depth."""
    offset_mm: NDArray[np.float64]
    """Displacement of the joint from its standard place, along x, y, z."""
    waves: NDArray[np.float64]
    """Deformation: rows of (amplitude mm, kx, ky, kz in rad/mm, phase) for x, then for z; [2, waves, 5]."""
    notch_half_width_mm: float
    condyle_half_width_mm: NDArray[np.float64]
    """Medial, lateral."""
    condyle_corner_mm: float
    """Rounding of the condyles' edges."""
    cartilage_mm: NDArray[np.float64]
    """Thickness on femur, on tibia."""
    cortex_mm: float
    """Thickness of the femoral shaft's cortex."""
    eminence_mm: NDArray[np.float64]
    """Heights of the medial and lateral tibial spine."""
    physis_mm: NDArray[np.float64]
    """Height of the femoral and depth of the tibial physeal scar."""
    fat_mm: NDArray[np.float64]
    """Subcutaneous fat: medial, lateral thickness."""
    limb_half_width_mm: float
    muscle: float
    """Bulk of the muscles relative to average."""
    muscle_fat: float
    """Amount of fat streaks in muscle, 0 to 1."""
    red_marrow: float
    """Amount of red marrow in the metaphyses, 0 to 1."""
    fluid_mm: float
    """Thickness of the normal fluid film in the recesses."""
    meniscus_height_mm: float
    fibula_mm: NDArray[np.float64]
    """Displacement of the fibula along x, y, z."""
    vessel_phase: float
    """Winding of the popliteal vessels."""
    small_vessels: tuple[tuple[Point, Point, float], ...]
    """Genicular and subcutaneous vessels: start, end (x, y, z) and radius."""
    gain: float
    """Receiver scaling."""


def draw_subject(rng: np.random.Generator) -> Subject:
    """Draw a knee from the range of adults."""
    fat = float(np.clip(rng.lognormal(np.log(7.0), 0.35), 3.5, 15.0))
    muscle = float(rng.uniform(0.85, 1.12))
    scale = float(np.clip(rng.normal(1.0, 0.055), 0.88, 1.1))
    waves = np.concatenate(
        [
            rng.normal(0, 0.75, (2, 5, 1)),
            rng.uniform(-1, 1, (2, 5, 3)) * 2 * np.pi / 55.0,
            rng.uniform(0, 2 * np.pi, (2, 5, 1)),
        ],
        axis=2,
    )
    return Subject(
        side=int(rng.choice((-1, 1))),
        scale=scale,
        depth_scale=float(rng.uniform(0.95, 1.06)),
        tilt=float(rng.normal(0, 0.03)),
        rotation=float(rng.normal(0, 0.08)),
        offset_mm=np.array([rng.normal(0, 2.5), rng.normal(0, 1.2), -15.0 + rng.normal(0, 3.0)]),
        waves=waves,
        notch_half_width_mm=float(rng.uniform(8.0, 10.5)),
        condyle_half_width_mm=np.array([rng.uniform(15.5, 17.5), rng.uniform(15.5, 17.5)]),
        condyle_corner_mm=float(rng.uniform(9.0, 13.0)),
        cartilage_mm=np.array([rng.uniform(1.9, 2.6), rng.uniform(1.9, 2.6)]),
        cortex_mm=float(rng.uniform(2.6, 4.2)),
        eminence_mm=np.array([rng.uniform(6.5, 9.0), rng.uniform(5.5, 8.0)]),
        physis_mm=np.array([rng.uniform(23.0, 28.0), rng.uniform(13.0, 17.0)]),
        fat_mm=np.array([fat * rng.uniform(1.1, 1.6), fat * rng.uniform(0.8, 1.1)]),
        limb_half_width_mm=45.0 * scale + 3.0 * muscle,
        muscle=muscle,
        muscle_fat=float(rng.uniform(0.1, 0.8)),
        red_marrow=float(rng.uniform(0.0, 1.0)),
        fluid_mm=float(rng.uniform(0.5, 1.4)),
        meniscus_height_mm=float(rng.uniform(5.5, 7.0)),
        fibula_mm=rng.normal(0, 1.5, 3),
        vessel_phase=float(rng.uniform(0, 2 * np.pi)),
        small_vessels=_draw_small_vessels(rng),
        gain=float(rng.uniform(0.7, 1.15)),
    )


def _draw_small_vessels(rng: np.random.Generator) -> tuple[tuple[Point, Point, float], ...]:
    """Random walks of short segments, more along the limb than across it."""
    vessels = []
    for _ in range(SMALL_VESSELS):
        radius = float(rng.uniform(0.35, 0.9))
        point = np.array([rng.uniform(-58, 58), rng.uniform(-32, 34), rng.uniform(-75, 95)])
        direction = rng.normal(0, 1, 3) * (0.8, 0.8, 1.4)
        for _ in range(5):
            direction = direction + rng.normal(0, 0.6, 3)
            step = direction / np.linalg.norm(direction) * rng.uniform(4.0, 9.0)
            vessels.append((_point(point), _point(point + step), radius))
            point = point + step
    return tuple(vessels)


def _point(position: NDArray[np.float64]) -> Point:
    x, y, z = position.tolist()
    return x, y, z
