"""What is stored of gain errors, and how it is read (no torch)."""

from collections.abc import Mapping
from typing import Any

from advmri.attacks.family import StoredArray

ARRAYS = {
    "coil": StoredArray(("S",), "int64", "the coil whose gain is wrong"),
    "gain_error": StoredArray(("S",), "float32", "of that coil, signed"),
}


def columns(result: Mapping[str, Any], thermal: Any) -> list[dict[str, float]]:
    """Return the gain error at each severity."""
    return [{"gain_error": float(error)} for error in result["gain_error"][()]]


def sweep(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return nothing: there is no grid of angles."""
    return {}


def worst(result: Mapping[str, Any], place: int) -> dict[str, Any]:
    """Return nothing: there is no angle."""
    return {}
