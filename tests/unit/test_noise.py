"""Thermal noise: estimated from the corners of k-space, and what it amounts to as a relative norm."""

import numpy as np
import pytest
from support import complex_normal, object_kspace

from advmri.noise import thermal_relative_norm, thermal_sigma
from advmri.simulation.knee import simulate_volume
from advmri.simulation.settings import SimulationSettings


@pytest.mark.parametrize("coils", [1, 4, 15])
@pytest.mark.parametrize("snr", [10, 30, 100])
def test_sigma_of_a_noisy_object(rng, snr, coils):
    """Peak of the coil images over SD between 10 and 100, on a knee-sized grid."""
    sigma = 7e-4 / snr
    kspace = object_kspace(rng, coils, rows=320, columns=180, sigma=sigma)
    found = thermal_sigma(kspace, (0, 180))
    assert found.shape == (coils,)
    np.testing.assert_allclose(found, sigma, rtol=0.05)


@pytest.mark.parametrize("volume", ["knee_val_001", "knee_val_002"])
@pytest.mark.parametrize("coils", [1, 4])
@pytest.mark.parametrize("snr", [10, 25, 40])
def test_sigma_of_a_simulated_knee(snr, coils, volume):
    settings = SimulationSettings(slices=1, crop=160, columns=184, coils=coils, snr=snr, lesions_per_volume=0)
    knee = simulate_volume(settings, seed=3, volume=volume)
    found = thermal_sigma(knee.kspace[0], (0, settings.columns)) / knee.noise_sigma
    assert found.mean() == pytest.approx(1, abs=0.05)
    assert np.abs(found - 1).max() < 0.08


@pytest.mark.shared
def test_sigma_of_the_real_phantom_is_that_of_its_kspace_corners(shared):
    """A gel phantom has little signal there. Its receiver filter removes noise at the ends of the readout's view."""
    kspace = np.load(shared / "phantom-2coil" / "gre_k.npy").transpose(1, 2, 0)
    corner = np.concatenate([kspace[:, :32, :16].reshape(2, -1), kspace[:, -32:, -16:].reshape(2, -1)], axis=1)
    sigma = np.sqrt((np.abs(corner) ** 2).mean(axis=1) / 2)
    np.testing.assert_allclose(thermal_sigma(kspace, (0, 160)), sigma, rtol=0.15)


def test_each_coil_has_its_own_sigma(rng):
    scale = np.array([1.0, 3.0, 10.0])
    kspace = complex_normal(rng, (3, 200, 150)) * scale[:, None, None]
    np.testing.assert_allclose(thermal_sigma(kspace, (0, 150)), scale, rtol=0.05)


def test_zero_filled_columns_are_left_out(rng):
    """Columns outside the padding hold zeros: counted, they would halve the estimate."""
    kspace = complex_normal(rng, (2, 200, 150))
    kspace[:, :, :20] = 0
    kspace[:, :, 130:] = 0
    np.testing.assert_allclose(thermal_sigma(kspace, (20, 130)), 1.0, rtol=0.05)
    assert (thermal_sigma(kspace, (0, 150)) < 0.5).all()


def test_a_dead_coil_has_no_noise(rng):
    kspace = complex_normal(rng, (2, 40, 30))
    kspace[0] = 0
    assert thermal_sigma(kspace, (0, 30))[0] == 0
    relative = thermal_relative_norm(np.array([0.0, 1.0]), kspace, 300)
    assert np.isnan(relative[0]) and relative[1] > 0


def test_relative_norm_against_monte_carlo(rng):
    """The norm of noise on the measured samples over ||k_i||, coil by coil."""
    sigma = np.array([0.3, 2.0])
    kspace = 5 * complex_normal(rng, (2, 12, 10))
    measured = np.arange(10) % 3 == 0
    draws = sigma[:, None, None] * complex_normal(rng, (2000, 2, 12, int(measured.sum())))
    norms = np.linalg.norm(kspace.reshape(2, -1), axis=1)
    expected = np.sqrt((np.linalg.norm(draws.reshape(2000, 2, -1), axis=2) ** 2).mean(axis=0)) / norms
    found = thermal_relative_norm(sigma, kspace, 12 * int(measured.sum()))
    np.testing.assert_allclose(found, expected, rtol=0.02)
