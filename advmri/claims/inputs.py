"""What claims are judged from: the scores in the boxes, the sweeps of angles, and who is compared with whom."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from advmri.claims.box import BOX
from advmri.claims.settings import ClaimsSettings
from advmri.claims.verdict import (
    MINIMUM_PATIENTS,
    NOTE_SEPARATOR,
    ClaimRow,
    Estimate,
    few_patients,
    open_reason,
    verdict,
)
from advmri.scores.cautions import Caution
from advmri.scores.leakage import LEAKAGE
from advmri.scores.statistics import cluster_mean, cluster_ratio


@dataclass(frozen=True)
class Claim:
    """Letter and words of a claim."""

    letter: str
    description: str

    def not_tested(self, why: str) -> list[ClaimRow]:
        """Return the one row that says why this run cannot tell."""
        return [ClaimRow(self.letter, self.description, "not tested", note=why)]


@dataclass(frozen=True)
class ClaimInputs:
    """One run's scores.

    Attributes:
        scores: rows of metrics.csv with region `box`, with `ssim_drop` (clean minus attacked).
        sweeps: columns `BOX`, model, acceleration, regained, range: see `advmri.claims.sweeps`; of the rotation attack.
        roles: name of the attack by role (`region_attack`, `image_attack`, `rotation_attack`), where there is one.
        pairs: (network said to be better, the other).
        seed: of the bootstrap; the same patients are drawn for every number.
        cautions: on the networks; they stand in the notes of comparisons with them.
    """

    scores: pd.DataFrame
    sweeps: pd.DataFrame
    roles: dict[str, str]
    pairs: list[tuple[str, str]]
    settings: ClaimsSettings
    confidence: float
    resamples: int
    seed: int
    cautions: tuple[Caution, ...] = ()

    def of(self, role: str, model: str, acceleration: int, severity: float | None = None) -> pd.DataFrame:
        """Return the boxes under the attack in a role, one row per box and severity; box columns as index."""
        table = self.scores
        rows = table[(table.attack == self.roles[role]) & (table.model == model) & (table.acceleration == acceleration)]
        if severity is not None:
            rows = rows[rows.severity == severity]
        return rows.set_index(BOX)

    def severities(self, role: str) -> list[float]:
        """Return the severities of the attack in a role, ascending."""
        return sorted(self.scores.severity[self.scores.attack == self.roles[role]].unique())

    @property
    def models(self) -> list[str]:
        """All networks, by name."""
        return sorted(self.scores.model.unique())

    @property
    def accelerations(self) -> list[int]:
        """All accelerations, ascending."""
        return sorted(int(one) for one in self.scores.acceleration.unique())

    def trained_on(self, *models: str) -> str:
        """Return what these networks were trained on; `train+val` where one of them was."""
        found = set(self.scores.trained_on[self.scores.model.isin(models)])
        return LEAKAGE if LEAKAGE in found else "; ".join(sorted(found))

    def _options(self) -> dict[str, float | int]:
        return {"confidence": self.confidence, "resamples": self.resamples, "seed": self.seed}

    def _estimate(self, bounds: tuple[float, float, float], pairs: pd.DataFrame, doubt: str = "") -> Estimate:
        patients = pairs.index.get_level_values("patient").nunique()
        if patients < MINIMUM_PATIENTS:
            doubt = doubt or f"{patients} patient{'s' * (patients != 1)}: too few for a verdict"
        volumes = pairs.index.get_level_values("volume").nunique()
        first, second = float(pairs["first"].mean()), float(pairs["second"].mean())
        return Estimate(*bounds, first, second, len(pairs), patients, volumes, doubt)

    def difference(self, first: pd.Series, second: pd.Series) -> Estimate:
        """Return the mean of first minus second over the boxes that both have."""
        pairs = _paired(first, second)
        patients = pairs.index.get_level_values("patient")
        bounds = cluster_mean(pairs["first"] - pairs["second"], patients, **self._options())  # type: ignore[arg-type]
        return self._estimate(bounds, pairs)

    def ratio(self, first: pd.Series, second: pd.Series) -> Estimate:
        """Return the mean of first over the mean of second; in doubt where the latter may be zero."""
        pairs = _paired(first, second)
        patients = pairs.index.get_level_values("patient")
        _, low, high = cluster_mean(pairs["second"], patients, **self._options())  # type: ignore[arg-type]
        if low <= 0 <= high:
            return self._estimate(
                (math.nan, math.nan, math.nan), pairs, "the denominator is not clearly different from 0"
            )
        bounds = cluster_ratio(pairs["first"], pairs["second"], patients, **self._options())  # type: ignore[arg-type]
        return self._estimate(bounds, pairs)

    def row(
        self,
        claim: Claim,
        estimate: Estimate,
        *,
        measure: str,
        models: tuple[str, ...],
        attack: str,
        acceleration: int,
        severity: float | None,
        above: float = -math.inf,
        below: float = math.inf,
        beside: int | None = None,
    ) -> ClaimRow:
        """Judge one comparison: the claim holds where the estimate lies between `above` and `below`.

        `beside` is a second acceleration, where two are compared.
        """
        judged = verdict(estimate, above, below)
        reason = open_reason(estimate, above, below) if judged == "undecided" else ""
        chance = "" if estimate.doubt else few_patients(estimate.n_patients, self.confidence)
        cautions = [
            str(one).replace(NOTE_SEPARATOR, ", ")
            for one in self.cautions
            if one.model in models and one.acceleration in (acceleration, beside)
        ]
        return ClaimRow(
            claim=claim.letter,
            description=claim.description,
            verdict=judged,
            measure=measure,
            models=" vs ".join(models),
            trained_on=self.trained_on(*models),
            attack=attack,
            acceleration=acceleration,
            severity=severity,
            estimate=estimate.value,
            ci_low=estimate.low,
            ci_high=estimate.high,
            above=above if math.isfinite(above) else math.nan,
            below=below if math.isfinite(below) else math.nan,
            first=estimate.first,
            second=estimate.second,
            n_boxes=estimate.n_boxes,
            n_patients=estimate.n_patients,
            n_volumes=estimate.n_volumes,
            note=NOTE_SEPARATOR.join(filter(None, [reason, chance, *cautions])),
        )


def _paired(first: pd.Series, second: pd.Series) -> pd.DataFrame:
    """Join two series by box; boxes that only one has, or whose score is not finite, are left out."""
    pairs = pd.concat([first.rename("first"), second.rename("second")], axis=1, join="inner")
    return pairs[np.isfinite(pairs).all(axis=1)]


def box_slopes(rows: pd.DataFrame, scale: float) -> pd.Series:
    """Return the least-squares slope of SSIM against severity times `scale`, per box (rows of `ClaimInputs.of`)."""
    values = pd.DataFrame({"x": rows.severity * scale, "y": rows.ssim})
    centred = values - values.groupby(level=BOX).transform("mean")
    sums = pd.DataFrame({"xy": centred.x * centred.y, "xx": centred.x**2}).groupby(level=BOX).sum()
    return sums.xy / sums.xx
