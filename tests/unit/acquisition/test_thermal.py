"""Thermal noise: within 5% of the truth over SNR, coil counts and correlations, and what it is as a relative norm."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import centred_fft2, complex_normal, object_kspace

from advmri.acquisition.thermal.background import chi_mean, chi_sd, measure_background
from advmri.acquisition.thermal.covariance import coil_covariance
from advmri.acquisition.thermal.kspace_edges import sigma_from_edges
from advmri.acquisition.thermal.measure import measure_thermal_noise
from advmri.acquisition.thermal.relative_norm import thermal_relative_norm
from advmri.simulation.knee import simulate_volume
from advmri.simulation.settings import SimulationSettings

COLUMNS = 184
QUIET_SNR = 1e6


@cache
def silent_knee(coils, volume):
    """K-space [C, H, W] of a simulated knee without noise, and its signal in units of which SNR is given."""
    settings = SimulationSettings(slices=1, crop=160, columns=COLUMNS, coils=coils, snr=QUIET_SNR, lesions_per_volume=0)
    knee = simulate_volume(settings, seed=3, volume=volume)
    return knee.kspace[0], knee.noise_sigma * QUIET_SNR


def correlated_noise(rng, shape, covariance):
    """Complex noise whose real and imaginary parts each have this covariance between coils."""
    return np.tensordot(np.linalg.cholesky(covariance), complex_normal(rng, shape), axes=1).astype(np.complex64)


def coil_correlation(covariance):
    """Return |Psi_ij| / sqrt(Psi_ii Psi_jj) [C, C], 0 for coils without noise."""
    scale = np.sqrt(covariance.diagonal().real)
    product = np.outer(scale, scale)
    return np.divide(np.abs(covariance), product, out=np.zeros(product.shape), where=product > 0)


@pytest.mark.parametrize(("snr", "correlation"), [(5, 0), (5, 0.6), (15, 0.3), (60, 0), (60, 0.3), (150, 0.6)])
@pytest.mark.parametrize("coils", [1, 2, 4, 8, 15])
def test_sigma_of_simulated_knees(rng, coils, snr, correlation):
    """Every coil within 5%. SNR is that of muscle in one coil image; the demo's is 60."""
    signal, level = silent_knee(coils, f"knee_val_00{1 + coils % 2}")
    sigma = level / snr
    matrix = (1 - correlation) * np.eye(coils) + correlation
    noise = measure_thermal_noise(signal + sigma * correlated_noise(rng, signal.shape, matrix), (0, COLUMNS))
    np.testing.assert_allclose(np.array(noise.sigma) / sigma, 1, atol=0.05)
    np.testing.assert_allclose(np.array(noise.background_rms) / sigma, 1, atol=0.05)
    np.testing.assert_allclose(np.array(noise.background_sd) / sigma, 1, atol=0.075)
    assert noise.rss_rms / sigma == pytest.approx(1, abs=0.05)
    found = coil_correlation(np.array(noise.covariance_real) + 1j * np.array(noise.covariance_imaginary))
    assert np.abs(found - matrix).max() < 0.12 and np.abs(found - matrix).mean() < 0.04


def test_high_snr_stays_close(rng):
    """Four hundred times the noise: edges of the knee reach the corners of k-space, but not the weighted margins."""
    signal, level = silent_knee(8, "knee_val_001")
    sigma = level / 400
    noise = measure_thermal_noise(signal + sigma * complex_normal(rng, signal.shape), (0, COLUMNS))
    assert np.mean(noise.sigma) / sigma == pytest.approx(1, abs=0.03)
    np.testing.assert_allclose(np.array(noise.sigma) / sigma, 1, atol=0.08)
    assert np.mean(noise.edges) / sigma > 3


def test_correlation_spoils_the_sd_of_the_rss_image_but_not_its_rms(rng):
    """Why both are stored: the facts' 42% at a correlation of 0.3."""
    coils = 15
    noise = correlated_noise(rng, (coils, 320, 368), 0.7 * np.eye(coils) + 0.3)
    found = measure_background(noise, (0, 368))
    assert found.rss_rms == pytest.approx(1, abs=0.02)
    assert found.rss_sd == pytest.approx(1.42, abs=0.04)


def test_means_of_the_rss_of_noise():
    """Rayleigh for one coil; the others as tabulated by Constantinides et al. 1997."""
    expected = {1: 1.2533, 2: 1.8800, 4: 2.7416, 8: 3.9380, 15: 5.4318}
    assert {coils: round(chi_mean(coils), 4) for coils in expected} == expected
    assert chi_sd(1) == pytest.approx(0.655, abs=5e-4)


@given(st.integers(1, 32))
def test_sd_and_mean_belong_to_one_distribution(coils):
    assert chi_mean(coils) ** 2 + chi_sd(coils) ** 2 == pytest.approx(2 * coils)


@pytest.mark.parametrize("filled", [False, True])
def test_anatomy_up_to_the_edge_of_the_view_leaves_the_corners_of_kspace(rng, filled):
    """No background at all: an object as wide as the view, as smooth as its coils."""
    y, x = np.meshgrid(np.linspace(-1, 1, 256), np.linspace(-1, 1, 180), indexing="ij")
    image = np.exp(-(y**2)) * (1 + 0.3 * np.cos(np.pi * x) if filled else np.exp(-8 * x**2))
    kspace = centred_fft2(image[None] * np.ones((2, 1, 1))) + 0.01 * complex_normal(rng, (2, 256, 180))
    noise = measure_thermal_noise(kspace.astype(np.complex64), (0, 180))
    np.testing.assert_allclose(noise.sigma, 0.01, rtol=0.05)
    assert (noise.sigma == noise.edges) == filled


def test_corners_that_were_not_acquired_do_not_count(rng):
    """Elliptical sampling, or a filter that leaves nothing there: the background still knows."""
    kspace = object_kspace(rng, 2, rows=256, columns=180, sigma=1e-5)
    y, x = np.meshgrid(np.linspace(-1, 1, 256), np.linspace(-1, 1, 180), indexing="ij")
    kspace[:, y**2 + x**2 > 1.05] = 0
    noise = measure_thermal_noise(kspace, (0, 180))
    assert noise.edges == [0, 0] and noise.sigma == noise.background_rms
    assert (np.array(noise.sigma) > 0.7e-5).all()


def test_the_receivers_filter_at_the_ends_of_the_readout_does_not_count(rng):
    noise = complex_normal(rng, (2, 320, 160))
    rows = np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(noise, axes=1), axis=1, norm="ortho"), axes=1)
    rows[:, :40] *= 0.3
    rows[:, -40:] *= 0.3
    filtered = np.fft.fftshift(np.fft.fft(np.fft.ifftshift(rows, axes=1), axis=1, norm="ortho"), axes=1)
    found = measure_background(filtered.astype(np.complex64), (0, 160))
    np.testing.assert_allclose(found.rms, 1, atol=0.05)


def slope(rows, share, end, shape):
    """Gain [rows] of a receiver's filter that falls to `end` on so large a share of the readout, both ends together."""
    place = np.minimum(np.arange(rows), np.arange(rows)[::-1]) / (rows / 2)
    rise = np.clip(place / share, 0, 1)
    return end + (1 - end) * (rise if shape == "linear" else 0.5 - 0.5 * np.cos(np.pi * rise))


def along_readout(kspace, gain):
    """K-space [C, H, W] whose every image row has this gain [H]."""
    rows = np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(kspace, axes=1), axis=1, norm="ortho"), axes=1)
    rows = np.fft.ifftshift(rows * gain[:, None], axes=1)
    return np.fft.fftshift(np.fft.fft(rows, axis=1, norm="ortho"), axes=1).astype(np.complex64)


def oversampled(kspace):
    """The same scan [C, 2 H, W] with twice the field of view along the readout."""
    rows = np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(kspace, axes=1), axis=1, norm="ortho"), axes=1)
    rows = np.pad(rows, ((0, 0), (rows.shape[1] // 2,) * 2, (0, 0)))
    return np.fft.fftshift(np.fft.fft(np.fft.ifftshift(rows, axes=1), axis=1, norm="ortho"), axes=1)


@pytest.mark.parametrize("shape", ["linear", "cosine"])
@pytest.mark.parametrize(("share", "end"), [(0.125, 0.4), (0.25, 0.6), (0.375, 0.1), (0.375, 0.4), (0.45, 0.4)])
@pytest.mark.parametrize(("coils", "snr"), [(1, 15), (4, 60), (8, 150)])
def test_sigma_where_the_receivers_filter_slopes(rng, coils, snr, share, end, shape):
    """Every coil within 5% of the noise inside the filter, with up to 7 of the 16 bands on its slope."""
    signal, level = silent_knee(coils, "knee_val_001")
    signal, sigma = oversampled(signal), level / snr
    kspace = signal + sigma * complex_normal(rng, signal.shape)
    noise = measure_thermal_noise(along_readout(kspace, slope(signal.shape[1], share, end, shape)), (0, COLUMNS))
    np.testing.assert_allclose(np.array(noise.sigma) / sigma, 1, atol=0.05)


@pytest.mark.parametrize("share", [0.25, 0.375])
def test_a_filters_slope_is_told_from_anatomy(rng, share):
    """Sharp edges and bright margins in the middle: both make the outer bands the quieter ones, with no filter too."""
    signal = object_kspace(rng, 4, 320, COLUMNS, sigma=0)
    sigma = 1e-5
    plain = signal + sigma * complex_normal(rng, signal.shape)
    for kspace in (plain, along_readout(plain, slope(320, share, 0.4, "linear"))):
        np.testing.assert_allclose(np.array(measure_thermal_noise(kspace, (0, COLUMNS)).sigma) / sigma, 1, atol=0.05)


def test_a_filter_does_not_make_the_corners_the_better_place(rng):
    """They hold the noise of the whole readout, less than there is inside the filter: compared without its gain."""
    noise = along_readout(complex_normal(rng, (4, 640, 300)), slope(640, 0.45, 0.1, "linear"))
    found = measure_thermal_noise(noise, (0, 300))
    assert max(found.edges) < 0.9
    np.testing.assert_allclose(found.sigma, 1, atol=0.05)


@pytest.mark.shared
def test_sigma_of_the_real_phantom_is_that_of_its_crops_margins(shared):
    """Six of 16 bands lie on the slope of a Siemens receiver's filter. The crop's own margins, unweighted, as truth."""
    kspace = np.load(shared / "phantom-2coil" / "gre_k.npy").transpose(1, 2, 0)
    axes = (-2, -1)
    image = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace, axes=axes), norm="ortho"), axes=axes)[:, 80:240]
    margins = np.concatenate([image[:, :, :8], image[:, :, -8:]], axis=2).reshape(2, -1)
    sigma = np.sqrt((np.abs(margins) ** 2).mean(axis=1) / 2)
    np.testing.assert_allclose(measure_thermal_noise(kspace, (0, 160)).sigma, sigma, rtol=0.05)


@pytest.mark.shared
def test_both_estimates_agree_on_the_real_scans_background(shared):
    """Real noise, no truth: the RMS and the SD estimator see the same Rayleigh distribution in every coil."""
    images = np.load(shared / "brain-7coil" / "brain_slice.npz")["arr_0"].transpose(2, 0, 1)
    brain = measure_background(centred_fft2(images).astype(np.complex64), (0, 216))
    phantom = measure_background(np.load(shared / "phantom-2coil" / "gre_k.npy").transpose(1, 2, 0), (0, 160))
    for found in (brain, phantom):
        np.testing.assert_allclose(found.sd, found.rms, rtol=0.03)


def test_each_coil_has_its_own_sigma_and_phase(rng):
    """Complex correlation: coil 2 hears coil 1 a quarter turn later."""
    scale = np.array([1.0, 3.0, 10.0])
    noise = complex_normal(rng, (3, 200, 150))
    noise[2] = 0.8 * noise[2] + 0.6j * noise[1]
    noise *= scale[:, None, None]
    found = measure_thermal_noise(noise, (0, 150))
    np.testing.assert_allclose(found.sigma, scale, rtol=0.05)
    covariance = np.array(found.covariance_real) + 1j * np.array(found.covariance_imaginary)
    np.testing.assert_allclose(covariance.diagonal().real, 2 * scale**2, rtol=0.1)
    assert covariance[2, 1] / 60 == pytest.approx(0.6j, abs=0.08)
    np.testing.assert_allclose(covariance, covariance.conj().T)


def test_covariance_is_an_average_of_outer_products(rng):
    samples = complex_normal(rng, (3, 50))
    expected = sum(np.outer(column, column.conj()) for column in samples.T.astype(complex)) / 50
    np.testing.assert_allclose(coil_covariance(samples), expected)


def test_zero_filled_columns_are_left_out(rng):
    """Columns outside the padding hold zeros: counted, they would spoil either estimate."""
    kspace = complex_normal(rng, (2, 200, 150))
    kspace[:, :, :70] = 0
    kspace[:, :, 140:] = 0
    for estimate in (lambda padding: sigma_from_edges(kspace, padding)[0], lambda p: measure_background(kspace, p).rms):
        np.testing.assert_allclose(estimate((70, 140)), 1.0, rtol=0.05)
        assert (estimate((0, 150)) < 0.9).all()


def test_the_norm_on_all_acquired_columns(rng):
    """Nothing but noise on every acquired sample: eta_thermal is 1."""
    kspace = complex_normal(rng, (2, 200, 150))
    kspace[:, :, :20] = 0
    found = measure_thermal_noise(kspace, (20, 150))
    np.testing.assert_allclose(found.relative_norm, 1.0, rtol=0.04)


@given(st.integers(1, 4), st.integers(2, 40), st.integers(2, 40), st.integers(0, 10**6))
def test_no_size_is_too_small(coils, rows, columns, seed):
    noise = measure_thermal_noise(complex_normal(np.random.default_rng(seed), (coils, rows, columns)), (0, columns))
    assert np.isfinite(noise.sigma).all() and (np.array(noise.sigma) > 0).all()
    assert np.isfinite(noise.rss_sd) and len(noise.covariance_real) == coils


def test_a_dead_coil_has_no_noise(rng):
    kspace = complex_normal(rng, (2, 40, 30))
    kspace[0] = 0
    noise = measure_thermal_noise(kspace, (0, 30))
    assert noise.sigma[0] == 0 and noise.sigma[1] > 0
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


def test_standard_errors_are_what_repetition_shows(rng):
    draws = [complex_normal(rng, (4, 160, 120)) for _ in range(60)]
    edges = [sigma_from_edges(kspace, (0, 120)) for kspace in draws]
    background = [measure_background(kspace, (0, 120)) for kspace in draws]
    assert np.std([sigma for sigma, _ in edges]) == pytest.approx(edges[0][1], rel=0.2)
    errors = np.mean([found.rms_error for found in background])
    assert np.std([found.rms for found in background]) == pytest.approx(errors, rel=0.3)


def test_a_weak_ghost_in_the_background_is_told_by_the_scatter(rng):
    """Smooth signal of half the noise all over the margins: a tenth too much, and seen where the grid is large."""
    images = complex_normal(rng, (2, 640, 368)) + 0.45
    noise = measure_thermal_noise(centred_fft2(images).astype(np.complex64), (0, 368))
    assert min(noise.background_rms) > 1.08 and noise.sigma == noise.edges
    np.testing.assert_allclose(noise.sigma, 1, rtol=0.03)
