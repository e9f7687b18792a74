"""Receive coils around a limb, background phase and thermal noise.

Sensitivities follow from reciprocity (Hoult DI, Richards RE, J Magn Reson 1976;24:71-85): a loop receives in proportion
to the counter-rotating transverse field it would make per unit current, B1- = Bx - i By, with B0 along z.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, make_interp_spline
from scipy.special import ellipe, ellipk

VACUUM_PERMEABILITY = 4e-7 * np.pi
"""In T m / A."""

RING_SPACING_MM = 45.0
"""Distance along the limb between rings of loops in mm."""

COARSE_GRID_MM = 5.0
"""Spacing at which the smooth fields are evaluated before spline interpolation in mm."""

LOOP_CYLINDER_MM = 97.0
"""Mean radius of the cylinder that carries the loops in mm."""

CONDUCTOR_MM = 10.0
"""Distance to a wire below which its field stops growing: keeps the fields smooth on the coarse grid."""

Orientation = Literal["coronal", "axial"]


def circular_loop_field(
    points_mm: NDArray[np.float64],
    centre_mm: NDArray[np.float64],
    normal: NDArray[np.float64],
    radius_mm: float,
    conductor_mm: float = 0.0,
) -> NDArray[np.float64]:
    """Biot-Savart field of a circular loop carrying 1 A, in T, at points [..., 3] in mm; result [..., 3].

    Closed form with complete elliptic integrals: Simpson J et al., NASA/TM-2013-217919, or Jackson, section 5.5.
    Closer to the wire than `conductor_mm` the field stops growing, as inside a conductor of that radius.
    """
    normal = normal / np.linalg.norm(normal)
    offset = (points_mm - centre_mm) * 1e-3
    radius = radius_mm * 1e-3
    axial = offset @ normal
    radial_vector = offset - axial[..., None] * normal
    radial = np.linalg.norm(radial_vector, axis=-1)
    near = np.maximum((radius - radial) ** 2 + axial**2, (conductor_mm * 1e-3) ** 2)
    far = (radius + radial) ** 2 + axial**2
    parameter = 1 - near / far
    first, second = ellipk(parameter), ellipe(parameter)
    factor = VACUUM_PERMEABILITY / (2 * np.pi * np.sqrt(far))
    field_axial = factor * (first + second * (radius**2 - radial**2 - axial**2) / near)
    # The radial field vanishes on the axis as radial, so the division below only needs a guard.
    safe = np.maximum(radial, 1e-9)
    field_radial = factor * axial / safe * (-first + second * (radius**2 + radial**2 + axial**2) / near)
    return field_axial[..., None] * normal + (field_radial / safe)[..., None] * radial_vector


def biot_savart_sensitivities(
    shape: tuple[int, int],
    pixel_mm: float,
    coils: int,
    rng: np.random.Generator,
    *,
    slice_offset_mm: float = 0.0,
    orientation: Orientation = "coronal",
) -> NDArray[np.complex64]:
    """Receive sensitivities [coils, rows, columns] of loops on a cylinder around the limb, for one slice.

    The limb and B0 lie along z. A coronal image has rows along z and columns along x, an axial image rows along y and
    columns along x; `slice_offset_mm` is the slice's distance from the centre of the coil along the third axis. The
    root-sum-of-squares is 1 on average over a disc of 50 mm radius around the image centre in the slice through the
    coil's centre. Slices that share a generator state share the coil: pass a fresh generator with the same seed.
    """
    loops = _place_loops(coils, rng)
    rows = _coarse_axis(shape[0], pixel_mm)
    columns = _coarse_axis(shape[1], pixel_mm)
    scale = 1.0 / _mean_root_sum_of_squares(loops)
    points = _plane(rows, columns, slice_offset_mm, orientation)
    coarse = scale * np.stack([_received(points, loop) for loop in loops])
    return np.stack(
        [
            _interpolated(field, (rows, columns), (_axis(shape[0], pixel_mm), _axis(shape[1], pixel_mm)))
            for field in coarse
        ]
    )


def smooth_phase(shape: tuple[int, int], rng: np.random.Generator, *, strength: float = 1.0) -> NDArray[np.float32]:
    """Background phase [rows, columns] in radians: offset, linear and quadratic terms and a smooth random part.

    Off-resonance from shimming is of low order; the random part stands for susceptibility and eddy currents. With
    `strength` 1 the phase varies by one to two radians over the image.
    """
    row = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    column = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    linear = rng.normal(0, 0.6, 2)
    quadratic = rng.normal(0, 0.4, 3)
    phase = linear[0] * row + linear[1] * column
    phase = phase + quadratic[0] * row**2 + quadratic[1] * column**2 + quadratic[2] * row * column
    for _ in range(4):
        frequency = rng.uniform(0.5, 1.6, 2) * np.pi
        shift = rng.uniform(0, 2 * np.pi)
        phase = phase + rng.normal(0, 0.15) * np.cos(frequency[0] * row + frequency[1] * column + shift)
    return np.asarray(strength * phase + rng.uniform(-np.pi, np.pi), dtype=np.float32)


def add_thermal_noise(kspace: NDArray[np.complex64], sigma: float, rng: np.random.Generator) -> NDArray[np.complex64]:
    """Add white complex Gaussian noise; sigma is the standard deviation of its real (and of its imaginary) part."""
    noise = rng.standard_normal((*kspace.shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
    noise *= np.float32(sigma)
    noise += kspace
    return noise


class _Loop:
    """A circular loop: centre [3] and radius in mm, unit normal [3], phase of its receiver in radians."""

    def __init__(self, centre: NDArray[np.float64], normal: NDArray[np.float64], radius: float, phase: float) -> None:
        self.centre, self.normal, self.radius, self.phase = centre, normal, radius, phase


def _place_loops(coils: int, rng: np.random.Generator) -> list[_Loop]:
    """Spread loops over rings around z, overlapping their neighbours as a knee array does, with slight variation."""
    rings = 1 if coils <= 6 else 2 if coils <= 10 else 3
    counts = [coils // rings + (1 if ring < coils % rings else 0) for ring in range(rings)]
    cylinder = LOOP_CYLINDER_MM * rng.uniform(0.97, 1.05)
    centre = rng.normal(0, 4, 2)
    loops = []
    for ring, count in enumerate(counts):
        # Half the arc to the next loop, and 15 % more so that neighbours overlap.
        radius = min(1.15 * np.pi * cylinder / max(count, 3), 66.0)
        height = (ring - (rings - 1) / 2) * RING_SPACING_MM
        start = rng.uniform(-0.1, 0.1) + np.pi * (0.25 + ring / max(count, 1))
        for angle in start + 2 * np.pi * np.arange(count) / count:
            angle += rng.normal(0, 0.04)
            outward = np.array([np.cos(angle), np.sin(angle), rng.normal(0, 0.04)])
            position = np.array([cylinder * np.cos(angle), cylinder * np.sin(angle), height + rng.normal(0, 3)])
            position[:2] += centre
            loops.append(_Loop(position, outward, radius, rng.uniform(-np.pi, np.pi)))
    return loops


def _received(points: NDArray[np.float64], loop: _Loop) -> NDArray[np.complex128]:
    field = circular_loop_field(points, loop.centre, loop.normal, loop.radius, CONDUCTOR_MM)
    sensitivity: NDArray[np.complex128] = (field[..., 0] - 1j * field[..., 1]) * np.exp(1j * loop.phase)
    return sensitivity


def _mean_root_sum_of_squares(loops: list[_Loop]) -> float:
    axis = np.arange(-50.0, 51.0, 10.0)
    points = _plane(axis, axis, 0.0, "coronal")
    inside = np.hypot(axis[:, None], axis[None, :]) <= 50.0
    power = sum(np.abs(_received(points, loop)) ** 2 for loop in loops)
    return float(np.mean(np.sqrt(power)[inside]))


def _axis(count: int, pixel_mm: float) -> NDArray[np.float64]:
    return (np.arange(count) - count // 2) * np.float64(pixel_mm)


def _coarse_axis(count: int, pixel_mm: float) -> NDArray[np.float64]:
    half = count / 2 * pixel_mm
    return np.linspace(-half, half, max(int(np.ceil(2 * half / COARSE_GRID_MM)) + 1, 4))


def _plane(
    rows: NDArray[np.float64], columns: NDArray[np.float64], offset: float, orientation: Orientation
) -> NDArray[np.float64]:
    """Points [rows, columns, 3] of an image plane in mm."""
    row, column = np.meshgrid(rows, columns, indexing="ij")
    fixed = np.full_like(row, offset)
    return np.stack([column, fixed, row] if orientation == "coronal" else [column, row, fixed], axis=-1)


def _interpolated(
    field: NDArray[np.complex128],
    source: tuple[NDArray[np.float64], NDArray[np.float64]],
    target: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.complex64]:
    """Interpolate a field [rows, columns] by tensor-product cubic splines.

    Sparse products rather than dense ones: they need no threads and give the same bits whatever their number.
    """
    row_spline = make_interp_spline(source[0], field, k=3, axis=0)
    column_spline = make_interp_spline(source[1], row_spline.c, k=3, axis=1)
    # make_interp_spline moves the interpolated axis to the front of its coefficients: now [columns, rows].
    coefficients = column_spline.c.astype(np.complex64)
    along_columns = BSpline.design_matrix(target[1], column_spline.t, 3).astype(np.float32) @ coefficients
    along_rows = BSpline.design_matrix(target[0], row_spline.t, 3).astype(np.float32)
    return np.asarray(along_rows @ np.ascontiguousarray(along_columns.T), dtype=np.complex64)
