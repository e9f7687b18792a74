"""Refinement of the worst grid move by compass search (Kolda, Lewis & Torczon, SIAM Review 2003;45:385-482)."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from advmri.attacks.motion.moves import Motion, Move
from advmri.attacks.motion.worst_moves import WorstMoves

FIRST_STEP = 0.5
"""In units of the grid's spacing: a whole step away lies the grid."""
DECIMALS = 6


def refine(found: WorstMoves, motion: Motion, evaluations: int, attempt: Callable[[Sequence[Move]], None]) -> None:
    """Look around the worst move of every region and severity, closer each time that nothing worse is found.

    No derivative is needed, moves never leave their severity's set, and the worst move so far is never given up. All
    regions and severities take each round together: a move tried for one counts for all that allow it.

    Args:
        found: what is known, at least the grid.
        motion: the set of moves.
        evaluations: moves tried at most for each region and severity; whole rounds of 2 per dimension.
        attempt: scores moves, and notes them in `found`.
    """
    steps = dict.fromkeys(found.worst, FIRST_STEP)
    tried = set(found.moves_tried())
    for _ in range(evaluations // (2 * motion.dimensions)):
        before = {key: worst.score.move for key, worst in found.worst.items()}
        around = [
            _rounded(move)
            for key, centre in before.items()
            for move in motion.neighbours(centre, found.severities[key[1]], steps[key])
        ]
        new = [move for move in dict.fromkeys(around) if move not in tried]
        attempt(new)
        tried.update(new)
        for key, move in before.items():
            if found.worst[key].score.move == move:
                steps[key] /= 2


def _rounded(move: Move) -> Move:
    return replace(
        move,
        angle=round(move.angle, DECIMALS) + 0.0,
        rows=round(move.rows, DECIMALS) + 0.0,
        columns=round(move.columns, DECIMALS) + 0.0,
    )
