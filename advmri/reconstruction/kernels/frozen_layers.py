"""Layers of fastMRI's Unet with few channels and frozen weights on a CPU, and their gradients: `frozen_layers.c`.

Stock layers of 4 to 144 channels leave most of a processor idle: their convolutions reach a third of its rate, and
normalisation, activation, stacking and pooling go through memory once more each. Here an activation stays what the
convolution wrote, with two coefficients per channel, and is normalised and activated wherever it is read.
"""

import ctypes
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from advmri.reconstruction.kernels.native import load_native
from advmri.reconstruction.kernels.stock_unet import EPSILON, SLOPE

SOURCE = Path(__file__).with_suffix(".c")
PRECISIONS = {torch.float32: "float32", torch.float64: "float64"}
PLAIN, ACTIVATED, DIFFERENTIATED = range(3)
NOTHING, MOMENTS, SLOPES = range(3)
EQUAL, EXPAND, CONTRACT = range(3)
COEFFICIENTS = 4


def _structure(pointers: str, numbers: str) -> tuple[tuple[str, type], ...]:
    kinds = ((pointers, ctypes.c_void_p), (numbers, ctypes.c_int64))
    return tuple((name, kind) for names, kind in kinds for name in names.split())


class _Source(ctypes.Structure):
    _fields_ = _structure("values raw coefficients", "channels kind")


class _Sink(ctypes.Structure):
    _fields_ = _structure("values raw coefficients", "channels sums")


class _Layer(ctypes.Structure):
    _fields_ = (
        ("sources", _Source * 2),
        ("sinks", _Sink * 2),
        *_structure("weights bias", "output_stride input_stride flipped samples height width mode threads"),
        ("slope", ctypes.c_double),
        ("epsilon", ctypes.c_double),
    )


@dataclass(frozen=True)
class Activation:
    """leaky_relu(instance_norm(raw)).

    Attributes:
        raw: [B, C, H, W].
        coefficients: [B, C, 4], 1 / SD and -mean / SD of `raw`; in the backward pass also means of gradients.
    """

    raw: Tensor
    coefficients: Tensor

    def _source(self) -> _Source:
        return _Source(self.raw.data_ptr(), None, self.coefficients.data_ptr(), self.raw.shape[1], ACTIVATED)

    def _sink(self) -> _Sink:
        return _Sink(self.raw.data_ptr(), None, self.coefficients.data_ptr(), self.raw.shape[1], MOMENTS)


@dataclass(frozen=True)
class Gradient:
    """The gradient `values` [B, C, H, W] with respect to an activation, whose means are in its coefficients."""

    values: Tensor
    activation: Activation

    def _source(self) -> _Source:
        raw, coefficients = self.activation.raw, self.activation.coefficients
        return _Source(
            self.values.data_ptr(), raw.data_ptr(), coefficients.data_ptr(), self.values.shape[1], DIFFERENTIATED
        )

    def _sink(self) -> _Sink:
        raw, coefficients = self.activation.raw, self.activation.coefficients
        return _Sink(self.values.data_ptr(), raw.data_ptr(), coefficients.data_ptr(), self.values.shape[1], SLOPES)


def is_compiled_for(image: Tensor) -> bool:
    """Return whether the layers can be used for images of this device and precision."""
    return image.device.type == "cpu" and image.dtype in PRECISIONS and load_native(SOURCE) is not None


def _source(one: Tensor | Activation | Gradient) -> _Source:
    return _Source(one.data_ptr(), None, None, one.shape[1], PLAIN) if isinstance(one, Tensor) else one._source()


def _sink(one: Tensor | Activation | Gradient) -> _Sink:
    return _Sink(one.data_ptr(), None, None, one.shape[1], NOTHING) if isinstance(one, Tensor) else one._sink()


def _call(
    name: str,
    sources: list[Tensor | Activation | Gradient],
    sinks: list[Tensor | Activation | Gradient],
    size: tuple[int, int],
    weight: Tensor | None = None,
    strides: tuple[int, int] = (0, 0),
    bias: Tensor | None = None,
    flipped: bool = False,
    mode: int = EQUAL,
) -> None:
    """Do one layer; `size` is that of the smaller images, `strides` of the weight's outputs and inputs."""
    library, like = load_native(SOURCE), _values(sinks[0])
    assert library is not None
    layer = _Layer(
        (_Source * 2)(*map(_source, sources)),
        (_Sink * 2)(*map(_sink, sinks)),
        None if weight is None else weight.data_ptr(),
        None if bias is None else bias.data_ptr(),
        *strides,
        flipped,
        like.shape[0],
        *size,
        mode,
        torch.get_num_threads(),
        SLOPE,
        EPSILON,
    )
    if getattr(library, f"{name}_{PRECISIONS[like.dtype]}")(ctypes.byref(layer)):
        raise MemoryError("no memory left for a layer of the network.")


def _values(one: Tensor | Activation | Gradient) -> Tensor:
    return one if isinstance(one, Tensor) else one.raw if isinstance(one, Activation) else one.values


def _check(channels_in: int, *sources: Tensor | Activation) -> None:
    given = sum(_values(one).shape[1] for one in sources)
    if given != channels_in:
        raise ValueError(f"a layer for {channels_in} channels was given {given}.")


def _new(like: Tensor, channels: int, size: tuple[int, int]) -> Tensor:
    return like.new_empty(like.shape[0], channels, *size)


def _new_activation(like: Tensor, channels: int, size: tuple[int, int]) -> Activation:
    return Activation(_new(like, channels, size), like.new_empty(like.shape[0], channels, COEFFICIENTS))


def _new_gradient(activation: Activation) -> Gradient:
    return Gradient(torch.empty_like(activation.raw), activation)


def _size(image: Tensor) -> tuple[int, int]:
    return image.shape[-2], image.shape[-1]


def convolve(weight: Tensor, *sources: Tensor | Activation) -> Activation:
    """Return the 3 x 3 convolution of stacked sources with weights [K, C, 3, 3]."""
    _check(weight.shape[1], *sources)
    like = _values(sources[0])
    result = _new_activation(like, weight.shape[0], _size(like))
    _call("convolve", [*sources], [result], _size(like), weight, (weight.stride(0), weight.stride(1)))
    return result


def _convolve_back(weight: Tensor, gradient: Gradient, *results: Tensor | Gradient) -> None:
    strides = (weight.stride(1), weight.stride(0))
    _call("convolve", [gradient], [*results], _size(gradient.values), weight, strides, flipped=True)


def convolve_gradient(weight: Tensor, gradient: Gradient, activation: Activation) -> Gradient:
    """Return the gradient with respect to the activation that was convolved."""
    result = _new_gradient(activation)
    _convolve_back(weight, gradient, result)
    return result


def convolve_gradient_of_image(weight: Tensor, gradient: Gradient) -> Tensor:
    """Return the gradient with respect to the image that was convolved."""
    result = _new(gradient.values, weight.shape[1], _size(gradient.values))
    _convolve_back(weight, gradient, result)
    return result


def convolve_gradient_of_stack(weight: Tensor, gradient: Gradient, activation: Activation) -> tuple[Gradient, Tensor]:
    """Return the gradients with respect to an activation, and to what was stacked behind it, not yet all of it."""
    result = _new_gradient(activation)
    channels = weight.shape[1] - activation.raw.shape[1]
    behind = _new(gradient.values, channels, _size(gradient.values))
    _convolve_back(weight, gradient, result, behind)
    return result, behind


def expand(weight: Tensor, source: Activation) -> Activation:
    """Return the 2 x 2 transposed convolution of stride 2 with weights [C, K, 2, 2]."""
    _check(weight.shape[0], source)
    height, width = size = _size(source.raw)
    result = _new_activation(source.raw, weight.shape[1], (2 * height, 2 * width))
    _call("mix", [source], [result], size, weight, (1, weight.stride(0)), mode=EXPAND)
    return result


def expand_gradient(weight: Tensor, gradient: Gradient, activation: Activation) -> Gradient:
    """Return the gradient with respect to the activation that was expanded."""
    result = _new_gradient(activation)
    _call("mix", [gradient], [result], _size(result.values), weight, (weight.stride(0), 1), mode=CONTRACT)
    return result


def combine(weight: Tensor, bias: Tensor | None, source: Activation) -> Tensor:
    """Return the 1 x 1 convolution with weights [K, C, 1, 1]."""
    _check(weight.shape[1], source)
    result = _new(source.raw, weight.shape[0], _size(source.raw))
    _call("mix", [source], [result], _size(result), weight, (weight.stride(0), weight.stride(1)), bias)
    return result


def combine_gradient(weight: Tensor, gradient: Tensor, activation: Activation) -> Gradient:
    """Return the gradient with respect to the activation that was combined."""
    result = _new_gradient(activation)
    _call("mix", [gradient], [result], _size(gradient), weight, (weight.stride(1), weight.stride(0)))
    return result


def pool(source: Activation) -> Tensor:
    """Return means of 2 x 2 pixels."""
    height, width = _size(source.raw)
    result = _new(source.raw, source.raw.shape[1], (height // 2, width // 2))
    _call("pool", [source], [result], _size(result))
    return result


def pool_gradient(gradient: Tensor, others: Tensor, activation: Activation) -> Gradient:
    """Return the gradient with respect to an activation that was pooled; adds to that from elsewhere, `others`."""
    result = Gradient(others, activation)
    _call("unpool", [gradient], [result], _size(gradient))
    return result
