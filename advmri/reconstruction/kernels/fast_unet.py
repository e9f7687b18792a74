"""Forward passes of fastMRI's Unet and NormUnet with their weights, faster on a CPU: fused blocks, fewer products."""

import torch
from fastmri.models import Unet
from fastmri.models.unet import ConvBlock, TransposeConvBlock
from fastmri.models.varnet import NormUnet
from torch import Tensor, nn
from torch.nn import functional

from advmri.reconstruction.kernels import frozen_unet, winograd
from advmri.reconstruction.kernels.normalise_activate import is_compiled_for, normalise_activate
from advmri.reconstruction.kernels.stock_unet import is_stock

CACHED_ELEMENTS = 2**21
"""Numbers of the first layer's images that small networks work on at a time on a CPU."""


def unet_forward(network: Unet, image: Tensor) -> Tensor:
    """Return `network(image)` of [B, C, H, W] (fastmri/models/unet.py, Unet.forward): the same function, to rounding.

    Gradients of first order with respect to image and weights are those of the stock module. A network that is not as
    fastMRI makes it is called itself.
    """
    if not is_stock(network):
        result: Tensor = network(image)
        return result
    if frozen_unet.is_worthwhile(network, image):
        return frozen_unet.frozen_unet_forward(network, image)
    output = _channels_last(image) if is_compiled_for(image) else image
    skipped = []
    for block in network.down_sample_layers:
        output = _conv_block(block, output)
        skipped.append(output)
        output = functional.avg_pool2d(output, kernel_size=2, stride=2, padding=0)
    output = _conv_block(network.conv, output)
    for transpose_conv, conv in zip(network.up_transpose_conv, network.up_conv, strict=True):
        across = skipped.pop()
        output = _transpose_conv_block(transpose_conv, output)
        below, right = (across.shape[dim] - output.shape[dim] for dim in (-2, -1))
        if below or right:
            output = functional.pad(output, (0, right, 0, below), "reflect")
        block, *last = conv if isinstance(conv, nn.Sequential) else (conv,)
        output = _conv_block(block, output, across)
        for convolution in last:
            output = convolution(output)
    return output


def norm_unet_forward(model: NormUnet, image: Tensor) -> Tensor:
    """Return `model` of complex images [B, H, W] (fastmri/models/varnet.py, NormUnet.forward): the same function.

    On a CPU, large images go through one after the other: what is computed between two convolutions stays in its cache.
    """
    if type(model) is not NormUnet:
        return torch.view_as_complex(model(torch.view_as_real(image)[:, None])[:, 0].contiguous())
    together = max(1, CACHED_ELEMENTS // (image[0].numel() * model.unet.chans))
    if image.device.type != "cpu" or len(image) <= together:
        return _norm_unet_forward(model, image)
    return torch.cat([_norm_unet_forward(model, some) for some in image.split(together)])


def _norm_unet_forward(model: NormUnet, image: Tensor) -> Tensor:
    channels = torch.view_as_real(image).permute(0, 3, 1, 2)
    deviation, mean = torch.std_mean(channels, dim=(2, 3), keepdim=True)
    padded, sizes = model.pad((channels - mean) / deviation)
    output = model.unpad(unet_forward(model.unet, padded), *sizes) * deviation + mean
    return torch.view_as_complex(output.permute(0, 2, 3, 1).contiguous())


def _channels_last(image: Tensor) -> Tensor:
    """Return [B, C, H, W] in channels-last memory, also where C is 1 and both orders are the same."""
    if image.shape[1] == 1:
        return image.contiguous()[:, 0, :, :, None].permute(0, 3, 1, 2)
    return image.contiguous(memory_format=torch.channels_last)


def _activated(layers: nn.Sequential, *images: Tensor) -> Tensor:
    """Apply convolution, normalisation and activation, the first three of `layers`, to images side by side."""
    convolution, normalisation, activation = layers
    assert isinstance(normalisation, nn.InstanceNorm2d) and isinstance(activation, nn.LeakyReLU)
    if isinstance(convolution, nn.Conv2d) and winograd.is_worthwhile(convolution, *images):
        output = winograd.convolve(convolution, *images)
    else:
        output = convolution(torch.cat(images, dim=1) if len(images) > 1 else images[0])
    return normalise_activate(output, normalisation.eps, activation.negative_slope)


def _conv_block(block: ConvBlock, *images: Tensor) -> Tensor:
    layers = block.layers
    return layers[7](_activated(layers[4:7], layers[3](_activated(layers[0:3], *images))))


def _transpose_conv_block(block: TransposeConvBlock, image: Tensor) -> Tensor:
    return _activated(block.layers, image)
