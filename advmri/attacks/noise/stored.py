"""What is stored of noise attacks and how it is read (see `advmri.attacks.family.StoredResults`; no torch)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advmri.attacks.family import StoredArray
from advmri.attacks.noise.settings import DIRECTIONS

OF_SEVERITIES = ("S",)
OF_COILS = ("S", "C")
ARRAYS: Mapping[str, StoredArray] = MappingProxyType(
    {
        "perturbation": StoredArray(("S", "C", "H", "n"), "complex64", "z on the measured columns", "kspace"),
        "last_reconstruction": StoredArray(("S", "h", "w"), "float32", "under the last iterate or draw", "image"),
        "relative_norm": StoredArray(OF_COILS, "float32", "norm of z_i over that of k_i"),
        "relative_norm_measured": StoredArray(OF_COILS, "float32", "the same over the measured columns of k_i"),
        "objective": StoredArray(("S", "T"), "float32", "trace of the best start", "objective"),
        "best_step": StoredArray(OF_SEVERITIES, "int64", "place of the best iterate in the trace"),
        "start_objective": StoredArray(("S", "R"), "float32", "largest objective of each start", "objective"),
        "best_start": StoredArray(OF_SEVERITIES, "int64", "the start that the perturbation came from"),
        "gauge": StoredArray(OF_SEVERITIES, "float32", "factor by which the bound would have to grow to hold it"),
        "budget_used": StoredArray(OF_SEVERITIES, "float32", "share of the bound in use"),
        "largest_unmeasured": StoredArray(OF_SEVERITIES, "float32", "largest change of unmeasured samples", "kspace"),
        "zero_gradient": StoredArray(OF_SEVERITIES, "bool", "a gradient was zero everywhere"),
        "non_deterministic": StoredArray(OF_SEVERITIES, "bool", "two evaluations of the perturbation differed"),
        "gradient_ratio": StoredArray(
            (DIRECTIONS,), "float32", "change of the error over what its gradient says, in three directions; 1 is right"
        ),
    }
)


def _mean_of_live_coils(values: NDArray[np.floating]) -> float:
    """Return the mean over coils [C] without those that measured nothing (NaN); NaN where none did."""
    live = values[np.isfinite(values)]
    return float(live.mean()) if live.size else float("nan")


def columns(result: Mapping[str, Any], thermal: NDArray[np.floating]) -> list[dict[str, float]]:
    """Return the noise's relative norm, and that in multiples of the scan's own, at each severity."""
    own = _mean_of_live_coils(thermal)
    norms = map(_mean_of_live_coils, result["relative_norm"][()])
    return [{"relative_norm": norm, "thermal_multiple": norm / own if own > 0 else float("nan")} for norm in norms]


def sweep(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return nothing: noise has no angle."""
    return {}


def worst(result: Mapping[str, Any], place: int) -> dict[str, Any]:
    """Return nothing: noise has no angle."""
    return {}
