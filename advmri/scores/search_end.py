"""Whether a search was still rising when it stopped: then what it found is the largest found, and not the largest."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

STILL_RISING = 0.01
"""Share of the whole gain over clean. A last step that brought more says that a longer search finds more: where the
gains of steps shrink by a third from one to the next, twice that share is missing."""
FEWEST_ITERATES = 2


def last_step_gains(result: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the share of the whole gain over clean that the last step of each search brought [S].

    0 where an earlier iterate was as bad as the last. NaN where nothing was searched or gained, and in files without
    traces. A search that ended early counts to its end. Of several starts it is the best one's, also where the noise
    came from the severity before in the end (`warm_start`).

    Args:
        result: what is stored of one target: `objective` [S, T], NaN after an early end, and `severity` [S].
    """
    severities = np.asarray(result["severity"][()])
    if "objective" not in result:
        return np.full(len(severities), np.nan)
    traces = np.asarray(result["objective"][()], dtype=float)
    unperturbed = traces[severities == 0, 0]
    return np.array([_last_gain(trace[np.isfinite(trace)], unperturbed) for trace in traces])


def _last_gain(trace: NDArray[np.float64], unperturbed: NDArray[np.float64]) -> float:
    """Return the last step's share of what a trace [T] gained over clean, which heads it unless it began elsewhere."""
    if len(trace) < FEWEST_ITERATES:
        return float("nan")
    clean = min([trace[0], *unperturbed])
    whole = trace.max() - clean
    return float((trace.max() - trace[:-1].max()) / whole) if whole > 0 else float("nan")
