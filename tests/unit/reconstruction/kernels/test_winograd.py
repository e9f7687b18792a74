"""Winograd's convolutions are the direct ones: output and input gradient, any size, and fastMRI's Unet made of them."""

import pytest
import torch
from fastmri.models import Unet
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from advmri.reconstruction.kernels import fast_unet, native, winograd
from advmri.reconstruction.kernels.fast_unet import unet_forward

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


@pytest.mark.parametrize(("tiles", "inputs", "spread"), [(1, 16, 1), (7, 32, 1), (7, 16, 36 * 32 * 14), (1000, 48, 1)])
def test_any_division_into_parts(monkeypatch, tiles, inputs, spread):
    """Sums go on where they stopped: not a bit depends on the parts."""
    image, module = torch.randn(2, 80, 21, 14, dtype=torch.float64), convolution(80, 208)
    expected = output_and_gradient(lambda variable: winograd.convolve(module, variable), image)
    for name, value in (("TILES", tiles), ("INPUTS", inputs), ("SPREAD_NUMBERS", spread)):
        monkeypatch.setattr(winograd, name, value)
    found = output_and_gradient(lambda variable: winograd.convolve(module, variable), image)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    assert max(errors(module, image)) < 1e-12


def stacked(module, images, function):
    """Output, and gradients of two images that lie side by side."""
    variables = [image.clone(memory_format=torch.preserve_format).requires_grad_(True) for image in images]
    output = function(module, *variables)
    return [output, *torch.autograd.grad(output.double().square().sum(), variables)]


@pytest.mark.parametrize(("first", "other"), [(16, 48), (64, 16)])
def test_images_side_by_side(first, other):
    images = [torch.randn(2, channels, 13, 10, dtype=torch.float64) for channels in (first, other)]
    module = convolution(first + other, 32)
    found = stacked(module, images, winograd.convolve)
    expected = stacked(module, images, lambda module, *both: module(torch.cat(both, dim=1)))
    for one, right in zip(found, expected, strict=True):
        torch.testing.assert_close(one, right)


def in_bfloat16(module, image):
    with torch.autocast("cpu", torch.bfloat16):
        assert winograd.is_worthwhile(module, image)
        return winograd.convolve(module, image)


@pytest.fixture
def bfloat16_is_slow(monkeypatch):
    monkeypatch.setattr(winograd, "multiplies_bfloat16", lambda: False)


@pytest.mark.usefixtures("bfloat16_is_slow")
@pytest.mark.parametrize("size", [1e-12, 1, 1e12])
@pytest.mark.parametrize("weight", [1e-9, 1, 1e9])
def test_bfloat16_of_any_size(size, weight):
    """Where products are of half precision, they are scaled to its range."""
    module = convolution(64, 128, torch.float32)
    reference = convolution(64, 128)
    for one in (module, reference):
        one.weight.mul_(weight)
    image = (size * torch.randn(1, 64, 40, 33)).bfloat16()
    found = output_and_gradient(lambda variable: in_bfloat16(module, variable), image)
    expected = output_and_gradient(reference, image.double())
    assert [one.dtype for one in found] == [torch.bfloat16] * 2
    for one, right in zip(found, expected, strict=True):
        assert (one.double() - right).norm() < 0.015 * right.norm()


@pytest.mark.usefixtures("bfloat16_is_slow")
def test_bfloat16_of_nothing_and_of_what_is_no_number():
    module, image = convolution(64, 64, torch.float32), torch.zeros(1, 64, 20, 20)
    assert not in_bfloat16(module, image).any()
    for number in (torch.nan, torch.inf):
        image[0, 3, 5, 7] = number
        assert not torch.isfinite(in_bfloat16(module, image)[0, :, 5, 7]).any()


@pytest.mark.usefixtures("bfloat16_is_slow")
def test_bfloat16_does_not_depend_on_threads():
    module, image = convolution(64, 64, torch.float32), torch.randn(1, 64, 50, 50)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(output_and_gradient(lambda variable: in_bfloat16(module, variable), image))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


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
    assert not winograd.is_worthwhile(module, image, image)


@pytest.mark.parametrize("is_fast", [False, True])
def test_bfloat16_where_the_processor_has_nothing_faster(monkeypatch, is_fast):
    image, module = torch.randn(1, 64, 40, 40), convolution(64, 64, torch.float32)
    monkeypatch.setattr(winograd, "multiplies_bfloat16", lambda: is_fast)
    with torch.autocast("cpu", torch.bfloat16):
        assert winograd.is_worthwhile(module, image) is not is_fast
        assert not winograd.is_worthwhile(module.bfloat16(), image)
    with torch.autocast("cpu", torch.float16):
        assert not winograd.is_worthwhile(module.float(), image)


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
