"""The Fourier transform is fastMRI's: centred, orthonormal; RSS takes the modulus first."""

import fastmri
import fastmri.data.transforms
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support import centred_fft2, complex_normal

from advmri.acquisition.kspace import crop_centre, fft2c, ifft2c, rss, rss_reconstruction
from advmri.volumes.reading import rss_image

sizes = st.integers(1, 17)
seeds = st.integers(0, 2**32 - 1)


def random_images(seed, *shape):
    return torch.from_numpy(complex_normal(np.random.default_rng(seed), shape)).to(torch.complex128)


@given(sizes, sizes, seeds)
def test_equals_fastmri_and_numpy(height, width, seed):
    image = random_images(seed, 2, 3, height, width)
    found = fft2c(image)
    assert torch.equal(torch.view_as_real(found), fastmri.fft2c(torch.view_as_real(image)))
    np.testing.assert_allclose(found.numpy(), centred_fft2(image.numpy()), atol=1e-12)


@given(sizes, sizes)
def test_centre_of_kspace_is_at_half_the_size(height, width):
    constant = torch.ones(height, width, dtype=torch.complex128)
    expected = torch.zeros(height, width, dtype=torch.complex128)
    expected[height // 2, width // 2] = np.sqrt(height * width)
    torch.testing.assert_close(fft2c(constant), expected, atol=1e-12, rtol=0)


@given(sizes, sizes)
def test_an_impulse_at_the_image_centre_has_no_phase(height, width):
    impulse = torch.zeros(height, width, dtype=torch.complex128)
    impulse[height // 2, width // 2] = 1
    flat = torch.full((height, width), 1 / np.sqrt(height * width), dtype=torch.complex128)
    torch.testing.assert_close(fft2c(impulse), flat, atol=1e-12, rtol=0)


@given(sizes, sizes, seeds)
def test_unitary(height, width, seed):
    image, kspace = random_images(seed, height, width), random_images(seed + 1, height, width)
    torch.testing.assert_close(ifft2c(fft2c(image)), image)
    torch.testing.assert_close(fft2c(image).norm(), image.norm())  # Parseval
    torch.testing.assert_close(torch.vdot(kspace.ravel(), fft2c(image).ravel()), _inner(ifft2c(kspace), image))


def _inner(first, second):
    return torch.vdot(first.ravel(), second.ravel())


@given(st.integers(1, 5), sizes, seeds)
def test_rss_is_the_root_of_the_sum_of_squared_moduli(coils, size, seed):
    images = random_images(seed, 2, coils, size, size)
    np.testing.assert_allclose(rss(images).numpy(), np.sqrt((np.abs(images.numpy()) ** 2).sum(axis=1)), rtol=1e-12)


def test_fastmri_rss_of_complex_numbers_is_something_else():
    images = random_images(0, 4, 8, 8)
    assert not torch.allclose(fastmri.rss(images, dim=0).abs(), rss(images))
    torch.testing.assert_close(fastmri.rss_complex(torch.view_as_real(images)), rss(images))


@pytest.mark.parametrize(("shape", "crop"), [((16, 12), (8, 8)), ((17, 13), (8, 9)), ((9, 9), (9, 9))])
def test_crop_is_fastmris_and_the_same_in_numpy_and_torch(shape, crop):
    kspace = random_images(3, 2, *shape).to(torch.complex64)
    image = rss_reconstruction(kspace, crop)
    full = fastmri.rss_complex(fastmri.ifft2c(torch.view_as_real(kspace)))
    torch.testing.assert_close(image, fastmri.data.transforms.center_crop(full, crop))
    torch.testing.assert_close(image, crop_centre(full, crop))
    np.testing.assert_allclose(rss_image(kspace.numpy(), crop), image.numpy(), rtol=1e-5)
