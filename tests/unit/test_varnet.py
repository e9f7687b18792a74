"""The fast VarNet is the stock one: outputs, input gradients and weight gradients in float64."""

import pytest
import torch
from fastmri.data.transforms import center_crop

from advmri.reconstruction.varnet import build


@pytest.mark.parametrize(("height", "width", "batch"), [(32, 24, 1), (32, 25, 2), (30, 27, 1), (31, 26, 2)])
def test_equals_stock_module(height, width, batch):
    torch.manual_seed(0)
    reconstructor = build(num_cascades=2, chans=3, pools=2, sens_chans=2, sens_pools=2).double()
    for index, cascade in enumerate(reconstructor.network.cascades):
        cascade.dc_weight.data.fill_(0.7 + index)
    mask = torch.rand(batch, width) < 0.4
    centre = 5
    first = (width - centre + 1) // 2
    mask[:, first : first + centre] = True
    kspace = torch.randn(batch, 3, height, width, dtype=torch.complex128) * mask[:, None, None]
    weights = torch.randn(batch, 20, 20, dtype=torch.float64)
    results = []
    for stock in (True, False):
        variable = kspace.clone().requires_grad_(True)
        if stock:
            mask5 = mask[:, None, None, :, None]
            image = center_crop(reconstructor.network(torch.view_as_real(variable), mask5, centre), (20, 20))
        else:
            image = reconstructor(variable, mask, centre, (20, 20))
        parameters = list(reconstructor.parameters())
        gradients = torch.autograd.grad((image * weights).sum(), [variable, *parameters])
        results.append((image.detach(), *gradients))
    for expected, found in zip(*results, strict=True):
        scale = expected.abs().max().clamp_min(1e-12)
        assert (expected - found).abs().max() / scale < 1e-9
