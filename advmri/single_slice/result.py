"""What the attack on one slice came to: arrays as the attack file stores them, certificate and scores."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advmri.attacks.family import FamilySettings
from advmri.errors import InputError

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class NoiseCertificate:
    """What anyone can recompute from the noise alone; S severities, see `advmri.attacks.noise.certificate`.

    Attributes:
        gauge: factor by which the bound would have to grow to just hold the noise [S]; at most 1 up to rounding.
        budget_used: share of the bound in use [S].
        largest_unmeasured: largest change of a sample outside the measured columns [S], in units of k-space; 0.
        deterministic: two evaluations of the noise of the largest severity gave the same image.
        gradient_ratio: change of the error over what its gradient says, around no noise: of three directions the one
            farthest from 1, which is right; NaN where the optimiser follows no gradient.
    """

    gauge: NDArray[np.float32]
    budget_used: NDArray[np.float32]
    largest_unmeasured: NDArray[np.float32]
    deterministic: bool
    gradient_ratio: float


@dataclass(frozen=True, eq=False, repr=False)
class SliceAttack:
    """The perturbation of the largest damage found in one slice at each of S severities.

    Attributes:
        settings: of the attack, defaults filled in.
        rows, columns: of what was attacked in the crop, half-open.
        target: fully sampled RSS [h, w].
        clean: unperturbed reconstruction [h, w].
        mask: measured columns bool [W].
        coils: places in the given k-space of the coils of every axis C [C]: dead ones are left out.
        all_coils: number of coils in the given k-space.
        thermal_relative_norm: eta of the scan's own thermal noise per coil [C].
        arrays: the datasets of the attack file by name, as docs/file-formats.md describes them.
        scores: rows of `metrics.csv`, one per severity and region (`box`, `image`): the metrics of the attacked
            reconstruction, of the clean one (`clean_...`) and of the fully sampled image under the same perturbation
            (`fully_sampled_...`).
    """

    settings: FamilySettings
    rows: tuple[int, int]
    columns: tuple[int, int]
    target: NDArray[np.float32]
    clean: NDArray[np.float32]
    mask: NDArray[np.bool_]
    coils: NDArray[np.int64]
    all_coils: int
    thermal_relative_norm: NDArray[np.float64]
    arrays: dict[str, Array]
    scores: tuple[dict[str, Any], ...]

    @property
    def severity(self) -> NDArray[np.float32]:
        """The severities [S]: eta for noise, theta_max in degrees for rotations, pixels for shifts."""
        return self.arrays["severity"]

    @property
    def reconstruction(self) -> NDArray[np.float32]:
        """The reconstruction under the perturbation of the largest damage found [S, h, w]."""
        return self.arrays["reconstruction"]

    @property
    def certificate(self) -> NoiseCertificate | None:
        """The certificate of noise; None of a family that adds none (`FamilySettings.CERTIFIES_NOISE`)."""
        if not self.settings.CERTIFIES_NOISE:
            return None
        measured = {name: self.arrays[name] for name in ("gauge", "budget_used", "largest_unmeasured")}
        ratios = np.atleast_1d(self.arrays["gradient_ratio"])
        distance = np.nan_to_num(np.abs(ratios - 1), nan=-1.0)
        return NoiseCertificate(
            **measured,
            deterministic=not self.arrays["non_deterministic"].any(),
            gradient_ratio=float(ratios[distance.argmax()]),
        )

    def noise(self) -> NDArray[np.complex64]:
        """Return the noise found in the shape of the k-space that was given [S, C, H, W], zero where none is added.

        Raises:
            InputError: for an attack that adds none.
        """
        if self.certificate is None:
            raise InputError(f"{self.settings.threat_model}: adds no noise; its moves are in `arrays`.")
        found = self.arrays["perturbation"]
        noise = np.zeros((len(found), self.all_coils, found.shape[2], len(self.mask)), np.complex64)
        noise[:, self.coils[:, None], :, np.flatnonzero(self.mask)] = np.moveaxis(found, (1, 3), (0, 1))
        return noise

    def score(self, region: str = "box", place: int = -1) -> dict[str, Any]:
        """Return the scores in one region (`box` or `image`) at one place among the severities; -1: the largest.

        Raises:
            InputError: where there is no such region.
        """
        rows = [row for row in self.scores if row["region"] == region]
        if not rows:
            known = sorted({row["region"] for row in self.scores})
            raise InputError(f"region: {region!r} was not scored; choose among {', '.join(known)}.")
        return rows[place]

    def __repr__(self) -> str:
        """Say in one line what was attacked, what it came to, and what certifies it."""
        region = "box" if self.settings.target == "box" else "image"
        worst = self.score(region)
        where = f"rows {self.rows[0]}:{self.rows[1]}, columns {self.columns[0]}:{self.columns[1]}"
        certificate, certified = self.certificate, ""
        if certificate is not None:
            repeats = "deterministic" if certificate.deterministic else "NOT deterministic"
            certified = f"; gauge {certificate.gauge.max():.6f}, {repeats}"
        return (
            f"SliceAttack({self.settings.threat_model} by {self.settings.optimiser} in {where}: SSIM"
            f" {worst['clean_ssim']:.3f} clean, {worst['ssim']:.3f} at severity {worst['severity']:g}{certified})"
        )
