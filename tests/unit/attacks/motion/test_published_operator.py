"""AdvRec's rotation: its resampling at 0 degrees, and the same direction and place as the exact one."""

import math

import numpy as np
import pytest
import torch
from fastmri import evaluate
from scipy import ndimage
from support import SHARED

from advmri.acquisition.kspace import crop_centre, fft2c, rss
from advmri.attacks.motion.operators import published, shears


def checkers(size, along_rows, along_columns):
    signs = torch.cos(math.pi * torch.arange(size))
    return (signs[:, None] if along_rows else torch.ones(size, 1)) * (signs if along_columns else torch.ones(size))


@pytest.mark.parametrize(("along_rows", "along_columns"), [(True, False), (False, True)])
def test_zero_degrees_there_and_back_keeps_0_89_of_the_highest_frequency(along_rows, along_columns):
    image = checkers(64, along_rows, along_columns)[None]
    back = published.rotate_magnitude(published.rotate_magnitude(image, 0.0, (64, 64)), 0.0, (64, 64))
    gain = (image * back)[0, 8:-8, 8:-8].mean()
    assert round(float(gain), 2) == 0.89
    assert torch.equal(shears.rotate_magnitude(image, 0.0, (64, 64)), image)


def test_zero_degrees_there_and_back_costs_ssim_on_real_knees(shared):
    """0.9993, as measured on the published code."""
    assert shared == SHARED
    knees = np.load(shared / "stanford-knees" / "knees_01_14.npy", mmap_mode="r")
    for knee in knees[:3]:
        image = torch.from_numpy(np.array(knee, dtype=np.float32))[None]
        back = published.rotate_magnitude(published.rotate_magnitude(image, 0, image.shape[1:]), 0, image.shape[1:])
        found = evaluate.ssim(image.numpy(), back.numpy(), float(image.max()))
        assert 0.998 < found < 0.9999


@pytest.mark.parametrize("degrees", [4.0, -9.0])
@pytest.mark.parametrize("shape", [(81, 81), (97, 81), (80, 81)])
def test_turns_the_same_way_as_the_exact_rotation(shape, degrees):
    """A spot so wide that neither bilinear sampling nor the half pixel between centres matters much."""
    y, x = np.indices(shape)
    image = np.exp(-((y - shape[0] // 2 - 9) ** 2 + (x - shape[1] // 2 + 12) ** 2) / 60).astype(np.float32)
    exact = shears.rotate_magnitude(torch.from_numpy(image)[None], degrees, shape)[0].numpy()
    found = published.rotate_magnitude(torch.from_numpy(image)[None], degrees, shape)[0].numpy()
    np.testing.assert_allclose(ndimage.center_of_mass(found), ndimage.center_of_mass(exact), atol=0.1)
    if shape[0] % 2 and shape[1] % 2:
        assert np.abs(found - exact).max() < 2e-2
        scipy = ndimage.rotate(image, -degrees, reshape=False, order=1)
        assert np.abs(found - scipy).max() < 3e-2


def test_complex_images_turn_by_their_parts():
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(3, 20, 18, dtype=torch.complex64, generator=generator)
    turned = published.rotate_complex(image, 6.0)
    torch.testing.assert_close(turned.real, published.rotate_magnitude(image.real, 6.0, (20, 18)))
    torch.testing.assert_close(turned.imag, published.rotate_magnitude(image.imag, 6.0, (20, 18)))
    assert turned.dtype == torch.complex64 and fft2c(turned).shape == image.shape


@pytest.mark.parametrize(("shape", "crop"), [((48, 40), (24, 24)), ((47, 40), (24, 25)), ((48, 41), (25, 24))])
def test_a_crop_turns_about_the_middle_of_the_full_image(shape, crop):
    y, x = np.indices(shape)
    middle = (np.array(shape) - 1) / 2
    image = np.exp(-((y - middle[0] - 3) ** 2 + (x - middle[1]) ** 2) / 12).astype(np.float32)
    turned = published.rotate_complex(torch.from_numpy(image)[None].to(torch.complex64), 8.0)
    back = published.rotate_magnitude(rss(crop_centre(turned, crop))[None], -8.0, shape)[0].numpy()
    expected = crop_centre(torch.from_numpy(image), crop).numpy()
    np.testing.assert_allclose(ndimage.center_of_mass(back), ndimage.center_of_mass(expected), atol=0.02)
    assert np.abs(back - expected).max() < 0.03
