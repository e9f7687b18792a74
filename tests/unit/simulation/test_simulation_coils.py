"""Biot-Savart coils, background phase and thermal noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from advmri.simulation.coils import (
    VACUUM_PERMEABILITY,
    Orientation,
    add_thermal_noise,
    biot_savart_sensitivities,
    circular_loop_field,
    smooth_phase,
)


def field_by_integration(
    points: NDArray[np.float64], centre: NDArray[np.float64], normal: NDArray[np.float64], radius: float
) -> NDArray[np.float64]:
    """Sum current elements around the loop; lengths in mm, field in T for 1 A."""
    normal = normal / np.linalg.norm(normal)
    first = np.cross(normal, [1.0, 0.3, -0.2])
    first /= np.linalg.norm(first)
    second = np.cross(normal, first)
    angle = np.linspace(0, 2 * np.pi, 4000, endpoint=False)[:, None]
    wire = centre + radius * (np.cos(angle) * first + np.sin(angle) * second)
    element = radius * (-np.sin(angle) * first + np.cos(angle) * second) * (2 * np.pi / 4000)
    offset = points[..., None, :] - wire
    cube = np.linalg.norm(offset, axis=-1, keepdims=True) ** 3
    return VACUUM_PERMEABILITY / (4 * np.pi) * (np.cross(element, offset) / cube).sum(axis=-2) * 1e3


@given(radius=st.floats(20, 100), height=st.floats(-150, 150))
def test_field_on_the_axis(radius: float, height: float) -> None:
    centre, normal = np.array([5.0, -3.0, 2.0]), np.array([0.0, 0.6, 0.8])
    field = circular_loop_field((centre + height * normal)[None], centre, normal, radius)[0]
    expected = VACUUM_PERMEABILITY * radius**2 / (2 * (radius**2 + height**2) ** 1.5) * 1e3
    assert field == pytest.approx(expected * normal, rel=1e-6, abs=1e-12)


def test_field_off_the_axis_matches_integration() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-60, 60, (20, 3))
    centre, normal = np.array([90.0, 0.0, 10.0]), np.array([1.0, 0.2, 0.1])
    exact = circular_loop_field(points, centre, normal, 50.0)
    assert np.allclose(exact, field_by_integration(points, centre, normal, 50.0), rtol=1e-6, atol=1e-13)


@pytest.mark.parametrize("orientation", ["coronal", "axial"])
@pytest.mark.parametrize("coils", [1, 4, 8, 15])
def test_sensitivities_cover_the_limb_with_real_phase(orientation: Orientation, coils: int) -> None:
    maps = biot_savart_sensitivities((80, 60), 2.0, coils, np.random.default_rng(3), orientation=orientation)
    assert maps.shape == (coils, 80, 60) and maps.dtype == np.complex64 and np.isfinite(maps).all()
    row, column = np.meshgrid((np.arange(80) - 40) * 2.0, (np.arange(60) - 30) * 2.0, indexing="ij")
    combined = np.sqrt((np.abs(maps) ** 2).sum(axis=0))[np.hypot(row, column) < 50]
    assert 0.6 < combined.mean() < 1.5 and combined.min() > 0.05
    assert np.ptp(np.unwrap(np.angle(maps[0, 40]))) > 0.3


def test_sensitivities_fall_off_along_the_limb_and_follow_the_generator() -> None:
    maps = biot_savart_sensitivities((160, 90), 2.0, 4, np.random.default_rng(3))
    combined = np.sqrt((np.abs(maps) ** 2).sum(axis=0))
    assert combined[[0, -1], 45].max() < 0.35 * combined[80, 45]
    again = biot_savart_sensitivities((160, 90), 2.0, 4, np.random.default_rng(3))
    other = biot_savart_sensitivities((160, 90), 2.0, 4, np.random.default_rng(4))
    assert np.array_equal(maps, again) and not np.allclose(maps, other)


def test_sensitivities_do_not_depend_on_the_grid() -> None:
    fine = biot_savart_sensitivities((160, 120), 1.0, 4, np.random.default_rng(3), slice_offset_mm=8.0)
    coarse = biot_savart_sensitivities((80, 60), 2.0, 4, np.random.default_rng(3), slice_offset_mm=8.0)
    assert np.allclose(fine[:, ::2, ::2], coarse, atol=2e-3)


def test_phase_is_smooth_and_strength_scales_it() -> None:
    phase = smooth_phase((64, 48), np.random.default_rng(5))
    assert phase.shape == (64, 48) and phase.dtype == np.float32
    assert np.abs(np.diff(phase, axis=0)).max() < 0.2
    weak = smooth_phase((64, 48), np.random.default_rng(5), strength=0.1)
    assert np.ptp(weak) == pytest.approx(0.1 * np.ptp(phase), rel=1e-4)


def test_thermal_noise_is_white_with_the_given_sigma() -> None:
    kspace = np.full((2, 3, 64, 64), 2 - 1j, dtype=np.complex64)
    noisy = add_thermal_noise(kspace, 0.5, np.random.default_rng(0))
    noise = noisy - kspace
    assert noisy.dtype == np.complex64
    assert noise.real.std() == pytest.approx(0.5, rel=0.03) and noise.imag.std() == pytest.approx(0.5, rel=0.03)
    assert abs(np.mean(noise.real * noise.imag)) < 0.01
