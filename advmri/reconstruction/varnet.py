"""fastMRI's end-to-end variational network (Sriram et al. 2020), computed in hybrid space."""

import math

import torch
from fastmri.models import VarNet
from torch import Tensor

from advmri.kspace import crop_centre
from advmri.reconstruction.fast_unet import norm_unet_forward
from advmri.reconstruction.protocol import Reconstructor


def _centring_phases(width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return phases [W] in image and k-space that turn a plain FFT into a centred one, for any width.

    Centred: X[k] = sum_n x[n] exp(-2 pi i (k - c)(n - c) / W), c = W // 2; so X = after * fft(before * x).
    For even widths they are signs.
    """
    centre = width // 2
    turns = torch.arange(width, dtype=torch.float64, device=like.device) * centre % width / width
    before = torch.polar(torch.ones_like(turns), 2 * math.pi * turns)
    after = before * torch.polar(torch.ones_like(turns[:1]), -2 * math.pi * (turns[centre : centre + 1]))
    return before.to(like.dtype), after.to(like.dtype)


class VarNetReconstructor(Reconstructor):
    """`fastmri.models.VarNet` on k-space, its RSS output cropped.

    The same function as the stock module's forward (models/varnet.py:266-279; tests compare outputs and gradients in
    float64), with its weights, in fewer operations: the mask depends on the column only, so after one inverse FFT
    along the readout everything happens between image columns and k-space columns by 1-D FFTs; shifts become phases,
    absorbed into the sensitivity maps and into k-space; complex arithmetic is native.

    With `crop_readout` the readout's oversampling is cut off before the network, as scanners do: the network sees the
    crop's rows only, at about half the cost. Exact, since the readout is fully sampled; not what fastMRI's VarNet does.
    """

    network: VarNet

    def __init__(self, network: VarNet, crop_readout: bool = False) -> None:
        super().__init__()
        self.network = network
        self.crop_readout = crop_readout

    def forward(self, kspace: Tensor, mask: Tensor, num_low_frequencies: int, crop: tuple[int, int]) -> Tensor:
        """See `Reconstructor`."""
        before, after = _centring_phases(kspace.shape[-1], kspace)
        hybrid = torch.fft.fftshift(torch.fft.ifft(torch.fft.ifftshift(kspace, dim=-2), dim=-2, norm="ortho"), dim=-2)
        if self.crop_readout:
            hybrid = crop_centre(hybrid, (crop[0], hybrid.shape[-1]))
        measured = hybrid * after.conj()
        maps = self._sensitivities(measured, before, num_low_frequencies)
        current = measured
        columns = mask[:, None, None, :]
        for cascade in self.network.cascades:
            combined = (maps.conj() * torch.fft.ifft(current, dim=-1, norm="ortho")).sum(dim=1, keepdim=True)
            refined = norm_unet_forward(cascade.model, combined[:, 0])[:, None]
            regularised = torch.fft.fft(maps * refined, dim=-1, norm="ortho")
            current = current - torch.where(columns, current - measured, 0) * cascade.dc_weight - regularised
        images = torch.fft.ifft(current, dim=-1, norm="ortho")
        return crop_centre(_magnitude(images), crop)

    def _sensitivities(self, measured: Tensor, before: Tensor, num_low_frequencies: int) -> Tensor:
        """Estimate maps [B, C, H, W] from the central columns, times the image-space phases (varnet.py:197-216)."""
        batch, coils, height, width = measured.shape
        first = (width - num_low_frequencies + 1) // 2
        centre = torch.zeros_like(measured)
        centre[..., first : first + num_low_frequencies] = measured[..., first : first + num_low_frequencies]
        images = torch.fft.ifft(centre, dim=-1, norm="ortho") * before.conj()
        maps = norm_unet_forward(self.network.sens_net.norm_unet, images.flatten(0, 1))
        maps = maps.reshape(batch, coils, height, width)
        return maps / _magnitude(maps)[:, None] * before


def _magnitude(coil_images: Tensor) -> Tensor:
    """Return the RSS [B, H, W] of complex [B, C, H, W]."""
    return torch.view_as_real(coil_images).square().sum(dim=(1, -1)).sqrt()


def build(
    num_cascades: int = 12,
    chans: int = 18,
    pools: int = 4,
    sens_chans: int = 8,
    sens_pools: int = 4,
    crop_readout: bool = False,
    zero_initialised: bool = False,
) -> VarNetReconstructor:
    """Make the reconstruction around `fastmri.models.VarNet` of these sizes, named as there.

    `crop_readout`: see `VarNetReconstructor`. `zero_initialised`: start training with regularisers that return a
    constant (their input's mean), near the zero-filled image, which is worth some steps in a short training; fastMRI
    starts at random.
    """
    network = VarNet(num_cascades=num_cascades, chans=chans, pools=pools, sens_chans=sens_chans, sens_pools=sens_pools)
    if zero_initialised:
        for cascade in network.cascades:
            last = cascade.model.unet.up_conv[-1][1]
            torch.nn.init.zeros_(last.weight)
            torch.nn.init.zeros_(last.bias)
    return VarNetReconstructor(network, crop_readout)
