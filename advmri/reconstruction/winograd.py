"""3 x 3 convolutions whose weights need no gradient by Winograd's algorithm, on a CPU: a fourth of the products.

They are what attacks on large U-Nets spend their time on. In F(4 x 4, 3 x 3) of Lavin and Gray (2016, arXiv:1509.09308,
section 4.2), tiles of 6 x 6 pixels become 36 numbers per channel, each of which is multiplied by its own matrix of
weights. The gradient takes the transposed steps. It is the same function as the direct convolution; in float32 its
rounding error is four to ten times as large.
"""

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from advmri.reconstruction.native import load_native

SOURCE = Path(__file__).with_suffix(".c")
PRECISIONS = {torch.float32: "float32", torch.float64: "float64"}
STEP, POINTS, LANES = 4, 36, 16
FEWEST_CHANNELS, FEWEST_TILES = 64, 20
"""Of input and output, and of an image's pixels, for which it is the faster way."""
TILES = 128
"""About as many lie between image and image at a time: more leave the processor's cache."""
LARGEST_MATRICES = 2**22
"""Numbers in the matrices of weights, which are made for each convolution anew: four times the weights are not kept."""
SPREAD_TYPES = [ctypes.c_void_p] * 3 + [ctypes.c_int64]
WEIGHT_TYPES = [ctypes.c_void_p] * 2 + [ctypes.c_int64] * 5


class _Block(ctypes.Structure):
    """Images and the rows of their tiles that are being worked on: `Block` of winograd.c."""

    _fields_ = tuple(
        (name, ctypes.c_int64) for name in ("height", "width", "channels", "stride", "first", "rows", "step")
    )


def is_worthwhile(convolution: nn.Conv2d, image: Tensor) -> bool:
    """Return whether `convolve` takes this convolution of an image [B, C, H, W], and is faster."""
    return (
        image.device.type == "cpu"
        and image.dtype in PRECISIONS
        and image.dtype == convolution.weight.dtype
        and not torch.is_autocast_enabled(image.device.type)
        and not (torch.is_grad_enabled() and convolution.weight.requires_grad)
        and convolution.bias is None
        and (convolution.kernel_size, convolution.stride, convolution.padding) == ((3, 3), (1, 1), (1, 1))
        and (convolution.dilation, convolution.groups, convolution.padding_mode) == ((1, 1), 1, "zeros")
        and min(convolution.in_channels, convolution.out_channels) >= FEWEST_CHANNELS
        and convolution.in_channels % LANES == convolution.out_channels % LANES == 0
        and _tiles(image) >= FEWEST_TILES
        and load_native(SOURCE) is not None
    )


def _tiles(image: Tensor) -> int:
    return image.shape[0] * -(-image.shape[2] // STEP) * -(-image.shape[3] // STEP)


def _function(name: str, dtype: torch.dtype, types: list[Any]) -> Any:
    library = load_native(SOURCE)
    assert library is not None
    function = getattr(library, f"{name}_{PRECISIONS[dtype]}")
    function.argtypes, function.restype = types, None
    return function


def _matrices(weight: Tensor, outputs: slice, inputs: slice) -> Tensor:
    """Return matrices [36, K, C] of a part of the weights [K, C, 3, 3]."""
    part = weight[outputs, inputs]
    matrices = _points(weight, *part.shape[:2])
    spread = _function("spread_weights", weight.dtype, WEIGHT_TYPES)
    spread(
        part.data_ptr(),
        matrices.data_ptr(),
        *part.shape[:2],
        weight.shape[1],
        matrices.stride(0),
        torch.get_num_threads(),
    )
    return matrices


def _points(like: Tensor, rows: int, columns: int) -> Tensor:
    """Return uninitialised matrices [36, rows, columns], further apart than they are large."""
    step = rows * columns + LANES
    return like.new_empty(POINTS * step).as_strided((POINTS, rows, columns), (step, columns, 1))


def _parts(channels: int, others: int) -> Iterator[slice]:
    """Divide the channels of a result so that the matrices from `others` channels to each part are small enough."""
    most = max(LANES, LARGEST_MATRICES // (POINTS * others) // LANES * LANES)
    return (slice(first, min(first + most, channels)) for first in range(0, channels, most))


def _blocks(image: Tensor) -> list[tuple[int, int]]:
    """Return first row of tiles, and number of rows, of the parts of images [B, C, H, W] that go through together."""
    across, down = -(-image.shape[3] // STEP), image.shape[0] * -(-image.shape[2] // STEP)
    together = max(1, round(TILES / across))
    return [(first, min(together, down - first)) for first in range(0, down, together)]


def _spread(name: str, image: Tensor, first: int, rows: int) -> Tensor:
    """Return tiles [36, T, C] of channels-last images [B, C, H, W]."""
    channels, height, width = image.shape[1:]
    tiles = _points(image, rows * -(-width // STEP), channels)
    block = _Block(height, width, channels, channels, first, rows, tiles.stride(0))
    function = _function(name, image.dtype, SPREAD_TYPES)
    function(image.data_ptr(), tiles.data_ptr(), ctypes.addressof(block), torch.get_num_threads())
    return tiles


def _gather(name: str, tiles: Tensor, image: Tensor, channels: slice, first: int, rows: int) -> None:
    """Turn tiles [36, T, c] into channels of channels-last images [B, C, H, W]."""
    every, height, width = image.shape[1:]
    block = _Block(height, width, tiles.shape[2], every, first, rows, tiles.stride(0))
    target = image.data_ptr() + channels.start * image.element_size()
    function = _function(name, image.dtype, SPREAD_TYPES)
    function(tiles.data_ptr(), target, ctypes.addressof(block), torch.get_num_threads())


def _multiply(image: Tensor, result: Tensor, matrices: Callable[[slice], Tensor], spread: str, gather: str) -> None:
    """Turn images [B, C, H, W] into tiles, multiply, and turn the products into the result [B, K, H, W].

    Both are channels-last; `matrices` returns the weights [36, C, k] for some channels of the result.
    """
    blocks = _blocks(image)
    kept = _spread(spread, image, *blocks[0]) if len(blocks) == 1 else None
    for part in _parts(result.shape[1], image.shape[1]):
        weights = matrices(part)
        for first, rows in blocks:
            tiles = _spread(spread, image, first, rows) if kept is None else kept
            products = _points(image, tiles.shape[1], weights.shape[2])
            torch.bmm(tiles, weights, out=products)
            _gather(gather, products, result, part, first, rows)


def _empty(image: Tensor, channels: int) -> Tensor:
    shape = (image.shape[0], channels, *image.shape[2:])
    return torch.empty(shape, dtype=image.dtype, memory_format=torch.channels_last)


class _Winograd(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, image: Tensor, weight: Tensor) -> Tensor:
        image, weight = image.contiguous(memory_format=torch.channels_last), weight.contiguous()
        outputs, inputs = weight.shape[:2]
        result = _empty(image, outputs)

        def matrices(part: slice) -> Tensor:
            return _matrices(weight, part, slice(0, inputs)).transpose(1, 2)

        _multiply(image, result, matrices, "spread_image", "gather_image")
        context.weight = weight
        return result

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        outputs, inputs = context.weight.shape[:2]
        result = _empty(gradient, inputs).zero_()

        def matrices(part: slice) -> Tensor:
            return _matrices(context.weight, slice(0, outputs), part)

        _multiply(gradient, result, matrices, "spread_gradient", "add_gradient")
        return result, None


def convolve(convolution: nn.Conv2d, image: Tensor) -> Tensor:
    """Return `convolution(image)`, [B, K, H, W] in channels-last memory, where `is_worthwhile`."""
    result: Tensor = _Winograd.apply(image, convolution.weight)
    return result
