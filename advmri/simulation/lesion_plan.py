"""Which slice of which simulated volume carries which lesion.

Standard library only: Snakemake imports this module while it parses the workflow, once per job.
"""

import hashlib
import random
from dataclasses import dataclass

from advmri.simulation.settings import SimulationSettings
from advmri.simulation.slice_position import slice_position_mm

SPLITS = ("train", "val")
PROTON_DENSITY = "CORPD_FBK"
FAT_SUPPRESSED = "CORPDFS_FBK"

SECOND_LESION_PROBABILITY = 0.25
"""How often an annotated slice holds a second lesion of another kind."""


@dataclass(frozen=True)
class LesionKind:
    """A pathology of fastMRI+, how common it is and where in the knee it can lie."""

    label: str
    """Label as fastMRI+ spells it."""
    weight: float
    """Relative frequency, after fastMRI+ but less dominated by meniscus tears."""
    anterior_mm: float
    """Foremost slice position in mm."""
    posterior_mm: float
    """Rearmost slice position in mm."""


MENISCUS_TEAR = "Meniscus Tear"
CARTILAGE_PARTIAL = "Cartilage - Partial Thickness loss/defect"
CARTILAGE_FULL = "Cartilage - Full Thickness loss/defect"
BONE_OEDEMA = "Bone- Subchondral edema"
ACL_SPRAIN = "Ligament - ACL Low Grade sprain"
MCL_SPRAIN = "Ligament - MCL Low-Mod Grade Sprain"
EFFUSION = "Joint Effusion"

LESION_KINDS = (
    LesionKind(MENISCUS_TEAR, 4.0, -9.0, 17.0),
    LesionKind(CARTILAGE_PARTIAL, 2.5, -13.0, 19.0),
    LesionKind(CARTILAGE_FULL, 1.0, -13.0, 19.0),
    LesionKind(BONE_OEDEMA, 2.0, -16.0, 20.0),
    LesionKind(ACL_SPRAIN, 2.5, -5.0, 9.0),
    LesionKind(MCL_SPRAIN, 2.0, -5.0, 6.0),
    LesionKind(EFFUSION, 2.5, -21.0, -8.0),
)


@dataclass(frozen=True)
class PlannedLesion:
    """One lesion to draw into one slice."""

    slice: int
    """Index of the slice in the volume."""
    label: str
    """Label as fastMRI+ spells it, without trailing space."""
    side: str
    """Compartment of the knee: 'medial' or 'lateral' (without meaning for the anterior cruciate ligament)."""
    number: int
    """Running number within the volume, which also names the lesion's random stream."""


def volume_names(settings: SimulationSettings, split: str) -> list[str]:
    """Name the volumes of one split: knee_train_001, knee_train_002, ..."""
    if split not in SPLITS:
        raise ValueError(f"split must be one of {SPLITS}, found {split!r}")
    count = settings.train_volumes if split == "train" else settings.val_volumes
    return [f"knee_{split}_{number:03d}" for number in range(1, count + 1)]


def acquisition(volume: str) -> str:
    """Give the contrast of a volume: odd volumes are proton density, even ones fat-suppressed, so splits balance."""
    number = volume.rpartition("_")[2]
    if not number.isdigit():
        raise ValueError(f"simulated volumes are named knee_<split>_<number>, found {volume!r}")
    return PROTON_DENSITY if int(number) % 2 else FAT_SUPPRESSED


def planned_lesions(settings: SimulationSettings, seed: int, volume: str) -> list[PlannedLesion]:
    """Draw which slices of a volume carry which lesions: a pure function of settings, seed and name."""
    stream = random.Random(int.from_bytes(hashlib.sha256(f"{seed}|{volume}|lesion plan".encode()).digest()[:8], "big"))
    weights = {index: sum(kind.weight for kind in _kinds_at(settings, index)) for index in range(settings.slices)}
    candidates = {index: weight for index, weight in weights.items() if weight > 0}
    chosen: list[tuple[int, LesionKind]] = []
    for index in _draw_slices(stream, candidates, settings.lesions_per_volume):
        used = {kind.label for _, kind in chosen}
        first = _draw(stream, _kinds_at(settings, index), used)
        chosen.append((index, first))
        if stream.random() < SECOND_LESION_PROBABILITY:
            others = [kind for kind in _kinds_at(settings, index) if _compatible(kind, first)]
            if others:
                chosen.append((index, _draw(stream, others, used)))
    return [
        PlannedLesion(index, kind.label, stream.choice(("medial", "lateral")), number)
        for number, (index, kind) in enumerate(sorted(chosen, key=lambda lesion: lesion[0]))
    ]


def _kinds_at(settings: SimulationSettings, index: int) -> list[LesionKind]:
    position = slice_position_mm(settings, index)
    return [kind for kind in LESION_KINDS if kind.anterior_mm <= position <= kind.posterior_mm]


def _compatible(kind: LesionKind, first: LesionKind) -> bool:
    """Tell whether two lesions in one slice would be annotated separately (two cartilage labels would not)."""
    return kind.label.split(" - ")[0] != first.label.split(" - ")[0]


def _draw_slices(stream: random.Random, candidates: dict[int, float], count: int) -> list[int]:
    """Draw slices without replacement, each the likelier the more often lesions occur at its position."""
    remaining = dict(candidates)
    chosen = []
    for _ in range(min(count, len(remaining))):
        index = stream.choices(list(remaining), list(remaining.values()))[0]
        del remaining[index]
        chosen.append(index)
    return sorted(chosen)


def _draw(stream: random.Random, kinds: list[LesionKind], used: set[str]) -> LesionKind:
    """Draw a kind by weight; a kind already in the volume is four times less likely."""
    weights = [kind.weight * (0.25 if kind.label in used else 1.0) for kind in kinds]
    return stream.choices(kinds, weights)[0]
