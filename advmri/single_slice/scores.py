"""Every metric of an attacked slice, per severity and region: the numbers of `metrics.csv`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from advmri.attacks.family import FamilySettings, stored_results
from advmri.image_quality.image_pair import SsimOfBox
from advmri.image_quality.metrics import score
from advmri.image_quality.ssim import Region


def scores_of(
    settings: FamilySettings,
    target: NDArray[np.float32],
    clean: NDArray[np.float32],
    arrays: dict[str, NDArray[Any]],
    thermal: NDArray[np.float64],
    regions: dict[str, Region],
    data_range: float,
    ssim_of_box: SsimOfBox,
) -> tuple[dict[str, Any], ...]:
    """Return a row per severity and region, with the columns of `metrics.csv` that say something of one slice.

    Args:
        settings: of the attack, whose family adds columns.
        target: fully sampled RSS [h, w].
        clean: unperturbed reconstruction [h, w].
        arrays: of the attack: `severity` [S], `reconstruction` and `perturbed_target` [S, h, w].
        thermal: eta of the scan's own noise per coil [C].
        regions: rows and columns by name.
        data_range: the volume's maximum.
        ssim_of_box: see `score`.
    """

    def scored(image: NDArray[np.float32]) -> dict[str, dict[str, float]]:
        return score(target, image, data_range, regions, ssim_of_box)

    unperturbed, rows = scored(clean), []
    extras = stored_results(type(settings)).columns(arrays, thermal)
    for place, severity in enumerate(arrays["severity"]):
        kinds = {"": scored(arrays["reconstruction"][place]), "clean_": unperturbed}
        kinds["fully_sampled_"] = scored(arrays["perturbed_target"][place])
        for region in regions:
            values = {f"{kind}{name}": value for kind, of in kinds.items() for name, value in of[region].items()}
            rows.append({"severity": round(float(severity), 6), "region": region, **values, **extras[place]})
    return tuple(rows)
