"""How isolated the worst angle of a sweep is: (e)'s two numbers per box, from attack files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from advmri.attacks.settings import reader_of
from advmri.claims.box import BOX
from advmri.storage.attack_file import open_attack_file

COLUMNS = [*BOX, "model", "acceleration", "regained", "range", "step", "theta_max"]
FEWEST_ANGLES = 3
WHOLE_IMAGE = -1
"""In `box`, where the attack was on the image."""


def isolation(ssim: NDArray[np.floating]) -> tuple[float, float]:
    """Return how much SSIM comes back one step from the lowest (the larger of both sides), and the sweep's range.

    A dip that is resolved by the grid comes back by little in one step; a dip of one angle alone by all.
    """
    worst = int(np.argmin(ssim))
    neighbours = [ssim[place] for place in (worst - 1, worst + 1) if 0 <= place < len(ssim)]
    return float(max(neighbours) - ssim[worst]), float(ssim.max() - ssim.min())


def read_sweeps(paths: Iterable[Path]) -> pd.DataFrame:
    """Return one row per box (or image) of attack files whose family sweeps angles, with `COLUMNS`."""
    rows: list[dict[str, Any]] = []
    for path in paths:
        with open_attack_file(path) as file:
            facts = file.attributes
            common = {"volume": facts["volume"], "patient": facts["patient"], "model": facts["model"]}
            common["acceleration"] = int(facts["acceleration"])
            family = reader_of(facts["attack"])
            for number in file.slices():
                for name in file.target_names(number):
                    sweep = family.sweep(file.group(number)[name])
                    angles, ssim = sweep.get("angle", ()), sweep.get("ssim", ())
                    if len(angles) < FEWEST_ANGLES:
                        continue
                    regained, whole = isolation(ssim)
                    box = WHOLE_IMAGE if name == "image" else int(name.removeprefix("box_"))
                    place = {"slice": number, "box": box, "regained": regained, "range": whole}
                    step = round(float(np.diff(angles).max()), 6)
                    rows.append(common | place | {"step": step, "theta_max": round(float(angles.max()), 6)})
    return pd.DataFrame(rows, columns=COLUMNS)
