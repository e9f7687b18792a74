"""The U-Net path is fastMRI's: the same input image, the same network, the image in its own units."""

import numpy as np
import pytest
import torch
from fastmri.data.subsample import create_mask_for_mask_type
from fastmri.data.transforms import UnetDataTransform
from support import object_kspace, random_network, small_scan

from advmri.acquisition.masks import fastmri_seed, make_mask
from advmri.volumes.reading import rss_image

CROP = (24, 20)


def fastmri_sample(kspace, name="file1"):
    transform = UnetDataTransform("multicoil", create_mask_for_mask_type("random", [0.16], [4]))
    return transform(kspace, None, rss_image(kspace, CROP), {"max": 1.0}, f"{name}.h5", 0)


@pytest.mark.parametrize(("rows", "columns"), [(48, 32), (47, 31)])
def test_equals_fastmris_transform_and_network(rng, rows, columns):
    kspace = object_kspace(rng, rows=rows, columns=columns)
    network = random_network("unet")
    sample = fastmri_sample(kspace)
    expected = network.network(sample.image[None, None])[0, 0] * sample.std + sample.mean
    mask = make_mask(columns, 4, 0.16, "random", fastmri_seed("file1"))
    masked = torch.from_numpy(kspace) * mask.columns
    found = network(masked[None], mask.columns[None], mask.num_low_frequencies, CROP)[0]
    assert found.shape == CROP and found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-8)


def test_bright_spots_are_clamped_as_in_fastmri(rng):
    """Beyond six SDs the network sees no difference; without the clamp the images would differ."""
    kspace = object_kspace(rng)
    images = np.zeros_like(kspace)
    images[:, 24, 16] = 3e-2
    spiked = kspace + np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(images, axes=(-2, -1)), norm="ortho"), axes=(-2, -1))
    sample = fastmri_sample(spiked.astype(np.complex64))
    assert sample.image.max() == 6
    network = random_network("unet")
    mask = make_mask(32, 4, 0.16, "random", fastmri_seed("file1"))
    masked = torch.from_numpy(spiked.astype(np.complex64)) * mask.columns
    found = network(masked[None], mask.columns[None], mask.num_low_frequencies, CROP)[0]
    expected = network.network(sample.image[None, None])[0, 0] * sample.std + sample.mean
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("architecture", ["unet", "varnet", "zero_filled"])
def test_images_scale_with_the_kspace(architecture):
    """Networks see normalised data: another unit of k-space gives the same image in that unit."""
    scan = small_scan(architecture)
    scaled = scan.reconstruct(1000 * scan.kspace[None])[0]
    torch.testing.assert_close(scaled, 1000 * scan.clean(), rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("architecture", ["unet", "varnet", "zero_filled"])
def test_reconstructions_are_deterministic(architecture):
    scan = small_scan(architecture)
    assert torch.equal(scan.clean(), scan.clean())
