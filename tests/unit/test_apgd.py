"""APGD: Croce & Hein's schedule, exact on linear objectives, and no weaker than PGD where steps must shrink."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_optimisers import linear_problem, starts

from advmri.attacks.norms import coil_norms, scale_coils
from advmri.attacks.optimisers import apgd, pgd
from advmri.attacks.threat_models.coil_l2 import Set


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # p_0 = 0, p_1 = 0.22, p_(j+1) = p_j + max(p_j - p_(j-1) - 0.03, 0.06), section 3.2 of the paper, for 100 steps
        (100, [22, 41, 57, 70, 80, 87, 93, 99]),
        (10, [2, 3, 4, 5, 6, 7, 8, 9]),
        (1, []),
    ],
)
def test_checkpoints_are_the_papers(steps, expected):
    assert apgd.checkpoints(steps) == expected


@given(st.integers(0, 2**32 - 1))
def test_finds_the_maximum_of_a_linear_objective(seed):
    objective, ball, direction = linear_problem(seed)
    found = apgd.Optimiser(steps=3).maximise(objective, ball, starts())
    torch.testing.assert_close(found.best, scale_coils(direction, ball.radius), rtol=1e-4, atol=1e-5)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["zero", "random"]))
def test_keeps_the_best_iterate_within_the_ball(seed, start):
    _, ball, direction = linear_problem(seed)

    def objective(z):
        along = (direction.conj() * z).real.sum(dim=(1, 2, 3))
        return torch.sin(along) + 0.01 * along

    found = apgd.Optimiser(steps=8, start=start).maximise(objective, ball, starts(seed))
    assert found.trace.shape == (3, 9)
    assert torch.equal(found.best_step, found.trace.argmax(dim=1))
    torch.testing.assert_close(objective(found.best), found.trace.max(dim=1).values)
    assert (coil_norms(found.best) <= ball.radius * (1 + 1e-5)).all()


def concave_problem(seed):
    """-||A (z - c)||^2 with c well inside the ball and a stretched A: fixed long steps overshoot for ever."""
    _, ball, direction = linear_problem(seed)
    centre = 0.3 * scale_coils(direction, ball.radius)
    stretch = torch.linspace(1, 3, direction.shape[-1])

    def objective(z):
        return -(stretch * (z - centre)).abs().square().sum(dim=(1, 2, 3))

    return objective, ball


@given(st.integers(0, 2**32 - 1))
def test_halving_gets_nearer_than_a_fixed_step(seed):
    objective, ball = concave_problem(seed)
    fixed = pgd.Optimiser(steps=30, step_size=0.5).maximise(objective, ball, starts())
    adaptive = apgd.Optimiser(steps=30).maximise(objective, ball, starts())
    assert (adaptive.trace.amax(1) > fixed.trace.amax(1)).all()
    assert (adaptive.trace.amax(1) > 0.02 * adaptive.trace[:, 0]).all()


def test_members_are_searched_on_their_own():
    objective, ball = concave_problem(7)
    together = apgd.Optimiser(steps=9).maximise(objective, ball, starts())
    for index in range(3):
        members = slice(index, index + 1)

        def alone_objective(z, index=index):
            return objective(z.expand(3, -1, -1, -1))[index : index + 1]

        alone = apgd.Optimiser(steps=9).maximise(
            alone_objective, Set(ball.radius[members], ball.shape), starts(batch=1)
        )
        torch.testing.assert_close(together.trace[index], alone.trace[0], rtol=1e-4, atol=1e-6)


def test_as_many_gradients_as_pgd():
    _, ball, direction = linear_problem(3)
    counted = []

    def objective(z):
        counted.append(z.requires_grad)
        return (direction.conj() * z).real.sum(dim=(1, 2, 3))

    for optimiser in (pgd.Optimiser(steps=5), apgd.Optimiser(steps=5)):
        counted.clear()
        optimiser.maximise(objective, ball, starts())
        assert counted == [True] * 5 + [False]
