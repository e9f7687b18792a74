"""Forward and backward pass of fastMRI's Unet with few channels and frozen weights, on a CPU."""

from typing import Any

import torch
from fastmri.models import Unet
from fastmri.models.unet import ConvBlock
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from advmri.reconstruction.kernels import frozen_layers as layers
from advmri.reconstruction.kernels.frozen_layers import Activation, Gradient
from advmri.reconstruction.kernels.processor import multiplies_bfloat16

MOST_CHANNELS = 48
"""Of the first layer; with more, larger convolutions are the faster way."""


def is_worthwhile(network: Unet, image: Tensor) -> bool:
    """Return whether `frozen_unet_forward` takes a network that `is_stock` and an image [B, C, H, W], and is faster.

    Under autocast too it works in the image's own precision, where the processor has nothing faster.
    """
    factor = 2 ** len(network.down_sample_layers)
    height, width = image.shape[-2] // factor, image.shape[-1] // factor
    return (
        network.chans <= MOST_CHANNELS
        and image.ndim == 4
        and image.shape[1] == network.down_sample_layers[0].layers[0].weight.shape[1]
        and (height * factor, width * factor) == image.shape[-2:]
        and height * width > 1
        and not (torch.is_autocast_enabled(image.device.type) and multiplies_bfloat16())
        and layers.is_compiled_for(image)
        and all(_is_frozen(module, image) for module in network.modules())
    )


def _is_frozen(module: nn.Module, image: Tensor) -> bool:
    """Return whether a layer drops nothing, and has weights of the image's kind that need no gradient."""
    if isinstance(module, nn.Dropout2d):
        return not (module.training and module.p > 0)
    if not isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        return True
    tensors = (module.weight,) if module.bias is None else (module.weight, module.bias)
    alike = all((one.dtype, one.device) == (image.dtype, image.device) for one in tensors)
    return alike and not (torch.is_grad_enabled() and any(one.requires_grad for one in tensors))


def frozen_unet_forward(network: Unet, image: Tensor) -> Tensor:
    """Return `network(image)` [B, K, H, W] where `is_worthwhile`.

    It has a gradient of first order with respect to the image, and none with respect to the weights.
    """
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
        self.last, self.bias = last.weight.contiguous(), last.bias

    def tensors(self) -> list[Tensor]:
        """Return all that the backward pass reads."""
        pairs = [*self.down, self.bottom, *self.up]
        return [*(weight for pair in pairs for weight in pair), *self.expansions, self.last]


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
        # The weights too, although `context.weights` has them: autograd refuses a backward pass after they changed.
        context.save_for_backward(
            *(tensor for one in kept for tensor in (one.raw, one.coefficients)), *weights.tensors()
        )
        return layers.combine(weights.last, weights.bias, deepest)

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        weights = context.weights
        saved = iter(context.saved_tensors[: -len(weights.tensors())])
        # Means of gradients are written to the coefficients: another thread may go the same way.
        kept = [Activation(raw, coefficients.clone()) for raw, coefficients in zip(saved, saved, strict=True)]
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
