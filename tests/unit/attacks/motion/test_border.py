"""Images continued beyond their border: the same inside, one level at the ends, less ringing than a mirror."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import pad

from advmri.acquisition.kspace import crop_centre
from advmri.attacks.motion.border import SPARE_PIXELS, crop_extension, extend
from advmri.attacks.motion.operators.shears import rotate_complex, rotate_magnitude

SIZE = 96


@given(st.integers(3, 12), st.integers(3, 12), st.tuples(*[st.integers(SPARE_PIXELS, 40)] * 4), st.integers(0, 99))
def test_keeps_the_image_and_ends_at_one_level(height, width, padding, seed):
    image = torch.rand(2, height, width, generator=torch.Generator().manual_seed(seed))
    extended = extend(image, padding)
    assert extended.shape == (2, height + padding[2] + padding[3], width + padding[0] + padding[1])
    assert torch.equal(crop_extension(extended, padding), image)
    assert extended.min() >= 0
    ends = torch.cat([extended[:, 0], extended[:, -1], extended[:, :, 0], extended[:, :, -1]], dim=1)
    assert (ends - ends[:, :1]).abs().max() < 0.02


def test_a_slope_goes_on():
    ramp = (10 + torch.arange(30.0)).expand(1, 20, 30)
    beyond = extend(ramp, (20, 20, 20, 20))[0, 30]
    assert beyond[18] < beyond[19] < ramp[0, 0, 0], "a mirror would rise"
    assert beyond[51] > beyond[50] > ramp[0, 0, -1]


def turned_with(extension, image, degrees):
    margin = 30
    turned = rotate_complex(extension(image, margin).to(torch.complex64), degrees).real
    return crop_extension(turned, (margin,) * 4)


@pytest.mark.parametrize("degrees", [5.0, -2.3])
def test_rings_less_than_a_mirror(rng, degrees):
    """Against the rotation of a larger image of smooth random texture, where it reaches."""
    y, x = np.indices((2 * SIZE, 2 * SIZE)) / SIZE
    image = sum(np.cos(rng.uniform(-20, 20) * y + rng.uniform(-20, 20) * x + rng.uniform(0, 7)) for _ in range(30))
    large = torch.from_numpy((image - image.min()).astype(np.float32))[None]
    expected = crop_centre(rotate_complex(large.to(torch.complex64), degrees).real, (SIZE, SIZE))
    small = crop_centre(large, (SIZE, SIZE))
    inside = (slice(None), slice(8, -8), slice(8, -8))
    mirrored = turned_with(lambda one, margin: pad(one[:, None], (margin,) * 4, mode="reflect")[:, 0], small, degrees)
    found = rotate_magnitude(small, degrees, (SIZE, SIZE))
    errors = [(one - expected)[inside].square().mean().sqrt() for one in (found, mirrored)]
    assert errors[0] < 0.8 * errors[1]
