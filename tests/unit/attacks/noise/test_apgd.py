"""APGD: Croce & Hein's schedule, exact on linear objectives, and no weaker than PGD where steps must shrink."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_optimisers import linear_problem, starts

from advmri.attacks.noise.bounds.coil_l2 import Bound
from advmri.attacks.noise.optimisers import apgd, pgd
from advmri.attacks.norms import coil_norms, scale_coils


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
            alone_objective, Bound(ball.radius[members], ball.shape), starts(batch=1)
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


def numpy_apgd(value, gradient, radius, shape, steps):
    """Algorithm 1 of Croce & Hein (2020) for one member, from zero, written down once more; returns the trace."""

    def on_coils(z, norms):
        return z * (norms / np.maximum(np.linalg.norm(z.reshape(len(z), -1), axis=1), 1e-300))[:, None, None]

    def project(z):
        return on_coils(z, np.minimum(np.linalg.norm(z.reshape(len(z), -1), axis=1), radius))

    windows = [0, max(int(0.22 * steps), 1)]
    while windows[-1] < steps:
        shrunk = windows[-1] - windows[-2] - max(int(0.03 * steps), 1)
        windows.append(windows[-1] + max(shrunk, int(0.06 * steps), 1))
    z = before = best = np.zeros(shape, complex)
    values, best_value, step_size, risen = [], -np.inf, 2.0, 0
    last_checkpoint, best_then, halved_then = 0, -np.inf, True
    for step in range(steps):
        values.append(value(z))
        risen += step > 0 and values[-1] > values[-2]
        if values[-1] > best_value:
            best, best_value = z, values[-1]
        if step == 0:
            best_then = best_value
        if step in windows[1:]:
            halved = risen < 0.75 * (step - last_checkpoint) or (not halved_then and best_value <= best_then)
            last_checkpoint, best_then, halved_then, risen = step, best_value, halved, 0
            if halved:
                step_size, z, before = step_size / 2, best, best
        ascended = project(z + on_coils(gradient(z), step_size * radius))
        if step > 0:
            ascended = project(z + 0.75 * (ascended - z) + 0.25 * (z - before))
        before, z = z, ascended
    return np.array([*values, value(z)])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("steps", [5, 10, 25])
def test_takes_the_steps_of_the_papers_algorithm(seed, steps):
    _, ball, direction = linear_problem(seed)
    centre = 0.3 * scale_coils(direction, ball.radius)
    stretch = np.linspace(1, 3, direction.shape[-1])
    objective, _ = concave_problem(seed)
    found = apgd.Optimiser(steps=steps).maximise(objective, ball, starts())
    for member, trace in enumerate(found.trace.double().numpy()):
        middle = centre[member].numpy().astype(complex)
        expected = numpy_apgd(
            lambda z, middle=middle: -(np.abs(stretch * (z - middle)) ** 2).sum(),
            lambda z, middle=middle: -2 * stretch**2 * (z - middle),
            ball.radius[member].double().numpy(),
            middle.shape,
            steps,
        )
        np.testing.assert_allclose(trace, expected, atol=2e-4 * abs(expected[0]))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 2, 3, 4], [False]),  # every step gained
        ([0, 1, 2, 3, 2.5], [False]),  # three of four: just enough
        ([0, 1, 2, 1.5, 1.2], [True]),  # two of four
    ],
)
def test_the_step_is_halved_where_fewer_than_three_of_four_steps_gain(values, expected):
    judge = apgd._StepJudge(1, [len(values) - 1], torch.device("cpu"))
    best = [max(values[: place + 1]) for place in range(len(values))]
    said = [
        judge.halve(step, torch.tensor([float(v)]), torch.tensor([float(b)]))
        for step, (v, b) in enumerate(zip(values, best, strict=True))
    ]
    assert not any(one.any() for one in said[:-1]) and said[-1].tolist() == expected


def test_the_step_is_halved_where_it_was_not_and_the_best_has_not_risen_since():
    """Gains in three of four steps that never reach the best of before: the paper's second condition."""
    judge = apgd._StepJudge(1, [4, 8, 12], torch.device("cpu"))
    values = [0, 1, 2, 3, 10, 1, 2, 3, 4, 1, 2, 3, 4]
    best = [max(values[: place + 1]) for place in range(len(values))]
    said = [
        judge.halve(step, torch.tensor([float(v)]), torch.tensor([float(b)])).item()
        for step, (v, b) in enumerate(zip(values, best, strict=True))
    ]
    # At 4: four of four. At 8: three of four, but no new best since. At 12: the same, yet it was halved at 8.
    assert [step for step, halved in enumerate(said) if halved] == [8]
