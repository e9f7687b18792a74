"""Grids of angles and of shifts."""

import math
from collections.abc import Iterable

DECIMALS = 6


def steps_outwards(largest: float, step: float) -> list[float]:
    """Return `step`, 2 `step`, ... up to `largest`, and `largest` itself."""
    inner = [step * i for i in range(1, int(largest / step + 1e-9) + 1)]
    return sorted({value for value in (round(one, DECIMALS) for one in [*inner, largest]) if value > 0})


def symmetric_grid(largest: Iterable[float], step: float) -> list[float]:
    """Return values `step` apart from 0 outwards, both ways, with 0 and both ends of every one of `largest`."""
    positive = sorted({value for one in largest for value in steps_outwards(one, step)})
    return [*(-value for value in reversed(positive)), 0.0, *positive]


def disc_grid(largest: Iterable[float], step: float, directions: int) -> list[tuple[float, float]]:
    """Return the origin, then points (rows, columns) on circles `step` apart, and on one for each of `largest`.

    Args:
        largest: radii that must be there.
        step: between circles.
        directions: points on each circle, evenly spread, the first along the rows.
    """
    radii = sorted({value for one in largest for value in steps_outwards(one, step)})
    turns = [2 * math.pi * i / directions for i in range(directions)]
    points = [(radius * math.cos(turn), radius * math.sin(turn)) for radius in radii for turn in turns]
    # + 0.0 turns -0.0 into 0.0.
    return [(0.0, 0.0), *((round(row, DECIMALS) + 0.0, round(column, DECIMALS) + 0.0) for row, column in points)]


def within_disc(rows: float, columns: float, radius: float) -> tuple[float, float]:
    """Return the point, moved to the disc's border if it lies outside."""
    distance = math.hypot(rows, columns)
    scale = min(1.0, radius / distance) if distance > 0 else 1.0
    return rows * scale, columns * scale


def within(value: float, largest: float) -> float:
    """Return the value, moved to the nearer end of [-largest, largest] if it lies outside."""
    return min(max(value, -largest), largest)
