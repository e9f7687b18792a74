"""Whether stored values are what was computed again."""

from typing import Any

import numpy as np
from torch import Tensor

TOLERANCE = 1e-3
"""Of the largest value: another device or library version computes float32 sums in another order."""


def compare(name: str, stored: Any, expected: Any) -> list[str]:
    """Return a line where stored values are missing, of another shape, or differ by more than rounding."""
    if stored is None:
        return [f"{name}: missing"]
    stored, expected = np.asarray(stored), np.asarray(expected.cpu() if isinstance(expected, Tensor) else expected)
    if stored.shape != expected.shape:
        return [f"{name}: of shape {stored.shape}, expected {expected.shape}"]
    if (np.isnan(stored) != np.isnan(expected)).any():
        return [f"{name}: NaN where none is expected, or none where one is"]
    difference = np.abs(np.nan_to_num(stored) - np.nan_to_num(expected)).max(initial=0.0)
    allowed = TOLERANCE * np.abs(np.nan_to_num(expected)).max(initial=0.0)
    return [f"{name}: differs by {difference:.3g} from what was computed again"] if difference > allowed else []
