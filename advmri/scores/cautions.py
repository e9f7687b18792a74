"""What speaks against an audit's networks before any attack: no better than zero filling, or trained on other data."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

MOST_EXAMPLES = 3
"""Of each difference from the training's data, in words."""


@dataclass(frozen=True)
class Caution:
    """One thing to know of a network at one acceleration.

    Attributes:
        short: for figures; text: the same with its numbers. Both follow the network's name.
    """

    model: str
    acceleration: int
    short: str
    text: str

    def __str__(self) -> str:
        """Return the whole sentence, without a full stop."""
        return f"{self.model} at {self.acceleration}x {self.text}"


def cautions_on(quality: pd.DataFrame) -> list[Caution]:
    """Return the cautions on all networks of a run, by its clean quality (`quality.csv`).

    Tables of before have no columns `zero_filled_ssim` and `unlike_training`, and give none.
    """
    found = []
    for (model, acceleration), rows in quality.groupby(["model", "acceleration"], sort=False):
        found += [
            Caution(str(model), int(acceleration), short, text)
            for short, text in (*_beside_zero_filling(rows), *_beside_training(rows))
        ]
    return found


def told(differences: Mapping[str, str]) -> str:
    """Return in what a volume differs from the training's as a cell of `unlike_training`: JSON, or nothing."""
    return json.dumps(differences, ensure_ascii=False) if differences else ""


def _beside_zero_filling(rows: pd.DataFrame) -> Iterable[tuple[str, str]]:
    """Compare the mean SSIM of the same volumes; the baseline itself has nothing to be compared with."""
    if "zero_filled_ssim" not in rows or rows.zero_filled_ssim.isna().all():
        return
    own, other = rows.ssim.mean(), rows.zero_filled_ssim.mean()
    if own <= other:
        short = "no better than zero filling"
        yield short, f"is {short}: mean SSIM {own:.3f} against {other:.3f}"


def _beside_training(rows: pd.DataFrame) -> Iterable[tuple[str, str]]:
    """Tell on what other data the network is audited, and in how many of the volumes."""
    if "unlike_training" not in rows:
        return
    unlike = rows[rows.unlike_training.notna() & (rows.unlike_training != "")]
    if unlike.empty:
        return
    found: dict[str, list[str]] = {}
    for cell in unlike.unlike_training:
        for kind, value in json.loads(cell).items():
            found.setdefault(kind, []).append(value)
    here = ", ".join(f"{kind} {_examples(values)}" for kind, values in found.items())
    yield (
        f"trained on other {' and '.join(found)}",
        f"was trained on {unlike.trained_with.iloc[0]}, here it is {here} in {len(unlike)} of {len(rows)} volumes",
    )


def _examples(values: list[str]) -> str:
    known = list(dict.fromkeys(values))
    return " or ".join(known[:MOST_EXAMPLES]) + (" or others" if len(known) > MOST_EXAMPLES else "")
