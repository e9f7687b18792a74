"""Instance normalisation and leaky ReLU in one pass, the block between the convolutions of fastMRI's networks.

On a CPU stock PyTorch takes longer over these two than over small convolutions, and makes channels-last images
contiguous, so that every convolution rearranges them again. `normalise_activate.c` does both in place in channels-last
memory, and keeps the output alone for the backward pass.
"""

import ctypes
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from advmri.reconstruction.kernels.native import load_native

SOURCE = Path(__file__).with_suffix(".c")
PRECISIONS = {torch.float32: "float32", torch.float64: "float64", torch.bfloat16: "bfloat16"}
FORWARD_TYPES = [*[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 3, *[ctypes.c_double] * 2, ctypes.c_int64]
BACKWARD_TYPES = [
    *[ctypes.c_void_p, ctypes.c_int64, *[ctypes.c_void_p] * 3],
    *[*[ctypes.c_int64] * 3, ctypes.c_double, ctypes.c_int64],
]


def is_compiled_for(image: Tensor) -> bool:
    """Return whether the compiled pass can be used for images of this device and precision."""
    return image.device.type == "cpu" and image.dtype in PRECISIONS and load_native(SOURCE) is not None


def _call(name: str, dtype: torch.dtype, types: list[Any], *arguments: int | float) -> None:
    library = load_native(SOURCE)
    assert library is not None
    function = getattr(library, f"{name}_{PRECISIONS[dtype]}")
    function.argtypes, function.restype = types, ctypes.c_int
    if function(*arguments, torch.get_num_threads()):
        raise MemoryError("no memory left for the normalisation.")


class _NormaliseActivate(torch.autograd.Function):
    """The compiled pass over channels-last images [B, C, H, W], in place."""

    @staticmethod
    def forward(context: Any, image: Tensor, epsilon: float, slope: float) -> Tensor:
        batch, channels, height, width = image.shape
        inverse_deviation = torch.empty(batch, channels, dtype=torch.promote_types(image.dtype, torch.float32))
        sizes = (batch, height * width, channels)
        pointers = (image.data_ptr(), inverse_deviation.data_ptr())
        _call("forward", image.dtype, FORWARD_TYPES, *pointers, *sizes, slope, epsilon)
        context.mark_dirty(image)
        context.save_for_backward(image, inverse_deviation)
        context.slope = slope
        return image

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        output, inverse_deviation = context.saved_tensors
        batch, channels, height, width = output.shape
        stride = _pixel_stride(gradient)
        if stride is None:
            gradient, stride = gradient.contiguous(memory_format=torch.channels_last), channels
        result = torch.empty_like(output)
        pointers = (gradient.data_ptr(), stride, output.data_ptr(), inverse_deviation.data_ptr(), result.data_ptr())
        sizes = (batch, height * width, channels)
        _call("backward", output.dtype, BACKWARD_TYPES, *pointers, *sizes, context.slope)
        return result, None, None


def _pixel_stride(image: Tensor) -> int | None:
    """Return the distance of pixels in memory where channels are adjacent and pixels evenly spaced, else None."""
    batch, channels, height, width = image.shape
    stride = image.stride(3)
    even = image.stride(2) == width * stride and (batch == 1 or image.stride(0) == height * width * stride)
    return stride if even and stride >= channels and (channels == 1 or image.stride(1) == 1) else None


def normalise_activate(image: Tensor, epsilon: float, slope: float) -> Tensor:
    """Return leaky_relu(instance_norm(image)) of [B, C, H, W]; `image` itself may be overwritten.

    The same function as `torch.nn.InstanceNorm2d` without weights or running statistics and `torch.nn.LeakyReLU`, with
    gradients of first order, in training and evaluation alike.

    Args:
        image: a tensor that nobody else needs, such as a convolution's output.
        epsilon: added to the variance.
        slope: of the activation below zero; positive.
    """
    if not is_compiled_for(image) or image.shape[2] * image.shape[3] < 2:
        return functional.leaky_relu(functional.instance_norm(image, eps=epsilon), slope)
    if _pixel_stride(image) != image.shape[1]:
        image = image.clone(memory_format=torch.channels_last)
    return _NormaliseActivate.apply(image, epsilon, slope)
