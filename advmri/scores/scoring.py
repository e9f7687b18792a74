"""From an attack file to rows of metrics.csv: one per slice, box, severity and region."""

from typing import Any

import numpy as np

from advmri.attacks.settings import extra_columns, kind_of, reader_of
from advmri.image_quality.image_pair import SsimOfBox
from advmri.image_quality.metrics import METRICS, score
from advmri.image_quality.ssim import WHOLE_IMAGE, Region
from advmri.scores.search_end import last_step_gains
from advmri.storage.attack_file import AttackFile
from advmri.volumes.index import VolumeIndex


def columns() -> tuple[str, ...]:
    """Return the columns of metrics.csv, in their order; the last are the attack families' own, NaN for others."""
    return (
        "volume",
        "patient",
        "slice",
        "box",
        "label",
        "acquisition",
        "model",
        "acceleration",
        "trained_on",
        "attack",
        "optimiser",
        "target",
        "severity",
        "severity_unit",
        "region",
        *METRICS,
        *(f"clean_{name}" for name in METRICS),
        *(f"fully_sampled_{name}" for name in METRICS),
        "last_step_gain",
        *extra_columns(),
    )


def _regions(index: VolumeIndex, slice_number: int, target: str) -> dict[str, tuple[int | None, str, Region]]:
    """Return number, label and place of the regions in which an attack on `target` is scored, by name.

    An attack on a box is scored in that box, one on the image in every box of the slice; both also on the whole image.
    """
    regions: dict[str, tuple[int | None, str, Region]] = {}
    for box in index.annotated[slice_number].boxes:
        if target in ("image", f"box_{box.number}"):
            place = (slice(box.row0, box.row1), slice(box.column0, box.column1))
            regions[f"box_{box.number}"] = (box.number, box.label, place)
    attacked = None if target == "image" else int(target.removeprefix("box_"))
    label = "" if attacked is None else regions[target][1]
    regions["image"] = (attacked, label, WHOLE_IMAGE)
    return regions


def score_attack_file(attack: AttackFile, index: VolumeIndex, ssim_of_box: SsimOfBox = "map") -> list[dict[str, Any]]:
    """Score every reconstruction of an attack file.

    Returns:
        Rows with the keys `columns()`. `fully_sampled_*` compare the fully sampled image under the same perturbation
        with the target: what the perturbation does without any network (for motion: interpolation alone).
    """
    facts = attack.attributes
    settings, data_range = facts["attack"], float(facts["data_range"])
    kind, family = kind_of(settings), reader_of(settings)
    no_extras = dict.fromkeys(extra_columns(), float("nan"))
    common = {
        "volume": facts["volume"],
        "patient": index.patient,
        "acquisition": index.acquisition,
        "model": facts["model"],
        "acceleration": int(facts["acceleration"]),
        "trained_on": facts["trained_on"],
        "attack": facts["attack_name"],
        "optimiser": settings["optimiser"],
        "target": settings["target"],
        "severity_unit": kind.SEVERITY.unit,
    }
    rows = []
    for number in attack.slices():
        group = attack.group(number)
        target, clean = group["target"][()], group["clean"][()]
        thermal = group["thermal_relative_norm"][()]
        for name in attack.target_names(number):
            result = group[name]
            regions = _regions(index, number, name)
            places = {region: place for region, (_, _, place) in regions.items()}
            clean_scores = score(target, clean, data_range, places, ssim_of_box)
            extras = family.columns(result, thermal)
            severities = result["severity"][()]
            gains = last_step_gains(result) if kind.STEPWISE else np.full(len(severities), np.nan)
            for position, severity in enumerate(severities):
                scores = score(target, result["reconstruction"][position], data_range, places, ssim_of_box)
                full = score(target, result["perturbed_target"][position], data_range, places, ssim_of_box)
                for region, (box, label, _) in regions.items():
                    rows.append(
                        common
                        | {
                            "slice": number,
                            "box": box,
                            "label": label,
                            "severity": round(float(severity), 6),
                            "region": "image" if region == "image" else "box",
                        }
                        | {metric: scores[region][metric] for metric in METRICS}
                        | {f"clean_{metric}": clean_scores[region][metric] for metric in METRICS}
                        | {f"fully_sampled_{metric}": full[region][metric] for metric in METRICS}
                        | {"last_step_gain": float(gains[position])}
                        | no_extras
                        | extras[position]
                    )
    return rows
