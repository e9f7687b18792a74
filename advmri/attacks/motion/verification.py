"""Compare what an attack file says of a motion attack with what its moves do."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import torch

from advmri.attacks.comparison import compare
from advmri.attacks.family_programs import Task
from advmri.attacks.motion.attack import MotionOutcome, make_motion, moved_scan
from advmri.attacks.motion.moves import Move
from advmri.attacks.motion.settings import MotionAttack
from advmri.attacks.motion.worst_moves import WorstMoves
from advmri.attacks.scan import Scan
from advmri.image_quality.ssim import Region
from advmri.reconstruction.full_precision import full_precision

SEVERITY_TOLERANCE = 1e-4
DATASETS = tuple(field.name for field in fields(MotionOutcome))


def _moves(angles: np.ndarray, shifts: np.ndarray) -> list[Move]:
    return [
        Move(float(angle), float(rows), float(columns)) for angle, (rows, columns) in zip(angles, shifts, strict=True)
    ]


def verify(task: Task, settings: MotionAttack, stored: Mapping[str, Any]) -> list[str]:
    """See `advmri.attacks.family_programs.Verify`."""
    (region,) = task.regions.values()
    return check_motion(task.scan, region, settings, task.data_range, stored)


@torch.no_grad()
@full_precision()
def check_motion(
    scan: Scan, region: Region, settings: MotionAttack, data_range: float, stored: Mapping[str, Any]
) -> list[str]:
    """Check one target of one slice.

    Every reported move is made again, and every move of the sweep, which must be the settings' grid; nothing in it may
    be worse than what was reported.

    Args:
        scan: the slice and the network.
        region: of the target.
        settings: of the attack.
        data_range: of SSIM.
        stored: the target's datasets by name.

    Returns:
        a line per mismatch; none where all is well.
    """
    missing = [f"{name}: missing" for name in DATASETS if name not in stored]
    severities = np.asarray(settings.severities, np.float32)
    found = missing + compare("severity", stored.get("severity"), severities)
    if found or len(stored["angle"]) != len(severities) or stored["shift"].shape != (len(severities), 2):
        return found or ["angle, shift: not one move for each severity"]
    motion, moved = make_motion(settings), moved_scan(scan, settings)
    moves = _moves(stored["angle"], stored["shift"])
    known = WorstMoves({"target": region}, [np.inf], motion, scan.target, data_range, settings.selection == "ssim")
    pairs = [moved.reconstruct([move]) for move in moves]
    for move, images in zip(moves, pairs, strict=True):
        known.offer([move], *images)
    for move in motion.grid(settings.severities):
        known.offer([move], *moved.reconstruct([move]))
    scores, sweep = known.scores["target"][: len(moves)], known.scores["target"][len(moves) :]
    for name, values in {
        "reconstruction": torch.cat([one for one, _ in pairs]),
        "perturbed_target": torch.cat([full for _, full in pairs]),
        "final_objective": [score.objective for score in scores],
        "final_ssim": [score.ssim for score in scores],
        "final_floor_ssim": [score.floor_ssim for score in scores],
    }.items():
        found += compare(name, stored.get(name), values)
    for move, severity in zip(moves, settings.severities, strict=True):
        if motion.severity_of(move) > severity + SEVERITY_TOLERANCE:
            found.append(f"angle, shift: {move} is beyond severity {severity}")
    found += _check_sweep(settings, stored)
    found += compare("sweep_objective", stored["sweep_objective"], [score.objective for score in sweep])
    found += compare("sweep_ssim", stored["sweep_ssim"], [score.ssim for score in sweep])
    return found + compare("floor_ssim", stored["floor_ssim"], [score.floor_ssim for score in sweep])


def _check_sweep(settings: MotionAttack, stored: Mapping[str, Any]) -> list[str]:
    """Check that the sweep is the grid, and that what was reported is at least as bad as anything in it."""
    motion = make_motion(settings)
    grid = motion.grid(settings.severities)
    found = compare("sweep_angle", stored.get("sweep_angle"), [move.angle for move in grid])
    found += compare("sweep_shift", stored.get("sweep_shift"), [(move.rows, move.columns) for move in grid])
    by_ssim = settings.selection == "ssim"
    kind, sign = ("ssim", -1) if by_ssim else ("objective", 1)
    sweep = sign * np.asarray(stored[f"sweep_{kind}"])
    if found or not len(sweep) == len(stored["sweep_objective"]) == len(stored["sweep_ssim"]) == len(grid):
        return found or ["sweep: not one value for each move of the grid"]
    if not len(stored["grid_objective"]) == len(stored["grid_ssim"]) == len(settings.severities):
        return ["grid: not one value for each severity"]
    for place, severity in enumerate(settings.severities):
        allowed = [motion.severity_of(move) <= severity + SEVERITY_TOLERANCE for move in grid]
        if sign * stored[f"final_{kind}"][place] < sweep[allowed].max():
            found.append(f"final_{kind}: the sweep holds a worse move within severity {severity}")
        worst = int(np.flatnonzero(allowed)[sweep[allowed].argmax()])
        for measure in ("objective", "ssim"):
            if stored[f"grid_{measure}"][place] != stored[f"sweep_{measure}"][worst]:
                found.append(f"grid_{measure}: not that of the sweep's worst move within severity {severity}")
    return found
