"""From an interval to a verdict, and the rows of claims.csv."""

import math
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["holds", "does not hold", "undecided", "not tested"]
NOTE_SEPARATOR = "; "
"""Between the parts of a note."""
MINIMUM_PATIENTS = 4
"""With fewer, percentile intervals over patients say next to nothing: agreement of three has a chance of 1 in 4."""


@dataclass(frozen=True)
class Estimate:
    """A number with its bootstrap interval over patients.

    Attributes:
        first, second: means of the two quantities compared.
        doubt: why no verdict can be given; empty where one can.
    """

    value: float
    low: float
    high: float
    first: float
    second: float
    n_boxes: int
    n_patients: int
    n_volumes: int
    doubt: str = ""


@dataclass(frozen=True)
class ClaimRow:
    """One comparison: a row of claims.csv, described in docs/file-formats.md."""

    claim: str
    description: str
    verdict: Verdict
    measure: str = ""
    models: str = ""
    trained_on: str = ""
    attack: str = ""
    acceleration: int | None = None
    severity: float | None = None
    estimate: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    above: float = math.nan
    below: float = math.nan
    first: float = math.nan
    second: float = math.nan
    n_boxes: int = 0
    n_patients: int = 0
    n_volumes: int = 0
    note: str = ""


def verdict(estimate: Estimate, above: float, below: float) -> Verdict:
    """Say whether a number lies between `above` and `below` (infinite: no bound), as far as its interval tells."""
    if estimate.doubt or not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return "undecided"
    if estimate.low > above and estimate.high < below:
        return "holds"
    if estimate.high <= above or estimate.low >= below:
        return "does not hold"
    return "undecided"


def open_reason(estimate: Estimate, above: float, below: float) -> str:
    """Say why a verdict is open: the doubt, or the bounds that the interval holds."""
    if estimate.doubt:
        return estimate.doubt
    held = [f"{bound:g}" for bound in (above, below) if estimate.low <= bound <= estimate.high]
    return f"the interval holds {' and '.join(held)}" if held else "there is no interval"


def all_of(verdicts: list[Verdict]) -> Verdict:
    """Return the verdict on a claim that is made of several: holds where all hold, fails where one fails."""
    if "does not hold" in verdicts:
        return "does not hold"
    return "holds" if set(verdicts) == {"holds"} else "undecided"


def few_patients(patients: int, confidence: float) -> str:
    """Return a caution where so few patients agree by chance more often than the interval's level admits."""
    chance = 2.0 ** (1 - patients)
    if patients < 1 or chance <= 1 - confidence:
        return ""
    return f"{patients} patients: that all point the same way has a chance of {chance:.0%} by itself"
