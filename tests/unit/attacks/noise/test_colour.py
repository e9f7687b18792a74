"""Coloured noise: whitening undoes colouring, and the covariance is that of the noise."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from support import complex_normal

from advmri.attacks.noise.colour import Colour


def random_covariance(rng, coils):
    mixing = complex_normal(rng, (coils, coils)) + 2 * np.eye(coils)
    return torch.from_numpy(mixing @ mixing.conj().T)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_whitening_undoes_colouring_and_the_root_squares_to_the_covariance(seed, coils):
    rng = np.random.default_rng(seed)
    covariance = random_covariance(rng, coils)
    colour = Colour.from_covariance(covariance)
    z = torch.from_numpy(complex_normal(rng, (2, coils, 4, 3)))
    torch.testing.assert_close(colour.whitened(colour.coloured(z)), z, rtol=1e-2, atol=1e-3)
    squared = colour.root @ colour.root.mH
    scale = covariance.diagonal().real.sum() / squared.diagonal().real.sum()
    torch.testing.assert_close(squared * scale, covariance.to(torch.complex64), rtol=1e-3, atol=1e-4 * scale.item())
    torch.testing.assert_close(colour.root, colour.root.mH, rtol=1e-4, atol=1e-5)


def test_uncorrelated_equal_coils_are_left_alone():
    colour = Colour.from_covariance(3 * torch.eye(4))
    torch.testing.assert_close(colour.root, torch.eye(4, dtype=torch.complex64))


def test_a_coil_without_noise_gets_none():
    covariance = torch.diag(torch.tensor([1.0, 0.0, 4.0]))
    colour = Colour.from_covariance(covariance)
    z = colour.coloured(torch.ones(3, 2, 2, dtype=torch.complex64))
    assert not z[1].any() and z[0].abs().min() > 0
    torch.testing.assert_close(colour.whitened(z)[[0, 2]], torch.ones(2, 2, 2, dtype=torch.complex64))
