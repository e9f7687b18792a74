"""The searched SSIM is the scored SSIM, and the other objectives are what they say."""

import numpy as np
import pytest
import torch

from advmri.attacks.noise.objectives import l2, l2_ssim, ssim
from advmri.attacks.region_error import region_error
from advmri.image_quality.ssim import WHOLE_IMAGE, region_ssim, ssim_map

DATA_RANGE = 4e-4
REGIONS = {
    "inside": (slice(8, 20), slice(9, 17)),
    "corner": (slice(0, 4), slice(0, 5)),
    "pixel": (slice(10, 11), slice(3, 4)),
    "last": (slice(25, 30), slice(20, 26)),
    "image": WHOLE_IMAGE,
}


@pytest.fixture
def images(rng):
    target = rng.random((30, 26)).astype(np.float32) * DATA_RANGE
    others = target + (rng.standard_normal((2, 30, 26)) * 0.2 * DATA_RANGE).astype(np.float32)
    return target, others


def chosen(region):
    mask = torch.zeros(1, 30, 26, dtype=torch.bool)
    mask[0][region] = True
    return mask


def problem(images, region):
    target, others = images
    batch = torch.from_numpy(np.stack([target, target])), chosen(region).expand(2, -1, -1)
    return *batch, torch.from_numpy(others[::-1].copy()), DATA_RANGE


@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS)
def test_ssim_equals_the_scored_one(images, region):
    target, others = images
    lost = ssim.Objective(*problem(images, region))(torch.from_numpy(others))
    expected = [1 - region_ssim(ssim_map(target, image, DATA_RANGE), region) for image in others]
    np.testing.assert_allclose(lost, expected, rtol=1e-4)


def test_the_ssim_map_equals_scikit_images(images):
    target, others = images
    pairs = torch.from_numpy(np.stack([target, target])), torch.from_numpy(others)
    found = ssim.ssim_map(*pairs, DATA_RANGE)
    for image, one in zip(others, found, strict=True):
        np.testing.assert_allclose(one, ssim_map(target, image, DATA_RANGE), atol=2e-5)


def test_a_perfect_image_loses_no_ssim(images):
    target, _ = images
    lost = ssim.Objective(*problem(images, REGIONS["inside"]))(torch.from_numpy(np.stack([target, target])))
    np.testing.assert_allclose(lost, 0, atol=1e-5)


def test_ssim_has_a_gradient_that_descent_confirms(images):
    _, others = images
    objective = ssim.Objective(
        *(
            part.double() if torch.is_tensor(part) and part.is_floating_point() else part
            for part in problem(images, REGIONS["inside"])
        )
    )
    image = torch.from_numpy(others).double().requires_grad_(True)
    (gradient,) = torch.autograd.grad(objective(image).sum(), image)
    direction = torch.randn_like(image, generator=None) * DATA_RANGE
    step = 1e-4
    ahead, behind = (objective((image + sign * step * direction).detach()) for sign in (1, -1))
    expected = (gradient * direction).sum(dim=(1, 2))
    torch.testing.assert_close((ahead - behind) / (2 * step), expected, rtol=1e-4, atol=1e-8)


def test_l2_is_the_region_error_and_both_is_the_weighed_sum(images):
    target, others = images
    parts = problem(images, REGIONS["inside"])
    reconstruction = torch.from_numpy(others)
    error = region_error(reconstruction, torch.from_numpy(target), parts[1])
    assert torch.equal(l2.Objective(*parts)(reconstruction), error)
    clean = region_error(parts[2], torch.from_numpy(target), parts[1])
    expected = error / clean + ssim.Objective(*parts)(reconstruction)
    torch.testing.assert_close(l2_ssim.Objective(*parts)(reconstruction), expected)
