"""The normal operator of multi-coil MRI along the phase direction, on one coil-combined image."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CACHED_ELEMENTS = 2**17
"""Complex numbers of a block of rows that is worked on at a time on a CPU: about what a core's cache holds."""


def normal_operator(maps: Tensor, image: Tensor, columns: Tensor) -> Tensor:
    """Return sum_c conj(S_c) F^-1 M F (S_c x), complex [B, H, W]: expand to coils, keep the measured columns, combine.

    F is the orthonormal FFT along the last axis. One pass over blocks of rows, which no transform crosses; keeps one
    complex [B, C, H, W] for the maps' gradient, where composed operations keep five.

    Args:
        maps: S, complex [B, C, H, W].
        image: x, complex [B, H, W].
        columns: M, bool [B, W], in the order of F's frequencies.
    """
    return _NormalOperator.apply(maps, image, columns.to(maps.dtype)[:, None, None, :])


def _row_blocks(maps: Tensor) -> list[slice]:
    batch, coils, height, width = maps.shape
    rows = max(1, CACHED_ELEMENTS // (batch * coils * width)) if maps.device.type == "cpu" else height
    return [slice(first, first + rows) for first in range(0, height, rows)]


def _keep_columns(maps: Tensor, image: Tensor, columns: Tensor) -> Tensor:
    """Return F^-1 M F (S_c x) [B, C, rows, W]."""
    lines = torch.fft.fft(maps * image[:, None], dim=-1, norm="ortho").mul_(columns)
    return torch.fft.ifft(lines, dim=-1, norm="ortho")


class _NormalOperator(torch.autograd.Function):
    """The operator is Hermitian in the image, so that the image's gradient is the operator itself."""

    @staticmethod
    def forward(context: Any, maps: Tensor, image: Tensor, columns: Tensor) -> Tensor:
        kept = []
        combined = torch.empty_like(image)
        for rows in _row_blocks(maps):
            block = _keep_columns(maps[:, :, rows], image[:, rows], columns)
            combined[:, rows] = (maps[:, :, rows].conj() * block).sum(dim=1)
            if context.needs_input_grad[0]:
                kept.append(block)
        context.save_for_backward(maps, image, columns, *kept)
        return combined

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, None]:
        maps, image, columns, *kept = context.saved_tensors
        of_image = torch.empty_like(image)
        of_maps = torch.empty_like(maps) if context.needs_input_grad[0] else None
        for number, rows in enumerate(_row_blocks(maps)):
            turned = _keep_columns(maps[:, :, rows], gradient[:, rows], columns)
            of_image[:, rows] = (maps[:, :, rows].conj() * turned).sum(dim=1)
            if of_maps is not None:
                turned.mul_(image[:, None, rows].conj())
                torch.addcmul(turned, kept[number], gradient[:, None, rows].conj(), out=of_maps[:, :, rows])
        return of_maps, of_image, None
