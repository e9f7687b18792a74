"""The worst of the moves tried for every region and severity, while moves are tried in batches."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from advmri.attacks.motion.moves import Motion, Move
from advmri.attacks.region_error import region_error
from advmri.image_quality.ssim import Region, region_ssim, ssim_map

TOLERANCE = 1e-6
"""Of a severity: grids are rounded."""
Key = tuple[str, int]
"""Region and place among the severities."""


@dataclass(frozen=True)
class Score:
    """What one move does to one region.

    Attributes:
        objective, ssim: of the reconstruction moved back.
        floor_ssim: of the fully sampled image moved there and back.
    """

    move: Move
    objective: float
    ssim: float
    floor_ssim: float


@dataclass(frozen=True)
class Worst:
    """A move with its score, and the images [h, w] it gave."""

    score: Score
    damage: float
    reconstruction: Tensor
    perturbed_target: Tensor


@dataclass
class WorstMoves:
    """Scores of all moves tried, and of the worst of them the images: one pair per region and severity is held.

    Attributes:
        regions: rows and columns by name.
        severities: ascending.
        motion: says which moves a severity allows.
        target: fully sampled RSS [h, w].
        data_range: of SSIM.
        by_ssim: the worst is the one with the lowest SSIM, not the largest objective.
        scores: of every region, in the order tried.
        worst: by region and place of the severity.
    """

    regions: dict[str, Region]
    severities: Sequence[float]
    motion: Motion
    target: Tensor
    data_range: float
    by_ssim: bool
    scores: dict[str, list[Score]] = field(init=False)
    worst: dict[Key, Worst] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.scores = {name: [] for name in self.regions}
        self._masks = torch.zeros(len(self.regions), *self.target.shape, dtype=torch.bool, device=self.target.device)
        for mask, region in zip(self._masks, self.regions.values(), strict=True):
            mask[region] = True
        self._reference = self.target.cpu().numpy()

    def offer(self, moves: Sequence[Move], reconstructions: Tensor, perturbed_targets: Tensor) -> None:
        """Score moves with their images [B, h, w] in every region; keep those that are worse than what was known."""
        for move, image, full in zip(moves, reconstructions, perturbed_targets, strict=True):
            errors = region_error(image.expand(len(self._masks), -1, -1), self.target, self._masks).tolist()
            ssims, floors = self._ssims(image), self._ssims(full)
            for name, error, ssim, floor in zip(self.regions, errors, ssims, floors, strict=True):
                score = Score(move, error, ssim, floor)
                self.scores[name].append(score)
                self._keep(name, score, image, full)

    def _ssims(self, image: Tensor) -> list[float]:
        similarity = ssim_map(self._reference, image.cpu().numpy(), self.data_range)
        return [region_ssim(similarity, region) for region in self.regions.values()]

    def _keep(self, name: str, score: Score, image: Tensor, full: Tensor) -> None:
        damage = -score.ssim if self.by_ssim else score.objective
        # A network that returns NaN has failed: nothing is worse.
        damage = np.inf if np.isnan(damage) else damage
        for place, severity in enumerate(self.severities):
            known = self.worst.get((name, place))
            allowed = self.motion.severity_of(score.move) <= severity + TOLERANCE
            if allowed and (known is None or damage > known.damage):
                self.worst[name, place] = Worst(score, damage, image.clone(), full.clone())

    def moves_tried(self) -> Iterable[Move]:
        """Return every move scored so far."""
        return (score.move for score in next(iter(self.scores.values())))
