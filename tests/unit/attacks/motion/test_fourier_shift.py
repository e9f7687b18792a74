"""Shifts as linear phases: additive, exact for whole pixels, and the network sees them through the mask unchanged."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from support import complex_normal, small_scan

from advmri.acquisition.kspace import fft2c, ifft2c, rss_reconstruction
from advmri.attacks.motion.fourier_shift import shift_kspace, shift_magnitude

pixels = st.floats(-6, 6)
seeds = st.integers(0, 2**32 - 1)
heights = widths = st.integers(5, 20)


def random_kspace(seed, *shape):
    return torch.from_numpy(complex_normal(np.random.default_rng(seed), shape))


@given(seeds, heights, widths, pixels, pixels, pixels, pixels)
def test_shifts_add_up_and_undo_each_other(seed, height, width, rows, columns, more_rows, more_columns):
    kspace = random_kspace(seed, 2, height, width)
    both = shift_kspace(shift_kspace(kspace, rows, columns), more_rows, more_columns)
    torch.testing.assert_close(both, shift_kspace(kspace, rows + more_rows, columns + more_columns), rtol=0, atol=1e-5)
    torch.testing.assert_close(
        shift_kspace(both, -rows - more_rows, -columns - more_columns), kspace, rtol=0, atol=1e-5
    )
    torch.testing.assert_close(both.abs(), kspace.abs(), rtol=1e-5, atol=1e-6)


@given(seeds, heights, widths, st.integers(-9, 9), st.integers(-9, 9))
def test_whole_pixels_roll_the_image(seed, height, width, rows, columns):
    image = random_kspace(seed, 2, height, width)
    shifted = ifft2c(shift_kspace(fft2c(image), rows, columns))
    torch.testing.assert_close(shifted, image.roll((rows, columns), dims=(-2, -1)), rtol=0, atol=2e-5)


@given(seeds, pixels, pixels)
def test_masking_before_or_after_is_the_same(seed, rows, columns):
    kspace, mask = random_kspace(seed, 3, 12, 10), torch.arange(10) % 3 == 0
    assert torch.equal(shift_kspace(kspace * mask, rows, columns), shift_kspace(kspace, rows, columns) * mask)


def spot(shape, row, column):
    y, x = np.indices(shape)
    return np.exp(-((y - row) ** 2 / 18 + (x - column) ** 2 / 10)).astype(np.float32)


@pytest.mark.parametrize("shape", [(40, 40), (41, 40), (41, 43)])
@pytest.mark.parametrize(("rows", "columns"), [(2.5, 0), (0.3, -1.7), (-4.25, 3.5)])
def test_a_smooth_spot_arrives_where_it_should(shape, rows, columns):
    image = spot(shape, 20, 19)
    expected = spot(shape, 20 + rows, 19 + columns)
    found = ifft2c(shift_kspace(fft2c(torch.from_numpy(image).to(torch.complex64)), rows, columns))
    assert np.abs(found.numpy() - expected).max() < 1e-4
    magnitude = shift_magnitude(torch.from_numpy(image)[None], rows, columns)[0].numpy()
    assert np.abs(magnitude - expected).max() < 1e-4
    assert np.abs(magnitude - ndimage.shift(image, (rows, columns), order=5, mode="mirror")).max() < 2e-4


@given(seeds, pixels, pixels)
def test_magnitudes_come_back(seed, rows, columns):
    """Of an image that fades out before its border."""
    rng = np.random.default_rng(seed)
    image = torch.from_numpy(sum(spot((64, 60), *rng.uniform(28, 33, 2)) for _ in range(3)))[None]
    back = shift_magnitude(shift_magnitude(image, rows, columns), -rows, -columns)
    assert (back - image).abs().max() < 5e-4 * image.max()


def test_magnitudes_keep_their_level_at_the_border():
    flat = torch.full((1, 30, 26), 3.0)
    torch.testing.assert_close(shift_magnitude(flat, 2.4, -3.3), flat, rtol=1e-4, atol=0)
    assert shift_magnitude(flat, 0, 0) is flat


def test_zero_filled_reconstructions_shift_with_the_object():
    """A network without learned parts is no worse off: what a shift attack finds is the network's own."""
    scan = small_scan("zero_filled")
    wide = (40, 30)
    clean = rss_reconstruction(scan.kspace * scan.mask, wide)
    moved = rss_reconstruction(shift_kspace(scan.kspace, 3, -2) * scan.mask, wide)
    torch.testing.assert_close(moved[6:-6, 6:-6], clean.roll((3, -2), dims=(0, 1))[6:-6, 6:-6], rtol=1e-4, atol=1e-9)
