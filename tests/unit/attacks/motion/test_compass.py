"""Compass search on functions whose largest value is known."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from advmri.attacks.motion.compass import refine
from advmri.attacks.motion.motions import rigid, rotation, shift
from advmri.attacks.motion.worst_moves import WorstMoves

WHOLE = {"image": (slice(None), slice(None))}
SEVERITIES = [0, 1, 2.5, 4]
MOTIONS = [
    rotation.Motion(1.0),
    shift.Motion(1.0, 8),
    rigid.Motion(angle_step=1, shift_per_degree=0.5, shift_step=1, directions=4),
]


def search(motion, damage, evaluations, by_ssim=False):
    """Refine over images whose only error, in one pixel, is `damage`; the worst moves, and how many were tried."""
    target = torch.zeros(8, 8)
    found = WorstMoves(WHOLE, SEVERITIES, motion, target, 1.0, by_ssim)

    def attempt(moves):
        images = torch.zeros(len(moves), 8, 8)
        images[:, 4, 4] = torch.tensor([damage(move) for move in moves])
        found.offer(moves, images, target.expand(len(moves), -1, -1))

    attempt(motion.grid(SEVERITIES))
    tried = len(found.scores["image"])
    refine(found, motion, evaluations, attempt)
    return found, len(found.scores["image"]) - tried


def hill(angle, rows, columns):
    return lambda move: (
        9 - (move.angle - angle) ** 2 / 9 - ((move.rows - rows) ** 2 + (move.columns - columns) ** 2) / 9
    )


@pytest.mark.parametrize("motion", MOTIONS, ids=lambda motion: type(motion).__module__.split(".")[-1])
@settings(max_examples=5)
@given(angle=st.floats(-3, 3), rows=st.floats(-1.2, 1.2), columns=st.floats(-1.2, 1.2))
def test_finds_the_top_of_a_hill(motion, angle, rows, columns):
    damage = hill(angle, rows, columns)
    worst = search(motion, damage, 60 * motion.dimensions)[0].worst["image", 3].score
    assert motion.severity_of(worst.move) <= 4 + 1e-6
    if motion.dimensions != 2:
        assert abs(worst.move.angle - angle) < 0.01
    if motion.dimensions != 1:
        assert abs(worst.move.rows - rows) < 0.02 and abs(worst.move.columns - columns) < 0.02


@pytest.mark.parametrize("motion", MOTIONS, ids=lambda motion: type(motion).__module__.split(".")[-1])
@settings(max_examples=8)
@given(seed=st.integers(1, 10**6), evaluations=st.integers(0, 20), by_ssim=st.booleans())
def test_is_never_worse_than_the_grid_and_damage_grows_with_severity(motion, seed, evaluations, by_ssim):
    """Of a function that jumps about."""

    def damage(move):
        return hash((seed, round(move.angle, 4), round(move.rows, 4), round(move.columns, 4))) % 1000 / 1000

    grid, none = search(motion, damage, 0, by_ssim)
    refined, number = search(motion, damage, evaluations, by_ssim)
    assert none == 0 and number <= evaluations * len(SEVERITIES)
    values = [refined.worst["image", place].damage for place in range(len(SEVERITIES))]
    assert values == sorted(values)
    for key, before in grid.worst.items():
        assert refined.worst[key].damage >= before.damage
        assert motion.severity_of(refined.worst[key].score.move) <= SEVERITIES[key[1]] + 1e-6
    assert refined.scores["image"][: len(grid.scores["image"])] == grid.scores["image"]


def test_nothing_is_tried_twice():
    found, _ = search(MOTIONS[2], hill(1.3, 0.4, -0.7), 36)
    moves = [score.move for score in found.scores["image"]]
    assert len(set(moves)) == len(moves)


def test_a_failed_network_is_the_worst_there_is():
    found, _ = search(MOTIONS[0], lambda move: float("nan") if move.angle == 3 else 1.0, 0)
    assert found.worst["image", 3].score.move.angle == 3
    assert found.worst["image", 2].score.move.angle != 3
