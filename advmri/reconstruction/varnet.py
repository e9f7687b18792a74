"""fastMRI's end-to-end variational network (Sriram et al. 2020), computed in hybrid space."""

import math

import torch
from fastmri.models import VarNet
from torch import Tensor

from advmri.acquisition.kspace import crop_centre
from advmri.reconstruction.kernels.fast_unet import norm_unet_forward
from advmri.reconstruction.normal_operator import normal_operator
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
    absorbed into the sensitivity maps and into k-space; complex arithmetic is native. As sum_c |S_c|^2 = 1, a cascade
    changes one coil-combined image x and one residual p, never the coils' k-space (lambda: dc_weight; r: what the
    regulariser finds in x; A: `normal_operator`): x <- x - lambda p - r, p <- (1 - lambda) p - A r.

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
        images = torch.fft.ifft(measured, dim=-1, norm="ortho")
        combined = (maps.conj() * images).sum(dim=1)
        # What cascades subtract: in all; in measured columns, partly restored; the latter, combined.
        removed = removed_measured = residual = torch.zeros_like(combined)
        for number, cascade in enumerate(self.network.cascades, start=1):
            refined = norm_unet_forward(cascade.model, combined)
            removed = removed + refined
            removed_measured = removed_measured - cascade.dc_weight * removed_measured + refined
            if number < len(self.network.cascades):
                combined = combined - cascade.dc_weight * residual - refined
                residual = residual - cascade.dc_weight * residual - normal_operator(maps, refined, mask)
        return _coil_images_to_rss(images, maps, removed, removed - removed_measured, mask, crop)

    def _sensitivities(self, measured: Tensor, before: Tensor, num_low_frequencies: int) -> Tensor:
        """Estimate maps [B, C, H, W], times the image-space phases (varnet.py:197-216).

        From the central columns; from all measured ones where the network's `mask_center` is false.
        """
        batch, coils, height, width = measured.shape
        centre = measured
        if self.network.sens_net.mask_center:
            first = (width - num_low_frequencies + 1) // 2
            centre = torch.zeros_like(measured)
            centre[..., first : first + num_low_frequencies] = measured[..., first : first + num_low_frequencies]
        images = torch.fft.ifft(centre, dim=-1, norm="ortho") * before.conj()
        maps = norm_unet_forward(self.network.sens_net.norm_unet, images.flatten(0, 1))
        maps = maps.reshape(batch, coils, height, width)
        return maps / _magnitude(maps)[:, None] * before


def _coil_images_to_rss(
    images: Tensor, maps: Tensor, removed: Tensor, restored: Tensor, mask: Tensor, crop: tuple[int, int]
) -> Tensor:
    """Return the RSS [B, h, w] of x - S removed + F^-1 M F S restored, computed in the crop's rows only."""
    rows = (crop[0], images.shape[-1])
    images, maps, removed, restored = (crop_centre(one, rows) for one in (images, maps, removed, restored))
    lines = torch.fft.fft(maps * restored[:, None], dim=-1, norm="ortho") * mask[:, None, None]
    coils = images - maps * removed[:, None] + torch.fft.ifft(lines, dim=-1, norm="ortho")
    return _magnitude(crop_centre(coils, crop))


def _magnitude(coil_images: Tensor) -> Tensor:
    """Return the RSS [B, H, W] of complex [B, C, H, W]."""
    return torch.view_as_real(coil_images).square().sum(dim=(1, -1)).sqrt()


def build(
    num_cascades: int = 12,
    chans: int = 18,
    pools: int = 4,
    sens_chans: int = 8,
    sens_pools: int = 4,
    mask_center: bool = True,
    crop_readout: bool = False,
    zero_initialised: bool = False,
) -> VarNetReconstructor:
    """Make the reconstruction around `fastmri.models.VarNet` of these sizes, named as there.

    `crop_readout`: see `VarNetReconstructor`. `zero_initialised`: start training with regularisers that return a
    constant (their input's mean), near the zero-filled image, which is worth some steps in a short training; fastMRI
    starts at random.
    """
    network = VarNet(num_cascades, sens_chans, sens_pools, chans, pools, mask_center)
    if zero_initialised:
        for cascade in network.cascades:
            last = cascade.model.unet.up_conv[-1][1]
            torch.nn.init.zeros_(last.weight)
            torch.nn.init.zeros_(last.bias)
    return VarNetReconstructor(network, crop_readout)
