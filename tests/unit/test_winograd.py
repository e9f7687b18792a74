"""Winograd's convolutions are the direct ones: output and input gradient, any size, and fastMRI's Unet made of them."""

import pytest
import torch
from fastmri.models import Unet
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from advmri.reconstruction import fast_unet, native, winograd
from advmri.reconstruction.fast_unet import unet_forward

pytestmark = pytest.mark.skipif(native.load_native(winograd.SOURCE) is None, reason="no C compiler")


def convolution(inputs, outputs, dtype=torch.float64):
    torch.manual_seed(inputs + outputs)
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False).to(dtype).requires_grad_(False)


def output_and_gradient(function, image):
    variable = image.clone(memory_format=torch.preserve_format).requires_grad_(True)
    output = function(variable)
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return output.detach(), *torch.autograd.grad(output, variable, weights.to(output.dtype))


def errors(module, image):
    """Relative errors of output and gradient against the direct convolution in float64."""
    found = output_and_gradient(lambda variable: winograd.convolve(module, variable), image)
    reference = convolution(module.in_channels, module.out_channels)
    reference.load_state_dict(module.state_dict())
    expected = output_and_gradient(reference, image.double())
    return [((a - b).norm() / b.norm()).item() for a, b in zip(found, expected, strict=True)]


@given(
    st.integers(1, 3), st.integers(1, 23), st.integers(1, 23), st.sampled_from([16, 32, 80]), st.sampled_from([16, 48])
)
@settings(deadline=None, max_examples=30)
def test_any_size(batch, height, width, inputs, outputs):
    image = torch.randn(batch, inputs, height, width, dtype=torch.float64)
    assert max(errors(convolution(inputs, outputs), image)) < 1e-12


@pytest.mark.parametrize(("tiles", "matrices"), [(1, 2**22), (7, 36 * 32 * 16), (1000, 36 * 32 * 48), (5, 1)])
def test_any_division_into_parts(monkeypatch, tiles, matrices):
    monkeypatch.setattr(winograd, "TILES", tiles)
    monkeypatch.setattr(winograd, "LARGEST_MATRICES", matrices)
    assert max(errors(convolution(32, 80), torch.randn(2, 32, 21, 14, dtype=torch.float64))) < 1e-12


@pytest.mark.parametrize("threads", [1, 3])
def test_any_number_of_threads(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert max(errors(convolution(64, 64), torch.randn(1, 64, 17, 30, dtype=torch.float64))) < 1e-12
    finally:
        torch.set_num_threads(before)


def test_part_of_a_stack_as_gradient():
    """The gradient of one of two joined images is no tensor of its own."""
    module, other = convolution(16, 16), torch.randn(1, 16, 9, 9, dtype=torch.float64)
    image = torch.randn(1, 16, 9, 9, dtype=torch.float64)
    found, expected = (
        output_and_gradient(lambda variable, one=one: torch.cat([one(variable), other], dim=1), image)[1]
        for one in (lambda variable: winograd.convolve(module, variable), module)
    )
    torch.testing.assert_close(found, expected)


def test_rounding_in_float32():
    """A few units in the last place, as for the direct convolution, whose sums are as long."""
    assert max(errors(convolution(128, 128, torch.float32), torch.randn(1, 128, 40, 40))) < 5e-6


def test_only_where_it_is_faster():
    image = torch.randn(1, 64, 40, 40)
    module = convolution(64, 64, torch.float32)
    assert winograd.is_worthwhile(module, image)
    assert not winograd.is_worthwhile(module, image[:, :, :8, :8])
    assert not winograd.is_worthwhile(module, image.bfloat16())
    assert not winograd.is_worthwhile(module, image.double())
    assert not winograd.is_worthwhile(convolution(64, 32, torch.float32), image)
    assert not winograd.is_worthwhile(convolution(64, 72, torch.float32), image)
    assert not winograd.is_worthwhile(nn.Conv2d(64, 64, 3, padding=1).requires_grad_(False), image)
    assert not winograd.is_worthwhile(nn.Conv2d(64, 64, 3, bias=False).requires_grad_(False), image)
    with torch.autocast("cpu", torch.bfloat16):
        assert not winograd.is_worthwhile(module, image)


def test_weights_that_are_trained_go_the_direct_way():
    image, module = torch.randn(1, 64, 40, 40), convolution(64, 64, torch.float32).requires_grad_(True)
    assert not winograd.is_worthwhile(module, image)
    with torch.no_grad():
        assert winograd.is_worthwhile(module, image)
        before = winograd.convolve(module, image)
        module.weight.mul_(2)
        torch.testing.assert_close(winograd.convolve(module, image), 2 * before)


def test_the_unet_is_the_stock_module(monkeypatch):
    used = []
    monkeypatch.setattr(winograd, "FEWEST_TILES", 1)
    monkeypatch.setattr(winograd, "FEWEST_CHANNELS", 16)
    convolve = winograd.convolve
    monkeypatch.setattr(fast_unet.winograd, "convolve", lambda *words: used.append(words[0]) or convolve(*words))
    torch.manual_seed(0)
    network = Unet(1, 1, chans=16, num_pool_layers=2).double().eval().requires_grad_(False)
    image = torch.randn(2, 1, 37, 30, dtype=torch.float64)
    found = output_and_gradient(lambda variable: unet_forward(network, variable), image)
    expected = output_and_gradient(network, image)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
    # Ten of 3 x 3 but the first, which has one channel.
    assert len(used) == 9
