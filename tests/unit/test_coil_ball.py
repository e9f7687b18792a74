"""The projection is the Euclidean projection onto the product of the coils' balls."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from support import complex_normal

from advmri.attacks.coil_ball import CoilBall, coil_norms, scale_coils

seeds = st.integers(0, 2**32 - 1)
coil_counts = st.integers(1, 5)


def random_ball(seed, coils, batch=2, shape=(5, 4)):
    """A ball in double precision; some radii are zero."""
    rng = np.random.default_rng(seed)
    radius = torch.from_numpy(rng.uniform(0, 3, (batch, coils)) * (rng.random((batch, coils)) > 0.15))
    return CoilBall(radius, shape), rng


def random_points(rng, ball, spread=2.0):
    """Points of very different lengths, some coils zero."""
    batch, coils = ball.radius.shape
    points = torch.from_numpy(complex_normal(rng, (batch, coils, *ball.shape))).to(torch.complex128)
    lengths = torch.from_numpy(10 ** rng.uniform(-spread, spread, (batch, coils)) * (rng.random((batch, coils)) > 0.15))
    return scale_coils(points, lengths)


@given(coil_counts, seeds)
def test_lands_in_the_ball_and_stays(coils, seed):
    ball, rng = random_ball(seed, coils)
    projected = ball.project(random_points(rng, ball))
    assert (coil_norms(projected) <= ball.radius * (1 + 1e-12)).all()
    torch.testing.assert_close(ball.project(projected), projected, rtol=1e-12, atol=0)


@given(coil_counts, seeds)
def test_members_are_unchanged(coils, seed):
    ball, rng = random_ball(seed, coils)
    members = scale_coils(random_points(rng, ball), ball.radius * torch.from_numpy(rng.uniform(0, 0.999, coils)))
    torch.testing.assert_close(ball.project(members), members, rtol=1e-14, atol=0)


@given(coil_counts, seeds)
def test_variational_inequality(coils, seed):
    """P is the projection onto a convex set if and only if <x - Px, y - Px> <= 0 for every member y."""
    ball, rng = random_ball(seed, coils)
    points = random_points(rng, ball, spread=1.0)
    projected = ball.project(points)
    for _ in range(5):
        share = torch.from_numpy(rng.uniform(0, 1, ball.radius.shape))
        members = scale_coils(random_points(rng, ball), share * ball.radius)
        inner = ((points - projected).conj() * (members - projected)).real.sum(dim=(-2, -1))
        assert (inner <= 1e-9).all()


@given(coil_counts, seeds)
def test_each_coil_is_projected_alone(coils, seed):
    ball, rng = random_ball(seed, coils)
    points = random_points(rng, ball)
    together = ball.project(points)
    for coil in range(coils):
        alone = CoilBall(ball.radius[:, coil : coil + 1], ball.shape).project(points[:, coil : coil + 1])
        assert torch.equal(alone, together[:, coil : coil + 1])


def test_a_coil_of_zeros_and_a_radius_of_zero_are_safe():
    ball = CoilBall(torch.tensor([[1.0, 0.0]]), (3, 2))
    points = torch.zeros(1, 2, 3, 2, dtype=torch.complex64)
    points[0, 1] = 5
    projected = ball.project(points)
    assert torch.equal(projected, torch.zeros_like(points))
    assert torch.equal(scale_coils(points[:, :1], torch.tensor([[1.0]])), points[:, :1])


def generators(seed, count):
    return [torch.Generator().manual_seed(seed + index) for index in range(count)]


@given(coil_counts, seeds)
def test_random_points_lie_exactly_on_the_surface(coils, seed):
    ball, _ = random_ball(seed, coils)
    ball = CoilBall(ball.radius.float(), (6, 5))
    draw = ball.random_on_surface(generators(seed, 2))
    torch.testing.assert_close(coil_norms(draw), ball.radius, rtol=1e-5, atol=0)
    assert torch.equal(draw, ball.random_on_surface(generators(seed, 2)))


def test_every_member_of_a_batch_has_its_own_draw():
    ball = CoilBall(torch.ones(2, 3), (6, 5))
    draw = ball.random_on_surface(generators(1, 2))
    assert not torch.equal(draw[0], draw[1])
    alone = CoilBall(torch.ones(1, 3), (6, 5)).random_on_surface(generators(2, 1))
    assert torch.equal(draw[1:], alone)


def test_random_points_are_complex_gaussian():
    ball = CoilBall(torch.tensor([[1.0]]), (200, 100))
    draw = ball.random_on_surface(generators(1, 1)) * np.sqrt(200 * 100)
    assert abs(draw.real.var() - 0.5) < 0.02 and abs(draw.imag.var() - 0.5) < 0.02
    assert abs((draw.real * draw.imag).mean()) < 0.02
