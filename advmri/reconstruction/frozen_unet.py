"""Forward and backward pass of fastMRI's Unet with few channels and frozen weights, on a CPU."""

from typing import Any

import torch
from fastmri.models import Unet
from fastmri.models.unet import ConvBlock, TransposeConvBlock
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from advmri.reconstruction import frozen_layers as layers
from advmri.reconstruction.frozen_layers import Activation, Gradient

CONTAINERS = (Unet, ConvBlock, TransposeConvBlock, nn.ModuleList, nn.Sequential, nn.Dropout2d)
MOST_CHANNELS = 48
"""Of the first layer; with more, larger convolutions are the faster way."""


def is_worthwhile(network: Unet, image: Tensor) -> bool:
    """Return whether `frozen_unet_forward` takes this network and image [B, C, H, W], and is faster."""
    factor, trains = 2 ** len(network.down_sample_layers), torch.is_grad_enabled()
    height, width = image.shape[-2] // factor, image.shape[-1] // factor
    return (
        network.chans <= MOST_CHANNELS
        and (height * factor, width * factor) == image.shape[-2:]
        and height * width > 1
        and not (network.training and network.drop_prob > 0)
        and all(
            weight.dtype == image.dtype and not (trains and weight.requires_grad) for weight in network.parameters()
        )
        and not torch.is_autocast_enabled(image.device.type)
        and layers.is_compiled_for(image)
        and all(_is_stock(module) for module in network.modules())
    )


def _is_stock(module: nn.Module) -> bool:
    """Return whether a part of a Unet is what fastMRI makes: nothing replaced, wrapped or given other settings."""
    if type(module) is nn.Conv2d:
        shape = (module.kernel_size, module.padding, module.bias is None)
        plain = (module.stride, module.dilation, module.groups, module.padding_mode) == ((1, 1), (1, 1), 1, "zeros")
        return plain and (shape == ((3, 3), (1, 1), True) or shape[:2] == ((1, 1), (0, 0)))
    if type(module) is nn.ConvTranspose2d:
        plain = (module.padding, module.output_padding, module.dilation, module.groups) == ((0, 0), (0, 0), (1, 1), 1)
        return plain and (module.kernel_size, module.stride, module.bias is None) == ((2, 2), (2, 2), True)
    if type(module) is nn.InstanceNorm2d:
        return (module.eps, module.affine, module.track_running_stats) == (layers.EPSILON, False, False)
    if type(module) is nn.LeakyReLU:
        return module.negative_slope == layers.SLOPE
    return type(module) in CONTAINERS


def frozen_unet_forward(network: Unet, image: Tensor) -> Tensor:
    """Return `network(image)` [B, K, H, W] where `is_worthwhile`; it has no gradient with respect to the weights."""
    result: Tensor = _FrozenUnet.apply(image, network)
    return result


def _weights(block: ConvBlock) -> tuple[Tensor, Tensor]:
    return block.layers[0].weight.contiguous(), block.layers[4].weight.contiguous()


class _Weights:
    """The weights of a Unet by place: encoder and bottleneck, expansions and decoder from the deepest on, the last."""

    def __init__(self, network: Unet) -> None:
        self.down = [_weights(block) for block in network.down_sample_layers]
        self.bottom = _weights(network.conv)
        self.expansions = [block.layers[0].weight.contiguous() for block in network.up_transpose_conv]
        *blocks, (block, last) = network.up_conv
        self.up = [_weights(block) for block in (*blocks, block)]
        assert isinstance(last, nn.Conv2d)
        self.last, self.bias = last.weight.contiguous(), last.bias


class _FrozenUnet(torch.autograd.Function):
    """Keeps the outputs of convolutions, before normalisation."""

    @staticmethod
    def forward(context: Any, image: Tensor, network: Unet) -> Tensor:
        weights = _Weights(network)
        kept: list[Activation] = []

        def block(pair: tuple[Tensor, Tensor], *sources: Tensor | Activation) -> Activation:
            first = layers.convolve(pair[0], *sources)
            second = layers.convolve(pair[1], first)
            kept.extend((first, second))
            return second

        below: Tensor | Activation = image.contiguous()
        across = []
        for pair in weights.down:
            across.append(block(pair, below))
            below = layers.pool(across[-1])
        deepest = block(weights.bottom, below)
        for expansion, pair in zip(weights.expansions, weights.up, strict=True):
            expanded = layers.expand(expansion, deepest)
            kept.append(expanded)
            deepest = block(pair, expanded, across.pop())
        context.weights = weights
        context.save_for_backward(*(tensor for one in kept for tensor in (one.raw, one.coefficients)))
        return layers.combine(weights.last, weights.bias, deepest)

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        weights, saved = context.weights, iter(context.saved_tensors)
        kept = [Activation(raw, coefficients) for raw, coefficients in zip(saved, saved, strict=True)]
        depth = len(weights.down)
        down = [(kept.pop(0), kept.pop(0)) for _ in range(depth)]
        bottom = (kept.pop(0), kept.pop(0))
        up = [(kept.pop(0), kept.pop(0), kept.pop(0)) for _ in range(depth)]
        of_across = []
        of_output: Gradient = layers.combine_gradient(weights.last, gradient.contiguous(), up[-1][2])
        for level in reversed(range(depth)):
            expanded, first, _ = up[level]
            of_first = layers.convolve_gradient(weights.up[level][1], of_output, first)
            of_expanded, of_skipped = layers.convolve_gradient_of_stack(weights.up[level][0], of_first, expanded)
            of_across.append(of_skipped)
            source = up[level - 1][2] if level else bottom[1]
            of_output = layers.expand_gradient(weights.expansions[level], of_expanded, source)
        of_first = layers.convolve_gradient(weights.bottom[1], of_output, bottom[0])
        of_image = layers.convolve_gradient_of_image(weights.bottom[0], of_first)
        for pair, (first, second) in zip(reversed(weights.down), reversed(down), strict=True):
            of_output = layers.pool_gradient(of_image, of_across.pop(), second)
            of_first = layers.convolve_gradient(pair[1], of_output, first)
            of_image = layers.convolve_gradient_of_image(pair[0], of_first)
        return of_image, None
