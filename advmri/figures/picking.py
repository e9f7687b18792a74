"""Which box the image figures show: picked by rule, never by eye."""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from advmri.errors import InputError


@dataclass(frozen=True)
class PickedBox:
    """The box shown, and how it was picked.

    Attributes:
        severity: at which it was picked, eta or theta_max.
        ssim_lost: clean minus attacked SSIM in the box, averaged over models.
        rank: 1 loses most, among `boxes`.
        among: which boxes these are, where not all.
    """

    volume: str
    slice: int
    box: int
    label: str
    acceleration: int
    severity: float
    pick: str
    ssim_lost: float
    rank: int
    boxes: int
    among: str = ""

    def facts(self) -> dict[str, Any]:
        """Return the columns that the tables behind image figures share."""
        facts = asdict(self)
        names = {
            "pick": "picked",
            "ssim_lost": "picked_by_ssim_lost",
            "rank": "picked_rank",
            "boxes": "picked_of_boxes",
            "among": "picked_among",
        }
        return {names.get(key, key): value for key, value in facts.items() if key != "severity"}


def pick_box(
    metrics: pd.DataFrame, attack: str, acceleration: int, severity: float, pick: str, among: str = ""
) -> PickedBox:
    """Pick a box by the SSIM that an attack takes from it, averaged over models.

    Args:
        metrics: rows of metrics.csv.
        attack: name of the attack.
        acceleration: of the networks.
        severity: the nearest one of the attack is used.
        pick: `worst`, or `median`: the lower of the middle two where their number is even.
        among: says which boxes `metrics` holds, where not all.

    Returns:
        The box; ties go by volume, slice and box.
    """
    rows = metrics[(metrics.attack == attack) & (metrics.acceleration == acceleration) & (metrics.region == "box")]
    if rows.empty:
        raise InputError(f"metrics.csv: no box was attacked by {attack} at acceleration {acceleration}.")
    used = min(rows.severity.unique(), key=lambda value: (abs(value - severity), value))
    rows = rows[rows.severity == used]
    lost = (rows.clean_ssim - rows.ssim).groupby([rows.volume, rows.slice, rows.box]).mean().dropna()
    ranked = lost.reset_index(name="lost").sort_values(
        ["lost", "volume", "slice", "box"], ascending=[False, True, True, True], ignore_index=True
    )
    place = 0 if pick == "worst" else len(ranked) // 2
    volume, number, box = ranked.loc[place, ["volume", "slice", "box"]]
    same = rows[(rows.volume == volume) & (rows.slice == number) & (rows.box == box)]
    return PickedBox(
        volume=str(volume),
        slice=int(number),
        box=int(box),
        label=str(same.label.iloc[0]),
        acceleration=acceleration,
        severity=float(used),
        pick=pick,
        ssim_lost=float(ranked.loc[place, "lost"]),
        rank=place + 1,
        boxes=len(ranked),
        among=among,
    )


def pick_moved_box(metrics: pd.DataFrame, attack: str, acceleration: int, pick: str) -> PickedBox:
    """Pick a box by what an attack by motion takes from it at its largest severity.

    Only boxes in which the worst angle of every network differs from 0 are considered, where there are any: without a
    rotation there is nothing to see.
    """
    rows = metrics[(metrics.attack == attack) & (metrics.acceleration == acceleration)]
    largest = float(rows.severity.max())
    place = ["volume", "slice", "box"]
    stays = rows[(rows.severity == largest) & (rows.region == "box") & (rows.angle == 0)]
    turned = rows[~pd.MultiIndex.from_frame(rows[place]).isin(pd.MultiIndex.from_frame(stays[place]))]
    if (turned.region == "box").any() and len(stays):
        return pick_box(turned, attack, acceleration, largest, pick, " turned by every network's attack")
    return pick_box(rows, attack, acceleration, largest, pick)
