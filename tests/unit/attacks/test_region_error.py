"""The objective of eq. (4) and (5) is the L2 norm of the error inside the region."""

import numpy as np
import torch

from advmri.attacks.region_error import region_error


def test_counts_the_region_only(rng):
    images, target = rng.random((2, 9, 8)), rng.random((9, 8))
    regions = np.zeros((2, 9, 8), bool)
    regions[0, 2:5, 1:4] = True
    regions[1] = True
    found = region_error(torch.from_numpy(images), torch.from_numpy(target), torch.from_numpy(regions))
    expected = [
        np.sqrt(((images[0] - target)[2:5, 1:4] ** 2).sum()),
        np.linalg.norm(images[1] - target),
    ]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_a_perfect_region_gives_zero(rng):
    target = torch.from_numpy(rng.random((9, 8)))
    region = torch.zeros(1, 9, 8, dtype=torch.bool)
    region[:, :4] = True
    assert region_error(torch.where(region, target, 7.0), target, region).item() == 0
