"""PGD climbs, keeps its best iterate and stays within the ball; the Gaussian control lies on its surface."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from support import complex_normal

from advmri.attacks.noise.bounds.coil_l2 import Bound as CoilBall
from advmri.attacks.noise.optimisers import apgd, gaussian, pgd
from advmri.attacks.noise.search import BestIterate, Start
from advmri.attacks.noise.settings import PATIENCE
from advmri.attacks.norms import coil_norms, scale_coils

SHAPE = (6, 5)


def linear_problem(seed, batch=3, coils=2):
    """<g, z>, whose maximum over the balls is known: sum_i radius_i ||g_i||."""
    rng = np.random.default_rng(seed)
    direction = torch.from_numpy(complex_normal(rng, (batch, coils, *SHAPE)))
    ball = CoilBall(torch.from_numpy(rng.uniform(0.1, 2, (batch, coils)).astype(np.float32)), (coils, *SHAPE))

    def objective(z):
        return (direction.conj() * z).real.sum(dim=(1, 2, 3))

    return objective, ball, direction


def starts(seed=0, batch=3, number=0):
    return [Start(number, torch.Generator().manual_seed(seed + index)) for index in range(batch)]


@given(st.integers(0, 2**32 - 1))
def test_pgd_finds_the_maximum_of_a_linear_objective(seed):
    objective, ball, direction = linear_problem(seed)
    found = pgd.Optimiser(steps=4, step_size=0.5).maximise(objective, ball, starts())
    torch.testing.assert_close(found.best, scale_coils(direction, ball.radius), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.trace[:, -1], (ball.radius * coil_norms(direction)).sum(dim=1), rtol=1e-4, atol=0)


def test_pgd_step_is_the_papers_on_normalised_gradients():
    """One step of 0.5 ends half-way to the surface, along the gradient, in every coil whatever its gradient's size."""
    objective, ball, direction = linear_problem(1)
    found = pgd.Optimiser(steps=1, step_size=0.5).maximise(objective, ball, starts())
    torch.testing.assert_close(found.last, scale_coils(direction, 0.5 * ball.radius), rtol=1e-4, atol=1e-6)
    assert torch.equal(found.trace[:, 0], torch.zeros(3))


def _bumpy(direction):
    """An objective with several maxima, so that the last iterate need not be the best."""

    def objective(z):
        along = (direction.conj() * z).real.sum(dim=(1, 2, 3))
        return torch.sin(along) + 0.01 * along

    return objective


@given(st.integers(0, 2**32 - 1), st.sampled_from(["zero", "random"]))
def test_pgd_keeps_the_best_iterate_within_the_ball(seed, start):
    _, ball, direction = linear_problem(seed)
    objective = _bumpy(direction)
    found = pgd.Optimiser(steps=6, step_size=0.7, start=start).maximise(objective, ball, starts(seed))
    assert found.trace.shape == (3, 7)
    assert torch.equal(found.best_step, found.trace.argmax(dim=1))
    torch.testing.assert_close(objective(found.best), found.trace.max(dim=1).values)
    torch.testing.assert_close(objective(found.last), found.trace[:, -1])
    for z in (found.best, found.last):
        assert (coil_norms(z) <= ball.radius * (1 + 1e-5)).all()


def test_the_best_iterate_is_not_always_the_last():
    """Else the property above would not tell them apart."""
    _, ball, direction = linear_problem(3)
    found = pgd.Optimiser(steps=6, step_size=0.7).maximise(_bumpy(direction), ball, starts())
    assert (found.best_step != 6).any()


def test_pgd_gives_every_member_its_own_search():
    objective, ball, direction = linear_problem(5)
    together = pgd.Optimiser(steps=3).maximise(objective, ball, starts())
    for index in range(3):
        alone = pgd.Optimiser(steps=3).maximise(
            lambda z, one=direction[index : index + 1]: (one.conj() * z).real.sum(dim=(1, 2, 3)),
            CoilBall(ball.radius[index : index + 1], ball.shape),
            starts(batch=1),
        )
        torch.testing.assert_close(together.best[index], alone.best[0])


def test_random_start_depends_on_the_starts():
    objective, ball, _ = linear_problem(5)
    optimiser = pgd.Optimiser(steps=1, step_size=0.1, start="random")
    first, same, other = (optimiser.maximise(objective, ball, starts(seed)) for seed in (1, 1, 2))
    assert torch.equal(first.best, same.best) and not torch.equal(first.best, other.best)
    assert first.trace[:, 0].abs().min() > 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_gaussian_control_has_exactly_the_adversarys_norms(seed, draws):
    objective, ball, _ = linear_problem(seed)
    found = gaussian.Optimiser(draws=draws).maximise(objective, ball, starts(seed))
    torch.testing.assert_close(coil_norms(found.best), ball.radius, rtol=1e-5, atol=0)
    torch.testing.assert_close(coil_norms(found.last), ball.radius, rtol=1e-5, atol=0)
    assert found.trace.shape == (3, draws)
    assert torch.equal(found.best_step, found.trace.argmax(dim=1))
    torch.testing.assert_close(objective(found.best), found.trace.max(dim=1).values)


def test_gaussian_draws_differ():
    objective, ball, _ = linear_problem(1)
    found = gaussian.Optimiser(draws=3).maximise(objective, ball, starts())
    assert all(len(set(row)) == 3 for row in found.trace.tolist())


def test_best_iterate_takes_the_first_of_equal_values():
    found = BestIterate(torch.zeros(2, 1, 1, 1))
    for step in range(3):
        found.offer(torch.full((2, 1, 1, 1), float(step)), torch.tensor([[1.0, 2.0, 2.0], [5.0, 1.0, 3.0]])[:, step])
    result = found.result()
    assert result.best_step.tolist() == [1, 0]
    assert result.best.flatten().tolist() == [1.0, 0.0]
    assert result.last.flatten().tolist() == [2.0, 2.0]


def test_a_zero_gradient_is_noted():
    _, ball, direction = linear_problem(1)
    direction = direction * torch.tensor([1.0, 0.0, 1.0])[:, None, None, None]
    for optimiser in (pgd.Optimiser(steps=2), apgd.Optimiser(steps=2)):
        found = optimiser.maximise(lambda z: (direction.conj() * z).real.sum(dim=(1, 2, 3)), ball, starts())
        assert found.zero_gradient.tolist() == [False, True, False]


@given(st.integers(0, 2**32 - 1))
def test_stop_gain_stops_each_member_on_its_own(seed):
    """What is kept of a member does not depend on how long the others go on; its trace ends with NaN."""
    _, ball, direction = linear_problem(seed)
    objective = _bumpy(direction)
    optimiser = pgd.Optimiser(steps=12, step_size=0.3, stop_gain=0.2)
    together = optimiser.maximise(objective, ball, starts())
    for index in range(3):
        alone = optimiser.maximise(
            lambda z, one=direction[index : index + 1]: _bumpy(one)(z),
            CoilBall(ball.radius[index : index + 1], ball.shape),
            starts(batch=1),
        )
        steps = int(alone.trace.isfinite().sum())
        assert int(together.trace[index].isfinite().sum()) == steps
        torch.testing.assert_close(together.trace[index, :steps], alone.trace[0, :steps], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(together.best[index], alone.best[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(together.last[index], alone.last[0], rtol=1e-4, atol=1e-5)


def test_stop_gain_ends_a_search_that_gains_no_more():
    objective, ball, _ = linear_problem(1)
    found = pgd.Optimiser(steps=50, step_size=0.5, stop_gain=0.01).maximise(objective, ball, starts())
    assert found.trace.shape[1] <= 2 + PATIENCE + 2
    full = pgd.Optimiser(steps=50, step_size=0.5).maximise(objective, ball, starts())
    assert full.trace.shape[1] == 51
    assert (found.trace.nan_to_num(-1).amax(1) >= 0.99 * full.trace.amax(1)).all()
