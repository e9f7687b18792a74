"""The faster forward passes are fastMRI's: outputs, input gradients and weight gradients in float64, any size."""

import pytest
import torch
from fastmri.models import Unet
from fastmri.models.varnet import NormUnet

from advmri.reconstruction.kernels import fast_unet, normalise_activate
from advmri.reconstruction.kernels.fast_unet import norm_unet_forward, unet_forward


def compare(network, image, functions):
    """Assert that two functions give the same output and gradients of image and weights."""
    results = []
    for function in functions:
        variable = image.clone().requires_grad_(True)
        output = function(variable)
        weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(1), dtype=output.dtype)
        loss = (output * weights).real.sum() if output.is_complex() else (output * weights).sum()
        results.append((output.detach(), *torch.autograd.grad(loss, [variable, *network.parameters()])))
    for expected, found in zip(*results, strict=True):
        scale = expected.abs().max().clamp_min(1e-12)
        assert (expected - found).abs().max() / scale < 1e-9


@pytest.fixture(params=["compiled", "eager"])
def compiled(request, monkeypatch):
    if request.param == "eager":
        for module in (fast_unet, normalise_activate):
            monkeypatch.setattr(module, "is_compiled_for", lambda image: False)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("height", "width", "channels", "batch"), [(32, 24, 1, 1), (21, 30, 2, 3), (19, 17, 1, 2)])
def test_unet(compiled, height, width, channels, batch, training):
    torch.manual_seed(0)
    network = Unet(channels, channels, chans=5, num_pool_layers=2).double().train(training)
    image = torch.randn(batch, channels, height, width, dtype=torch.float64)
    compare(network, image, (network, lambda variable: unet_forward(network, variable)))


@pytest.mark.parametrize(("height", "width", "batch", "together"), [(32, 48, 1, 1), (21, 30, 2, 2), (32, 48, 5, 2)])
def test_norm_unet(compiled, monkeypatch, height, width, batch, together):
    """All images at a time, or some after the others."""
    torch.manual_seed(0)
    monkeypatch.setattr(fast_unet, "CACHED_ELEMENTS", 3 * height * width * together)
    model = NormUnet(chans=3, num_pools=2).double()
    image = torch.randn(batch, height, width, dtype=torch.complex128)

    def stock(variable):
        return torch.view_as_complex(model(torch.view_as_real(variable)[:, None]))[:, 0]

    compare(model, image, (stock, lambda variable: norm_unet_forward(model, variable)))


def test_dropout_is_applied_in_training():
    """The same random channels fall out as in the stock module."""
    network = Unet(1, 1, chans=8, num_pool_layers=2, drop_prob=0.5).double().train()
    image = torch.randn(2, 1, 16, 16, dtype=torch.float64)
    outputs = []
    for function in (network, lambda variable: unet_forward(network, variable)):
        torch.manual_seed(3)
        outputs.append(function(image).detach())
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-9, atol=1e-9)
    assert not torch.allclose(outputs[0], network.eval()(image))
