"""Muscle bellies and their tendons as tubes along the limb."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advmri.simulation.frame import Frame

Field = NDArray[np.float32]


@dataclass(frozen=True)
class Muscle:
    """An elliptic tube: stations (z, x, y, half-width, half-depth) in mm from inferior to superior."""

    name: str
    stations: tuple[tuple[float, float, float, float, float], ...]


# Positions read off anatomical cross-sections of the adult knee (Visible Human, standard atlases), rounded.
# From deep to superficial: later muscles cover earlier ones.
MUSCLES = (
    Muscle("deep calf", ((-130, 10, 24, 48, 24), (-60, 10, 22, 40, 17), (-40, 14, 21, 22, 9), (-18, 18, 21, 6, 3))),
    Muscle("popliteus", ((-56, -14, 12, 6, 5), (-34, -6, 17, 15, 7), (-14, 12, 21, 13, 6), (0, 27, 19, 4, 3))),
    Muscle("tibialis posterior", ((-130, 12, 16, 14, 14), (-60, 18, 14, 10, 10), (-36, 24, 13, 3, 4))),
    Muscle(
        "tibialis anterior",
        (
            (-130, 30, -8, 17, 22),
            (-60, 28, -9, 14, 20),
            (-32, 31, -10, 8, 15),
            (-14, 34, -10, 2, 6),
        ),
    ),
    Muscle("peroneus", ((-130, 46, 8, 11, 18), (-60, 43, 7, 10, 16), (-34, 42, 8, 5, 12), (-20, 40, 9, 2, 6))),
    Muscle("soleus", ((-130, 4, 32, 36, 16), (-60, 12, 27, 27, 12), (-32, 27, 25, 9, 7), (-24, 32, 25, 3, 3))),
    Muscle("vastus intermedius", ((44, 4, -28, 16, 5), (64, 7, -24, 28, 16), (130, 13, -22, 34, 26))),
    Muscle(
        "vastus medialis",
        (
            (16, -38, -20, 2, 8),
            (32, -38, -16, 8, 20),
            (50, -35, -11, 17, 29),
            (75, -35, -8, 23, 32),
            (130, -36, -8, 28, 34),
        ),
    ),
    Muscle(
        "vastus lateralis",
        (
            (30, 40, -18, 1.5, 8),
            (50, 38, -10, 9, 22),
            (75, 38, -7, 17, 30),
            (130, 43, -6, 25, 34),
        ),
    ),
    Muscle("short head of biceps", ((26, 30, 16, 2, 4), (55, 28, 16, 9, 11), (130, 26, 14, 12, 13))),
    Muscle("adductor magnus", ((34, -34, 8, 1.5, 2), (60, -28, 11, 4, 6), (130, -20, 14, 16, 14))),
    Muscle(
        "semimembranosus",
        (
            (-8, -31, 24, 4, 4),
            (12, -31, 27, 8, 8),
            (38, -30, 27, 14, 13),
            (80, -24, 27, 20, 18),
            (130, -18, 28, 24, 20),
        ),
    ),
    Muscle(
        "biceps femoris",
        (
            (-14, 37, 19, 2, 4),
            (8, 41, 21, 5, 7),
            (40, 39, 25, 10, 13),
            (80, 35, 27, 16, 17),
            (130, 28, 30, 20, 18),
        ),
    ),
    Muscle("sartorius", ((-28, -39, 17, 1.5, 5), (16, -45, 19, 4, 11), (60, -50, 15, 6, 14), (130, -56, 8, 9, 15))),
    Muscle("gracilis", ((-14, -39, 24, 2, 3), (45, -43, 30, 3, 6), (130, -44, 34, 7, 10))),
    Muscle("plantaris", ((-10, 12, 28, 3, 4), (15, 22, 25, 5, 4), (32, 26, 20, 2, 2))),
    Muscle(
        "medial gastrocnemius",
        (
            (-130, -28, 30, 26, 18),
            (-50, -26, 31, 20, 14),
            (-10, -23, 31, 13, 10),
            (22, -22, 29, 7, 6),
            (42, -24, 20, 2, 2),
        ),
    ),
    Muscle(
        "lateral gastrocnemius",
        (
            (-130, 28, 32, 22, 16),
            (-50, 23, 32, 17, 13),
            (-10, 20, 31, 12, 9),
            (22, 23, 29, 7, 6),
            (42, 25, 20, 2, 2),
        ),
    ),
)


END_SLOPE = 0.4
"""Half-width gained per length at either end of a belly."""

MARGIN_MM = 5.0
"""Room around a muscle for its rough edge and its coat of fat."""


def muscle_distance(frame: Frame, muscle: Muscle, bulk: float) -> tuple[Field, tuple[slice, slice]] | None:
    """Give the in-plane signed distance to a muscle and the window it fills, or None where the slice misses it.

    The left-right distance is corrected for the taper of the belly, but not for the lean of its axis, which is small.
    """
    table = np.asarray(muscle.stations, dtype=np.float64)
    height = frame.height
    centre_x, centre_y, half_width, half_depth = (np.interp(height, table[:, 0], column) for column in table.T[1:])
    inside = 1 - ((frame.y - centre_y) / (half_depth * np.sqrt(bulk))) ** 2
    chord = half_width * bulk * np.sign(inside) * np.sqrt(np.abs(inside))
    ends = np.minimum(height - table[0, 0], table[-1, 0] - height)
    # Beyond its ends, and where the slice misses it, a muscle has a negative width, so that rough edges fade out.
    chord = np.minimum(chord, END_SLOPE * ends)
    rows = np.flatnonzero(chord > -MARGIN_MM)
    if rows.size < 2 or chord.max() < 0:
        return None
    row_slice = slice(int(rows[0]), int(rows[-1]) + 1)
    kept = frame.x[row_slice]
    reach = float(chord.max()) + MARGIN_MM
    columns = np.flatnonzero(
        (kept.max(axis=0) > centre_x[row_slice].min() - reach) & (kept.min(axis=0) < centre_x[row_slice].max() + reach)
    )
    if columns.size < 2:
        return None
    window = (row_slice, slice(int(columns[0]), int(columns[-1]) + 1))
    centre = centre_x[row_slice, None].astype(np.float32)
    distance = np.abs(frame.x[window] - centre) - chord[row_slice, None].astype(np.float32)
    # Across the limb an edge that tapers lies further away than along its normal.
    taper = np.gradient(chord[row_slice], height[row_slice])
    return distance / np.sqrt(1 + taper**2).astype(np.float32)[:, None], window
