"""The fast VarNet is the stock one: outputs, input gradients and weight gradients in float64."""

import pytest
import torch
from fastmri.data.transforms import center_crop

from advmri.acquisition.kspace import fft2c, ifft2c, rss_reconstruction
from advmri.reconstruction.varnet import build


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize(
    ("height", "width", "batch", "mask_center"),
    [(32, 24, 1, True), (32, 25, 2, True), (30, 27, 1, True), (31, 26, 2, True), (31, 25, 2, False)],
)
def test_equals_stock_module(height, width, batch, mask_center, frozen):
    torch.manual_seed(0)
    sizes = {"num_cascades": 3, "chans": 3, "pools": 2, "sens_chans": 2, "sens_pools": 2}
    reconstructor = build(**sizes, mask_center=mask_center).double()
    assert reconstructor.network.sens_net.mask_center is mask_center
    for index, cascade in enumerate(reconstructor.network.cascades):
        cascade.dc_weight.data.fill_(0.7 + index)
    reconstructor.requires_grad_(not frozen)
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
        parameters = [] if frozen else list(reconstructor.parameters())
        gradients = torch.autograd.grad((image * weights).sum(), [variable, *parameters])
        results.append((image.detach(), *gradients))
    for expected, found in zip(*results, strict=True):
        scale = expected.abs().max().clamp_min(1e-12)
        assert (expected - found).abs().max() / scale < 1e-9


@pytest.mark.parametrize("width", [24, 25])
def test_readout_crop_equals_stock_on_cropped_kspace(width):
    """With `crop_readout` the stock module, given k-space without the readout's oversampling, says the same."""
    torch.manual_seed(0)
    reconstructor = build(num_cascades=3, chans=3, pools=2, sens_chans=2, sens_pools=2, crop_readout=True).double()
    mask = torch.rand(1, width) < 0.4
    mask[:, 9:15] = True
    kspace = torch.randn(1, 3, 40, width, dtype=torch.complex128) * mask[:, None, None]
    cropped = fft2c(center_crop(ifft2c(kspace), (20, width))) * mask[:, None, None]
    expected = reconstructor.network(torch.view_as_real(cropped), mask[:, None, None, :, None], 5)
    found = reconstructor(kspace, mask, 5, (20, 18))
    torch.testing.assert_close(found, center_crop(expected, (20, 18)), rtol=1e-9, atol=1e-12)


def test_zero_initialised_starts_nearer_to_the_zero_filled_image():
    mask = torch.zeros(1, 24, dtype=torch.bool)
    mask[:, 8:16] = True
    kspace = torch.randn(1, 3, 16, 24, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    kspace = kspace * mask[:, None, None]
    distances = []
    for zero_initialised in (True, False):
        torch.manual_seed(0)
        arguments = {"num_cascades": 2, "chans": 4, "pools": 1, "sens_chans": 4, "sens_pools": 1}
        reconstructor = build(**arguments, zero_initialised=zero_initialised)
        with torch.no_grad():
            image = reconstructor(kspace, mask, 6, (16, 16))
        distances.append((image - rss_reconstruction(kspace, (16, 16))).norm())
    assert distances[0] < 0.5 * distances[1]
