"""Rotation by Fourier shears: exact inverse, the centre of the FFT, the direction it claims."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from support import complex_normal

from advmri.acquisition.kspace import crop_centre, fft2c, ifft2c
from advmri.attacks.motion.operators.shears import rotate_complex, rotate_magnitude

angles = st.floats(-30, 30)
SHAPES = [(81, 81), (80, 80), (97, 81), (80, 97)]


def random_image(seed, height, width):
    return torch.from_numpy(complex_normal(np.random.default_rng(seed), (2, height, width)))


def band_limited(seed, height, width):
    """A random smooth complex image that fades out before the border."""
    y, x = np.indices((height, width)) - np.array([height // 2, width // 2])[:, None, None]
    distance = torch.from_numpy((y / height) ** 2 + (x / width) ** 2).float()
    return ifft2c(random_image(seed, height, width) * (-160 * distance).exp()) * (-40 * distance).exp()


def blob(shape, row=7.0, column=4.0):
    """A smooth spot, off the centre (H // 2, W // 2), of another width along each axis."""
    y, x = np.indices(shape)
    return np.exp(-((y - shape[0] // 2 - row) ** 2 / 18 + (x - shape[1] // 2 - column) ** 2 / 10))


@given(st.integers(0, 2**32 - 1), st.integers(4, 12), st.integers(4, 12), angles)
def test_on_odd_sizes_opposite_angles_undo_each_other_for_any_image(seed, half_height, half_width, degrees):
    """Each shear is then a unitary map of periodic images."""
    image = random_image(seed, 2 * half_height + 1, 2 * half_width + 1)
    turned = rotate_complex(image, degrees)
    torch.testing.assert_close(turned.norm(), image.norm(), rtol=1e-5, atol=0)
    torch.testing.assert_close(rotate_complex(turned, -degrees), image, rtol=0, atol=2e-5)


@given(st.integers(0, 2**32 - 1), st.integers(24, 40), st.integers(24, 40), st.floats(-10, 10))
def test_opposite_angles_undo_each_other_for_band_limited_images(seed, height, width, degrees):
    image = band_limited(seed, height, width)
    peak = image.abs().max()
    assert (rotate_complex(rotate_complex(image, degrees), -degrees) - image).abs().max() < 1e-4 * peak


def test_zero_degrees_returns_the_very_image():
    image = random_image(0, 9, 8)
    assert rotate_complex(image, 0) is image
    assert torch.equal(rotate_magnitude(image.abs(), 0, (9, 8)), image.abs())


def test_is_linear_with_complex_numbers():
    image = random_image(1, 16, 15)
    torch.testing.assert_close(rotate_complex(1j * image, 7.0), 1j * rotate_complex(image, 7.0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("degrees", [3.0, -10.0, 25.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_scipy_about_the_centre_of_the_fft(shape, degrees):
    """SciPy counts positive angles the other way round; its own centre is the same for odd sizes only."""
    image = blob(shape)
    turn = np.deg2rad(-degrees)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    centre = np.array(shape) // 2
    expected = ndimage.affine_transform(image, matrix, offset=centre - matrix @ centre, order=5)
    found = rotate_complex(torch.from_numpy(image.astype(np.complex64)), degrees).numpy()
    assert np.abs(found - expected).max() < 2e-4
    magnitude = rotate_magnitude(torch.from_numpy(image.astype(np.float32))[None], degrees, shape)[0].numpy()
    if abs(degrees) <= 10:  # the mirrored border reaches in beyond
        assert np.abs(magnitude - expected).max() < 1e-3
    if shape[0] % 2 and shape[1] % 2:
        assert np.abs(found - ndimage.rotate(image, -degrees, reshape=False, order=5)).max() < 2e-4


def test_positive_angles_turn_columns_towards_rows():
    turned = rotate_complex(torch.from_numpy(blob((81, 81), 0, 12).astype(np.complex64)), 20.0).abs().numpy()
    row, column = np.array(ndimage.center_of_mass(turned)) - 40
    np.testing.assert_allclose([row, column], [12 * np.sin(np.deg2rad(20)), 12 * np.cos(np.deg2rad(20))], atol=1e-3)


def test_centre_pixel_stays():
    for shape in SHAPES:
        turned = rotate_complex(torch.from_numpy(blob(shape, 0, 0).astype(np.complex64)), 15.0).abs().numpy()
        np.testing.assert_allclose(ndimage.center_of_mass(turned), np.array(shape) // 2, atol=1e-3)


def test_rotating_the_image_rotates_its_spectrum():
    """The rotation is the patient's: k-space turns with the image, about the k-space centre."""
    image = torch.from_numpy(blob((81, 81), 0, 0).astype(np.complex64))
    spectrum = fft2c(image)
    torch.testing.assert_close(fft2c(rotate_complex(image, 12.0)), rotate_complex(spectrum, 12.0), rtol=0, atol=2e-3)


@pytest.mark.parametrize("crop", [(60, 60), (61, 60), (60, 61), (61, 61)])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_crop_turns_about_the_centre_of_the_full_image(shape, crop):
    """Where odd and even sizes meet, that is not the middle of the crop: half a pixel would cost 3% here."""
    image = torch.from_numpy(blob(shape).astype(np.complex64))[None]
    turned = rotate_complex(image, 8.0)
    back = rotate_magnitude(crop_centre(turned.real, crop), -8.0, shape)
    assert (back - crop_centre(image.real, crop)).abs().max() < 8e-3


def test_magnitudes_keep_their_level_at_the_border():
    """What turns in from outside continues the border, not zeros and not the opposite side."""
    flat = torch.full((1, 40, 36), 3.0)
    torch.testing.assert_close(rotate_magnitude(flat, 20.0, (40, 36)), flat, rtol=1e-4, atol=0)
    step = flat.clone()
    step[:, :4] = 0
    assert rotate_magnitude(step, 5.0, (40, 36))[0, -4:, 10:26].min() > 2.8
