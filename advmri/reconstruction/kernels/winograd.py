"""3 x 3 convolutions whose weights need no gradient by Winograd's algorithm, on a CPU: a fourth of the products.

They are what attacks on large U-Nets spend their time on. In F(4 x 4, 3 x 3) of Lavin and Gray (2016, arXiv:1509.09308,
section 4.2), tiles of 6 x 6 pixels become 36 numbers per channel, each of which is multiplied by its own matrix of
weights. The gradient is a convolution too, with each kernel the other way round. It is the same function as the direct
convolution; in float32 its rounding error is four to ten times as large.

Under autocast to bfloat16 images are stored in bfloat16. Products are then of half precision where the processor has
them (AVX512-FP16, at twice the rate of float32), else float32: without AMX few processors multiply bfloat16 any faster.
"""

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from advmri.reconstruction.kernels.native import load_native
from advmri.reconstruction.kernels.processor import multiplies_bfloat16

SOURCE = Path(__file__).with_suffix(".c")
PRECISIONS = {torch.float32: "float32", torch.float64: "float64", torch.bfloat16: "bfloat16"}
STEP, POINTS, LANES = 4, 36, 16
FEWEST_CHANNELS, FEWEST_TILES = 64, 20
"""Of input and output, and of an image's pixels, for which it is the faster way."""
SPREAD_NUMBERS = 2**22
"""About as many of the images' numbers are spread at a time."""
TILES, INPUTS = 112, 64
"""That a thread multiplies at a time; of more tiles than these all inputs, as their matrices are made once for all."""
FEWEST_OUTPUTS, MOST_OUTPUTS = 64, 128
"""That a thread works out at a time: so few that all threads have some."""


class _Convolution(ctypes.Structure):
    """What is convolved and how it is divided: `Convolution` of winograd.c."""

    _fields_ = tuple(
        (name, ctypes.c_int64)
        for name in (
            *("samples", "height", "width", "inputs", "outputs", "reversed"),
            *("tiles_together", "tiles_at_once", "outputs_at_once", "inputs_at_once", "shared"),
        )
    )


def _pixels(image: Tensor) -> torch.dtype:
    """Return what the images of a convolution are stored in: under autocast what that says."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else image.dtype


def _is_of_precision(convolution: nn.Conv2d, image: Tensor) -> bool:
    """Return whether images and weights are of the same precision, or float32 and to be taken in bfloat16."""
    if torch.is_autocast_enabled("cpu"):
        known = _pixels(image) == torch.bfloat16 and image.dtype in (torch.float32, torch.bfloat16)
        return known and convolution.weight.dtype == torch.float32 and not multiplies_bfloat16()
    return image.dtype in (torch.float32, torch.float64) and image.dtype == convolution.weight.dtype


class _Stack(ctypes.Structure):
    """One or two images whose channels lie side by side: `Stack` of winograd.c."""

    _fields_ = (("first", ctypes.c_void_p), ("other", ctypes.c_void_p), ("channels", ctypes.c_int64))

    @classmethod
    def of(cls, images: Sequence[Tensor]) -> "_Stack":
        """Return the stack of channels-last images."""
        return cls(images[0].data_ptr(), images[-1].data_ptr(), images[0].shape[1])


def is_worthwhile(convolution: nn.Conv2d, *images: Tensor) -> bool:
    """Return whether `convolve` takes this convolution of one or two images [B, C, H, W], and is faster."""
    image = images[0]
    return (
        image.device.type == convolution.weight.device.type == "cpu"
        and _is_of_precision(convolution, image)
        and not (torch.is_grad_enabled() and convolution.weight.requires_grad)
        and convolution.bias is None
        and (convolution.kernel_size, convolution.stride, convolution.padding) == ((3, 3), (1, 1), (1, 1))
        and (convolution.dilation, convolution.groups, convolution.padding_mode) == ((1, 1), 1, "zeros")
        and min(convolution.in_channels, convolution.out_channels) >= FEWEST_CHANNELS
        and convolution.out_channels % LANES == 0
        and convolution.in_channels == sum(one.shape[1] for one in images)
        and all(one.shape[1] % LANES == 0 and one.dtype == image.dtype for one in images)
        and _tiles(image) >= FEWEST_TILES
        and load_native(SOURCE) is not None
    )


def _tiles(image: Tensor) -> int:
    return image.shape[0] * -(-image.shape[2] // STEP) * -(-image.shape[3] // STEP)


def _divided(images: Sequence[Tensor], outputs: int, is_reversed: bool) -> _Convolution:
    """Return a convolution of images [B, C, H, W], divided so that what is worked on stays in the caches."""
    samples, _, height, width = images[0].shape
    inputs, tiles = sum(image.shape[1] for image in images), _tiles(images[0])
    together = min(tiles, max(TILES, SPREAD_NUMBERS // (POINTS * inputs) // TILES * TILES))
    each = -(-outputs // (2 * torch.get_num_threads() * FEWEST_OUTPUTS)) * FEWEST_OUTPUTS
    return _Convolution(
        *(samples, height, width, inputs, outputs, is_reversed),
        tiles_together=together,
        tiles_at_once=min(tiles, TILES),
        outputs_at_once=min(each, MOST_OUTPUTS),
        inputs_at_once=min(INPUTS, inputs),
        shared=tiles > TILES,
    )


def _call(name: str, dtype: torch.dtype, result: Any, *arguments: int) -> int | None:
    library = load_native(SOURCE)
    assert library is not None
    function = getattr(library, f"{name}_{PRECISIONS[dtype]}")
    function.argtypes = [*[ctypes.c_void_p] * (len(arguments) - 1), ctypes.c_int64]
    function.restype = result
    found: int | None = function(*arguments)
    return found


def _convolve(images: Sequence[Tensor], weight: Tensor, outputs: Sequence[int], is_reversed: bool) -> list[Tensor]:
    """Return the convolution of images [B, C, H, W], divided into parts [B, K, H, W], channels last."""
    images = [image.contiguous(memory_format=torch.channels_last) for image in images]
    samples, _, height, width = images[0].shape
    results = [
        torch.empty((samples, channels, height, width), dtype=images[0].dtype, memory_format=torch.channels_last)
        for channels in outputs
    ]
    its, threads = _divided(images, sum(outputs), is_reversed), torch.get_num_threads()
    size = _call("space", images[0].dtype, ctypes.c_int64, ctypes.addressof(its), threads)
    assert size is not None
    space = torch.empty(size, dtype=torch.uint8)
    image, result = _Stack.of(images), _Stack.of(results)
    pointers = (ctypes.addressof(image), weight.data_ptr(), ctypes.addressof(result), space.data_ptr())
    _call("convolve", images[0].dtype, None, *pointers, ctypes.addressof(its), threads)
    return results


class _Winograd(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, weight: Tensor, *images: Tensor) -> Tensor:
        context.save_for_backward(weight)
        context.channels = [image.shape[1] for image in images]
        return _convolve(images, weight.contiguous(), [weight.shape[0]], is_reversed=False)[0]

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = context.saved_tensors
        return None, *_convolve([gradient], weight.contiguous(), context.channels, is_reversed=True)


def convolve(convolution: nn.Conv2d, *images: Tensor) -> Tensor:
    """Return `convolution(torch.cat(images, dim=1))`, [B, K, H, W] in channels-last memory, where `is_worthwhile`."""
    result: Tensor = _Winograd.apply(convolution.weight, *(image.to(_pixels(image)) for image in images))
    return result
