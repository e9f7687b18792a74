"""Whether a U-Net is what fastMRI makes, so that its forward pass may be written anew."""

from fastmri.models import Unet
from fastmri.models.unet import ConvBlock, TransposeConvBlock
from torch import nn

SLOPE, EPSILON = 0.2, 1e-5
"""Of the activation below zero; added to the variance (fastmri/models/unet.py:108-146, ConvBlock)."""
CONV_BLOCK = (nn.Conv2d, nn.InstanceNorm2d, nn.LeakyReLU, nn.Dropout2d) * 2
TRANSPOSE_CONV_BLOCK = (nn.ConvTranspose2d, nn.InstanceNorm2d, nn.LeakyReLU)
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def is_stock(network: Unet) -> bool:
    """Return whether nothing in a network is replaced, wrapped, added, or given other settings.

    Otherwise the stock forward pass is not all that it does. Sizes, dropout, training and weights may be any. Hooks on
    its parts count as added.
    """
    if type(network) is not Unet or not _holds(network.up_conv[-1], (ConvBlock, nn.Conv2d)):
        return False
    *blocks, end = network.up_conv
    last_block, last = end.children()
    conv_blocks = (*network.down_sample_layers, network.conv, *blocks, last_block)
    return (
        all(type(block) is ConvBlock and _holds(block.layers, CONV_BLOCK) for block in conv_blocks)
        and all(
            type(block) is TransposeConvBlock and _holds(block.layers, TRANSPOSE_CONV_BLOCK)
            for block in network.up_transpose_conv
        )
        and all(_has_stock_settings(module, module is last) for module in network.modules())
    )


def _holds(layers: nn.Module, kinds: tuple[type, ...]) -> bool:
    return isinstance(layers, nn.Sequential) and tuple(map(type, layers)) == kinds


def _has_stock_settings(module: nn.Module, is_last: bool) -> bool:
    if any(getattr(module, hooks) for hooks in HOOKS):
        return False
    if isinstance(module, nn.Conv2d):
        plain = (module.stride, module.dilation, module.groups, module.padding_mode) == ((1, 1), (1, 1), 1, "zeros")
        shape = (module.kernel_size, module.padding)
        return plain and (shape == ((1, 1), (0, 0)) if is_last else shape == ((3, 3), (1, 1)) and module.bias is None)
    if isinstance(module, nn.ConvTranspose2d):
        plain = (module.padding, module.output_padding, module.dilation, module.groups) == ((0, 0), (0, 0), (1, 1), 1)
        return plain and (module.kernel_size, module.stride) == ((2, 2), (2, 2)) and module.bias is None
    if isinstance(module, nn.InstanceNorm2d):
        return (module.eps, module.affine, module.track_running_stats) == (EPSILON, False, False)
    return not isinstance(module, nn.LeakyReLU) or module.negative_slope == SLOPE
