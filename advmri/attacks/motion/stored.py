"""What is stored of attacks by motion and how it is read (see `advmri.attacks.family.StoredResults`; no torch)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from advmri.attacks.family import StoredArray

OF_SEVERITIES, OF_MOVES = ("S",), ("A",)
ARRAYS: Mapping[str, StoredArray] = MappingProxyType(
    {
        "angle": StoredArray(OF_SEVERITIES, "float32", "of the worst move within each severity", "degrees"),
        "shift": StoredArray(("S", 2), "float32", "of the worst move, along rows and columns", "pixels"),
        "final_ssim": StoredArray(OF_SEVERITIES, "float32", "of the worst move in the region"),
        "final_floor_ssim": StoredArray(OF_SEVERITIES, "float32", "of `perturbed_target`: interpolation alone"),
        "grid_objective": StoredArray(OF_SEVERITIES, "float32", "of the worst move of the grid", "objective"),
        "grid_ssim": StoredArray(OF_SEVERITIES, "float32", "of the same"),
        "sweep_angle": StoredArray(OF_MOVES, "float32", "the whole grid", "degrees"),
        "sweep_shift": StoredArray(("A", 2), "float32", "the same", "pixels"),
        "sweep_objective": StoredArray(OF_MOVES, "float32", "of the grid's reconstructions", "objective"),
        "sweep_ssim": StoredArray(OF_MOVES, "float32", "of the same"),
        "floor_ssim": StoredArray(OF_MOVES, "float32", "of the fully sampled image moved there and back"),
    }
)


def columns(result: Mapping[str, Any], thermal: Any) -> list[dict[str, float]]:
    """Return the worst move at each severity: degrees, and pixels along rows and columns."""
    moves = zip(result["angle"][()], result["shift"][()], strict=True)
    return [
        {"angle": float(angle), "shift_rows": float(rows), "shift_columns": float(along)}
        for angle, (rows, along) in moves
    ]


def sweep(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return SSIM on the grid, and what interpolation alone leaves of it, by angle."""
    names = {"angle": "sweep_angle", "ssim": "sweep_ssim", "floor_ssim": "floor_ssim"}
    return {name: result[stored][()] for name, stored in names.items()}


def worst(result: Mapping[str, Any], place: int) -> dict[str, Any]:
    """Return the same three numbers of the worst move at a severity."""
    names = {"angle": "angle", "ssim": "final_ssim", "floor_ssim": "final_floor_ssim"}
    return {name: result[stored][place] for name, stored in names.items()}
