"""Motion of the patient against one slice, eq. (5) and its like: a grid, then refinement around its worst moves."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib import import_module

import torch
from torch import Tensor

from advmri.attacks.family_programs import Task, on_cpu
from advmri.attacks.motion.compass import refine
from advmri.attacks.motion.moved_scan import MovedScan
from advmri.attacks.motion.moves import Motion, Move
from advmri.attacks.motion.settings import MotionAttack
from advmri.attacks.motion.worst_moves import Score, WorstMoves
from advmri.attacks.scan import Scan
from advmri.image_quality.ssim import Region
from advmri.reconstruction.full_precision import full_precision


@dataclass(frozen=True)
class MotionOutcome:
    """The worst move within each severity against one region of one slice; S severities, A moves of the grid.

    Attributes:
        severity: as the motion measures it [S].
        angle: of the worst move, degrees [S]; shift: of it, rows and columns in pixels [S, 2].
        reconstruction: moved back [S, h, w].
        perturbed_target: the fully sampled image moved there and back [S, h, w].
        final_objective, final_ssim, final_floor_ssim: of the worst move in the region [S].
        grid_objective, grid_ssim: of the worst move of the grid alone [S].
        sweep_angle [A], sweep_shift [A, 2]: the grid; sweep_objective, sweep_ssim: of its reconstructions in the
            region [A]; floor_ssim: of the fully sampled image moved there and back, what interpolation alone costs [A].
    """

    severity: Tensor
    angle: Tensor
    shift: Tensor
    reconstruction: Tensor
    perturbed_target: Tensor
    final_objective: Tensor
    final_ssim: Tensor
    final_floor_ssim: Tensor
    grid_objective: Tensor
    grid_ssim: Tensor
    sweep_angle: Tensor
    sweep_shift: Tensor
    sweep_objective: Tensor
    sweep_ssim: Tensor
    floor_ssim: Tensor


def make_motion(settings: MotionAttack) -> Motion:
    """Return the settings' set of moves; its fields are the settings of the same name."""
    kind = import_module(settings.parts()["threat_model"]).Motion
    return kind(**{field.name: getattr(settings, field.name) for field in fields(kind)})


def moved_scan(scan: Scan, settings: MotionAttack) -> MovedScan:
    """Return the slice with the settings' way to turn it."""
    operator = settings.parts().get("operator")
    return MovedScan(scan, import_module(operator) if operator else None)


def attack(tasks: Sequence[Task], settings: MotionAttack, batch_size: int) -> list[dict[str, dict[str, Tensor]]]:
    """See `advmri.attacks.family_programs.Attack`; the slices are moved one after another."""
    found = []
    for task in tasks:
        outcomes = attack_with_motion(task.scan, dict(task.regions), settings, task.data_range, batch_size)
        found.append({name: on_cpu(outcome) for name, outcome in outcomes.items()})
    return found


@torch.no_grad()
@full_precision()
def attack_with_motion(
    scan: Scan, regions: dict[str, Region], settings: MotionAttack, data_range: float, batch_size: int
) -> dict[str, MotionOutcome]:
    """Find the worst move of the patient for every region and severity.

    At most `batch_size` moved slices and their reconstructions are held at a time, and one pair of images per region
    and severity.

    Args:
        scan: the slice and the network.
        regions: rows and columns of each region by name.
        settings: the attack.
        data_range: the volume's maximum, for SSIM.
        batch_size: moves reconstructed at a time.
    """
    motion, moved = make_motion(settings), moved_scan(scan, settings)
    found = WorstMoves(regions, settings.severities, motion, scan.target, data_range, settings.selection == "ssim")

    def attempt(moves: Sequence[Move]) -> None:
        for start in range(0, len(moves), batch_size):
            chunk = moves[start : start + batch_size]
            found.offer(chunk, *moved.reconstruct(chunk))

    attempt(motion.grid(settings.severities))
    grid = {name: list(scores) for name, scores in found.scores.items()}
    grid_worst = {key: worst.score for key, worst in found.worst.items()}
    refine(found, motion, settings.refinement, attempt)
    return {name: _outcome(name, found, grid[name], grid_worst) for name in regions}


def _outcome(
    name: str, found: WorstMoves, grid: list[Score], grid_worst: dict[tuple[str, int], Score]
) -> MotionOutcome:
    places = range(len(found.severities))
    worst = [found.worst[name, place] for place in places]
    scores = [one.score for one in worst]
    before = [grid_worst[name, place] for place in places]
    return MotionOutcome(
        severity=torch.tensor(found.severities, dtype=torch.float32),
        angle=_angles(scores),
        shift=_shifts(scores),
        reconstruction=torch.stack([one.reconstruction for one in worst]),
        perturbed_target=torch.stack([one.perturbed_target for one in worst]),
        final_objective=torch.tensor([one.objective for one in scores]),
        final_ssim=torch.tensor([one.ssim for one in scores]),
        final_floor_ssim=torch.tensor([one.floor_ssim for one in scores]),
        grid_objective=torch.tensor([one.objective for one in before]),
        grid_ssim=torch.tensor([one.ssim for one in before]),
        sweep_angle=_angles(grid),
        sweep_shift=_shifts(grid),
        sweep_objective=torch.tensor([one.objective for one in grid]),
        sweep_ssim=torch.tensor([one.ssim for one in grid]),
        floor_ssim=torch.tensor([one.floor_ssim for one in grid]),
    )


def _angles(scores: Sequence[Score]) -> Tensor:
    return torch.tensor([one.move.angle for one in scores])


def _shifts(scores: Sequence[Score]) -> Tensor:
    return torch.tensor([(one.move.rows, one.move.columns) for one in scores])
