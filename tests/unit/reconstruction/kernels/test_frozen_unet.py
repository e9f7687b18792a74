"""The Unet with frozen weights is the stock module: output and input gradient, any size, any processor's vectors."""

import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from fastmri.models import Unet
from fastmri.models.varnet import NormUnet
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from advmri.reconstruction.kernels import fast_unet, frozen_layers, frozen_unet, native, normalise_activate
from advmri.reconstruction.kernels.fast_unet import norm_unet_forward, unet_forward
from advmri.reconstruction.kernels.frozen_unet import frozen_unet_forward, is_worthwhile
from advmri.reconstruction.kernels.stock_unet import is_stock

pytestmark = pytest.mark.skipif(native.load_native(frozen_layers.SOURCE) is None, reason="no C compiler")


def frozen(channels=2, chans=9, pools=2, dtype=torch.float64, outputs=None):
    torch.manual_seed(channels + chans + pools)
    network = Unet(channels, outputs or channels, chans=chans, num_pool_layers=pools)
    return network.to(dtype).eval().requires_grad_(False)


def output_and_gradient(function, image):
    variable = image.clone().requires_grad_(True)
    output = function(variable)
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return output.detach(), *torch.autograd.grad(output, variable, weights.to(output.dtype))


def errors(network, image):
    """Relative errors of output and gradient against the stock module."""
    found = output_and_gradient(lambda variable: frozen_unet_forward(network, variable), image)
    expected = output_and_gradient(network, image)
    return [((a - b).norm() / b.norm()).item() for a, b in zip(found, expected, strict=True)]


@given(st.integers(1, 3), st.integers(1, 2), st.integers(1, 3), st.integers(1, 20), st.integers(1, 3), st.data())
@settings(deadline=None, max_examples=40)
def test_any_size(batch, channels, outputs, chans, pools, data):
    height, width = (data.draw(st.integers(2, most)) * 2**pools for most in (5, 12))
    image = torch.randn(batch, channels, height, width, dtype=torch.float64)
    network = frozen(channels, chans, pools, outputs=outputs)
    assert is_worthwhile(network, image)
    assert max(errors(network, image)) < 1e-11


@pytest.mark.parametrize("processor", ["-march=x86-64", "-march=x86-64-v3", "-march=x86-64-v4"])
def test_any_processor(monkeypatch, processor):
    """Vectors of 16, 32 and 64 bytes, whose blocks differ."""
    facts = Path("/proc/cpuinfo").read_text() if platform.machine() == "x86_64" else ""
    if {"-march=x86-64": "sse2", "-march=x86-64-v3": "avx2", "-march=x86-64-v4": "avx512dq"}[processor] not in facts:
        pytest.skip("not this processor's")
    monkeypatch.setattr(native, "PROCESSOR_FLAGS", (processor,))
    native.load_native.cache_clear()
    try:
        assert native.load_native(frozen_layers.SOURCE) is not None
        for chans, width in ((9, 104), (8, 92), (6, 60), (5, 24), (7, 40)):
            image = torch.randn(2, 2, 36, width, dtype=torch.float64)
            assert max(errors(frozen(chans=chans), image)) < 1e-11
    finally:
        native.load_native.cache_clear()


def test_bits_do_not_depend_on_the_number_of_threads():
    image, network = torch.randn(2, 2, 52, 40), frozen(dtype=torch.float32)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            found.append(output_and_gradient(lambda variable: frozen_unet_forward(network, variable), image))
    finally:
        torch.set_num_threads(before)
    for one in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(one, found[0], strict=True))


def test_rounding_of_a_convolution_in_float32():
    """A few units in the last place."""
    torch.manual_seed(0)
    image, module = torch.randn(1, 72, 40, 46), nn.Conv2d(72, 72, 3, padding=1, bias=False)
    expected = module.double()(image.double())
    found = frozen_layers.convolve(module.float().weight.detach(), image).raw
    assert (found - expected).norm() / expected.norm() < 2e-6


def test_rounding_in_float32():
    """An activation whose sign is decided by rounding has another slope: gradients differ by more than outputs."""
    image, network = torch.randn(1, 2, 64, 48), frozen(pools=4)
    expected = output_and_gradient(network, image.double())
    single = network.float()
    found = output_and_gradient(lambda variable: frozen_unet_forward(single, variable), image)
    stock = output_and_gradient(single, image)
    for one, other, right, tolerance in zip(found, stock, expected, (1e-6, 1e-3), strict=True):
        assert (one - right).norm() < 4 * (other - right).norm() + tolerance * right.norm()


def test_normalisation_of_an_image_far_from_zero():
    """The spread is not lost beside the mean."""
    torch.manual_seed(0)
    image = torch.randn(1, 2, 64, 80) + 1e4
    weight = torch.zeros(2, 2, 3, 3)
    weight[:, :, 1, 1] = torch.eye(2)
    activation = frozen_layers.convolve(weight, image)
    deviation, mean = torch.std_mean(image.double(), dim=(2, 3), correction=0)
    torch.testing.assert_close(1 / activation.coefficients[..., 0].double(), deviation, rtol=1e-3, atol=0)
    shift = activation.coefficients[..., 1].double()
    torch.testing.assert_close(-shift / activation.coefficients[..., 0].double(), mean, rtol=1e-6, atol=0)


@pytest.mark.parametrize("value", [0.0, 3.0, torch.nan])
def test_constant_images(value):
    network, image = frozen(), torch.full((1, 2, 16, 24), value, dtype=torch.float64)
    torch.testing.assert_close(
        frozen_unet_forward(network, image), network(image), equal_nan=True, rtol=1e-9, atol=1e-9
    )


def test_without_gradient_and_with_one_that_is_no_tensor_of_its_own():
    network, image = frozen(), torch.randn(1, 24, 32, 2, dtype=torch.float64).permute(0, 3, 1, 2)
    with torch.no_grad():
        torch.testing.assert_close(frozen_unet_forward(network, image), network(image))
    assert not frozen_unet_forward(network, image).requires_grad
    gradients = []
    for function in (network, lambda variable: frozen_unet_forward(network, variable)):
        variable = image.clone().requires_grad_(True)
        function(variable)[:, :1].sum().backward()
        gradients.append(variable.grad)
    torch.testing.assert_close(*gradients)


def test_a_second_backward_pass():
    network, image = frozen(), torch.randn(1, 2, 16, 24, dtype=torch.float64, requires_grad=True)
    output = frozen_unet_forward(network, image).square().sum()
    first, second = (torch.autograd.grad(output, image, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)


def test_only_where_it_is_the_same_function_and_faster(monkeypatch):
    image, network = torch.randn(1, 2, 16, 24), frozen(dtype=torch.float32)
    assert is_worthwhile(network, image)
    assert not is_worthwhile(network, image[..., :22])
    assert not is_worthwhile(network, image[..., :4, :4])
    assert not is_worthwhile(network, image.bfloat16())
    assert not is_worthwhile(network, image.double())
    assert not is_worthwhile(frozen(chans=64, dtype=torch.float32), image)
    assert not is_worthwhile(frozen(dtype=torch.float32).requires_grad_(True), image)
    for is_fast in (False, True):
        monkeypatch.setattr(frozen_unet, "multiplies_bfloat16", lambda is_fast=is_fast: is_fast)
        with torch.autocast("cpu", torch.bfloat16):
            assert is_worthwhile(network, image) is not is_fast
    assert is_worthwhile(network.train(), image)


def other_slope(network):
    network.down_sample_layers[0].layers[2] = nn.LeakyReLU(0.1)


def other_activation(network):
    network.down_sample_layers[0].layers[2] = nn.ReLU()


def other_epsilon(network):
    network.conv.layers[1].eps = 1e-3


def affine(network):
    network.conv.layers[1] = nn.InstanceNorm2d(36, affine=True, dtype=torch.float64)
    network.conv.layers[1].weight.data.fill_(2)
    network.requires_grad_(False)


def biased(network):
    network.conv.layers[0].bias = nn.Parameter(torch.ones(36, dtype=torch.float64), requires_grad=False)


def dilated(network):
    network.up_conv[0].layers[4].dilation = network.up_conv[0].layers[4].padding = (2, 2)


def mirrored(network):
    network.conv.layers[4] = nn.Conv2d(36, 36, 3, padding=1, bias=False, padding_mode="reflect", dtype=torch.float64)
    network.requires_grad_(False)


def parametrised(network):
    nn.utils.parametrizations.weight_norm(network.down_sample_layers[1].layers[0])
    network.requires_grad_(False)


def hooked(network):
    network.conv.layers[4].register_forward_hook(lambda module, images, output: 2 * output + 1)
    network.conv.register_forward_hook(lambda module, images, output: 2 * output)


def without_a_norm(network):
    network.up_transpose_conv[1].layers[1] = nn.Identity()


def with_another_layer(network):
    network.up_conv[-1].append(nn.Tanh())


def subclassed(network):
    network.__class__ = type("Louder", (Unet,), {"forward": lambda self, image: 2 * Unet.forward(self, image)})


CHANGES = (
    *(other_slope, other_activation, other_epsilon, affine, biased, dilated, mirrored, parametrised, hooked),
    *(without_a_norm, with_another_layer, subclassed),
)


@pytest.mark.parametrize("change", CHANGES)
def test_changed_networks_are_called_themselves(change):
    network, image = frozen(), torch.randn(1, 2, 16, 24, dtype=torch.float64)
    before = network(image)
    assert is_stock(network)
    change(network)
    assert not is_stock(network)
    # A norm takes a bias away again.
    assert not torch.allclose(network(image), before) or change in (parametrised, biased)
    torch.testing.assert_close(unet_forward(network, image), network(image), rtol=0, atol=0)


def test_changed_norm_unets_are_called_themselves():
    model = type("Louder", (NormUnet,), {"forward": lambda self, image: 2 * NormUnet.forward(self, image)})(3, 2)
    image = torch.randn(2, 24, 32, dtype=torch.complex64)
    expected = torch.view_as_complex(model(torch.view_as_real(image)[:, None]))[:, 0]
    torch.testing.assert_close(norm_unet_forward(model, image), expected)


def test_wrong_images_are_refused_as_by_the_stock_module():
    network = frozen()
    for shape in ((1, 3, 16, 24), (1, 1, 16, 24), (1, 2, 3, 16, 24)):
        image = torch.randn(shape, dtype=torch.float64)
        with pytest.raises((RuntimeError, ValueError)):
            network(image)
        with pytest.raises((RuntimeError, ValueError)):
            unet_forward(network, image)
    network.conv.layers[4].weight = nn.Parameter(torch.zeros(36, 35, 3, 3, dtype=torch.float64), requires_grad=False)
    with pytest.raises(ValueError, match="a layer for 35 channels was given 36"):
        unet_forward(network, torch.randn(1, 2, 16, 24, dtype=torch.float64))


def test_weights_elsewhere_or_with_gradients_by_another_name():
    network, image = frozen(), torch.randn(1, 2, 16, 24, dtype=torch.float64)
    assert not is_worthwhile(frozen().to("meta"), image)
    layer = network.conv.layers[0]
    weight = layer.weight.detach().clone().requires_grad_(True)
    del layer.weight
    layer.weight = weight
    assert not is_worthwhile(network, image)
    unet_forward(network, image).sum().backward()
    assert weight.grad is not None


def test_dropout_of_single_layers():
    network, image = frozen(), torch.randn(1, 2, 16, 24, dtype=torch.float64)
    network.conv.layers[3].p = 0.5
    assert is_worthwhile(network, image)
    network.conv.layers[3].train()
    assert not is_worthwhile(network, image)


def test_weights_that_change_before_the_backward_pass_are_an_error():
    network, image = frozen(), torch.randn(1, 2, 16, 24, dtype=torch.float64, requires_grad=True)
    output = frozen_unet_forward(network, image).sum()
    network.conv.layers[0].weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.backward()


def test_backward_passes_side_by_side():
    network, image = frozen(), torch.randn(2, 2, 32, 40, dtype=torch.float64, requires_grad=True)
    output = frozen_unet_forward(network, image)
    gradients = [torch.randn_like(output) for _ in range(2)]

    def backward(gradient):
        return torch.autograd.grad(output, image, gradient, retain_graph=True)[0]

    expected = [backward(gradient) for gradient in gradients]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(backward, gradients * 20))
    assert all(torch.equal(one, expected[number % 2]) for number, one in enumerate(found))


def test_the_forward_pass_uses_it(monkeypatch):
    def refuse(*words):
        raise AssertionError

    network, image = frozen(), torch.randn(1, 2, 16, 24, dtype=torch.float64)
    for module in (fast_unet, normalise_activate):
        monkeypatch.setattr(module, "is_compiled_for", refuse)
    torch.testing.assert_close(unet_forward(network, image), network(image))


def test_no_memory_is_an_error(monkeypatch):
    class Library:
        def __getattr__(self, name):
            return lambda layer: 1

    network, image = frozen(), torch.randn(1, 2, 16, 24, dtype=torch.float64)
    monkeypatch.setattr(frozen_unet.layers, "load_native", lambda source: Library())
    with pytest.raises(MemoryError, match="no memory left"):
        frozen_unet_forward(network, image)
