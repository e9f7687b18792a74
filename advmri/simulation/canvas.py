"""Paints tissues over one another, water and fat apart."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from advmri.simulation.implicit_surfaces import coverage
from advmri.simulation.tissues import Tissue, tissue_signal

Field = NDArray[np.float32]
EVERYWHERE = (slice(None), slice(None))


@dataclass
class Canvas:
    """Water and fat signal of one sub-slice while tissues are painted on it."""

    shape: tuple[int, int]
    spacing_mm: float
    repetition_time_ms: float
    echo_time_ms: float
    water: Field = field(init=False)
    """Water signal. Shape [rows, columns]"""
    fat: Field = field(init=False)
    """Fat signal. Shape [rows, columns]"""

    def __post_init__(self) -> None:
        self.water = np.zeros(self.shape, dtype=np.float32)
        self.fat = np.zeros(self.shape, dtype=np.float32)

    def fill(
        self,
        distance: Field,
        tissue: Tissue,
        window: tuple[slice, slice] = EVERYWHERE,
        *,
        texture: Field | float = 1.0,
        opacity: float = 1.0,
    ) -> None:
        """Paint a tissue inside a surface given by its signed distance in mm."""
        self.blend(coverage(distance, self.spacing_mm) * np.float32(opacity), tissue, window, texture=texture)

    def blend(
        self,
        alpha: Field,
        tissue: Tissue,
        window: tuple[slice, slice] = EVERYWHERE,
        *,
        texture: Field | float = 1.0,
    ) -> None:
        """Mix a tissue in by the given fraction; `texture` multiplies its signal."""
        if alpha.size == 0:
            return
        signal = tissue_signal(tissue, self.repetition_time_ms, self.echo_time_ms)
        for pool, value in ((self.water, signal.water), (self.fat, signal.fat)):
            view = pool[window]
            if value == 0.0:
                view -= view * alpha
            else:
                view += (np.float32(value) * texture - view) * alpha
