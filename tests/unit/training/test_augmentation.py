"""Augmentation moves the coil images of a slice together, and does nothing when switched off."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from support import complex_normal

from advmri.acquisition.kspace import rss
from advmri.training.augmentation import augment
from advmri.training.settings import AugmentationSettings

SHAPE = (41, 33)
CROP = (21, 21)


def images(seed=0):
    return torch.from_numpy(complex_normal(np.random.default_rng(seed), (3, *SHAPE)))


def spot(row=6.0, column=3.0, shape=SHAPE):
    y, x = np.indices(shape)
    middle = (np.array(shape) - 1) / 2
    return np.exp(-((y - middle[0] - row) ** 2 + (x - middle[1] - column) ** 2) / 18)


def place_of(image):
    return np.array(ndimage.center_of_mass(image.numpy())) - (np.array(image.shape) - 1) / 2


def moved(settings, seed):
    spots = torch.from_numpy(np.stack([spot(), 2 * spot()]).astype(np.complex64))
    return augment(spots, CROP, AugmentationSettings(**settings), seed)


def test_inactive_settings():
    assert not AugmentationSettings().active
    for name in ("rotate_degrees", "scale", "shift"):
        assert AugmentationSettings(**{name: 0.1}).active
    assert AugmentationSettings(flip=True).active


def test_identity_when_nothing_is_drawn():
    torch.testing.assert_close(augment(images(), CROP, AugmentationSettings(), seed=3), images(), rtol=0, atol=1e-5)


def test_flip_is_exact_and_happens_in_half_of_the_samples():
    settings = AugmentationSettings(flip=True)
    flipped = 0
    for seed in range(60):
        found = augment(images(), CROP, settings, seed)
        mirrored = torch.allclose(found, images().flip(-1), rtol=0, atol=1e-5)
        assert mirrored or torch.allclose(found, images(), rtol=0, atol=1e-5)
        flipped += mirrored
    assert 18 <= flipped <= 42


def test_coils_move_together():
    """The ratio of two coils is kept, so the result is an acquisition of a moved patient."""
    found = moved({"flip": True, "rotate_degrees": 20, "scale": 0.2, "shift": 0.1}, seed=5)
    torch.testing.assert_close(found[1], 2 * found[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_rotation_is_rigid_and_within_its_limit(seed):
    """The spot keeps its distance from the centre, whatever the image's aspect ratio."""
    found = place_of(moved({"rotate_degrees": 25}, seed)[0].abs())
    start = np.array([6.0, 3.0])
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(start), rel=0.02)
    turned = np.degrees(np.arctan2(*found) - np.arctan2(*start))
    assert 0.1 < abs(turned) <= 25.5


@pytest.mark.parametrize("seed", range(4))
def test_shift_is_in_units_of_the_crop(seed):
    offset = place_of(moved({"shift": 0.2}, seed)[0].abs()) - [6, 3]
    assert (np.abs(offset) <= 0.2 * 21 + 0.1).all() and np.abs(offset).max() > 0.3


@pytest.mark.parametrize("seed", range(4))
def test_scale_is_about_the_centre(seed):
    found = place_of(moved({"scale": 0.25}, seed)[0].abs())
    factors = found / [6, 3]
    assert factors[0] == pytest.approx(factors[1], rel=0.02)
    assert 0.74 <= factors[0] <= 1.26 and abs(factors[0] - 1) > 0.005


def test_same_seed_same_sample():
    settings = {"flip": True, "rotate_degrees": 20, "scale": 0.2, "shift": 0.1}
    assert torch.equal(moved(settings, 7), moved(settings, 7))
    assert not torch.equal(moved(settings, 7), moved(settings, 8))


def test_complex_values_are_interpolated_linearly():
    settings = AugmentationSettings(rotate_degrees=10)
    torch.testing.assert_close(
        augment(1j * images(), CROP, settings, 1), 1j * augment(images(), CROP, settings, 1), rtol=1e-4, atol=1e-5
    )
    assert rss(augment(images(), CROP, settings, 1)).shape == SHAPE
