"""Sets of moves: nested, symmetric, with rest and the ends of every severity; neighbours stay inside."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advmri.attacks.motion.grids import disc_grid, symmetric_grid, within_disc
from advmri.attacks.motion.motions import rigid, rotation, shift
from advmri.attacks.motion.moves import AT_REST, Move

sizes = st.floats(0.1, 10)
motions = st.one_of(
    st.builds(rotation.Motion, angle_step=st.floats(0.3, 5)),
    st.builds(shift.Motion, shift_step=st.floats(0.5, 5), directions=st.integers(2, 9)),
    st.builds(
        rigid.Motion,
        angle_step=st.floats(1, 5),
        shift_per_degree=st.floats(0.1, 3),
        shift_step=st.floats(1, 5),
        directions=st.integers(2, 5),
    ),
)
severities = st.lists(st.floats(0.01, 5), min_size=1, max_size=3, unique=True).map(sorted)


@given(st.floats(0.001, 45), st.floats(0.05, 50))
def test_angles_are_symmetric_with_zero_and_both_ends(theta_max, step):
    grid = symmetric_grid([theta_max], step)
    assert grid == sorted(set(grid))
    assert [-angle for angle in reversed(grid)] == grid
    assert 0 in grid and -0.0 not in [str(angle) for angle in grid]
    assert abs(max(grid) - theta_max) <= 1e-6
    assert max(np.diff(grid), default=0) <= step + 1e-6


@pytest.mark.parametrize(
    ("theta_max", "step", "positive"),
    [(5, 0.5, [0.5 * i for i in range(1, 11)]), (1, 0.3, [0.3, 0.6, 0.9, 1]), (0.3, 0.1, [0.1, 0.2, 0.3]), (2, 7, [2])],
)
def test_angles_of_awkward_steps(theta_max, step, positive):
    assert [angle for angle in symmetric_grid([theta_max], step) if angle > 0] == positive


def test_several_severities_share_one_grid_with_the_ends_of_each():
    assert symmetric_grid([0, 1, 2.2], 1) == [-2.2, -2, -1, 0, 1, 2, 2.2]
    radii = [math.hypot(*point) for point in disc_grid([0, 1, 2.2], 1, 4)]
    np.testing.assert_allclose(radii, [0, *[1] * 4, *[2] * 4, *[2.2] * 4], atol=1e-5)


@given(sizes, st.integers(2, 9))
def test_shifts_point_evenly_in_all_directions(radius, directions):
    points = np.array(disc_grid([radius], 2 * radius, directions)[1:])
    assert len(points) == directions
    np.testing.assert_allclose(points.sum(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(points[0], [radius, 0], atol=1e-6)


@given(st.floats(-20, 20), st.floats(-20, 20), st.floats(0, 10))
def test_nearest_point_of_a_disc(rows, columns, radius):
    found = within_disc(rows, columns, radius)
    assert math.hypot(*found) <= radius * (1 + 1e-9)
    assert math.isclose(math.dist(found, (rows, columns)), max(0, math.hypot(rows, columns) - radius), abs_tol=1e-9)


@given(motions, severities)
def test_grids_hold_rest_once_and_reach_every_severity(motion, severities):
    grid = motion.grid(severities)
    assert len(set(grid)) == len(grid) and grid.count(AT_REST) == 1
    reached = np.array([motion.severity_of(move) for move in grid])
    assert reached.max() <= severities[-1] + 1e-5
    for severity in severities:
        assert np.abs(reached - severity).min() <= 1e-5
    assert motion.grid([0]) == [AT_REST]


@given(motions, severities, st.floats(0.01, 1), st.data())
def test_neighbours_stay_in_the_set(motion, severities, step, data):
    severity = severities[-1]
    move = data.draw(st.sampled_from(motion.grid(severities)))
    around = motion.neighbours(move, severity, step)
    assert len(around) == 2 * motion.dimensions
    assert all(motion.severity_of(one) <= severity + 2e-6 for one in around)
    assert motion.neighbours(AT_REST, 0, step) == [AT_REST] * len(around)


def test_neighbours_far_from_the_border_are_a_step_away():
    assert rotation.Motion(0.5).neighbours(Move(1), 3, 0.5) == [Move(0.75), Move(1.25)]
    around = shift.Motion(1, 4).neighbours(Move(0, 1, 1), 5, 0.5)
    assert {(move.rows, move.columns) for move in around} == {(0.5, 1), (1.5, 1), (1, 0.5), (1, 1.5)}


def test_rigid_moves_are_rotations_and_shifts_of_the_same_severity():
    motion = rigid.Motion(angle_step=1, shift_per_degree=2, shift_step=2, directions=4)
    grid = motion.grid([1, 2])
    assert len(grid) == 5 * (1 + 2 * 4)
    assert motion.severity_of(Move(-1.5, 0, 1)) == 1.5
    assert motion.severity_of(Move(0.5, 0, -3)) == 1.5
    assert {move for move in grid if motion.severity_of(move) <= 1 + 1e-6} == set(motion.grid([1]))
