"""Every bound is a convex set with its exact projection, steepest ascent and random members on its surface."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support import complex_normal

from advmri.attacks.noise.bounds import acquisition_l2, coil_l2, sample_linf
from advmri.attacks.norms import coil_norms, scale_coils

BOUNDS = {"coil_l2": coil_l2.Bound, "acquisition_l2": acquisition_l2.Bound, "sample_linf": sample_linf.Bound}
SHAPE = (3, 5, 4)
seeds = st.integers(0, 2**32 - 1)
each_set = pytest.mark.parametrize("kind", BOUNDS)


def random_set(kind, seed, batch=2, shape=SHAPE):
    """A set of random norms and severities in double precision; some coils may not be perturbed."""
    rng = np.random.default_rng(seed)
    norms = torch.from_numpy(rng.uniform(0.1, 3, (batch, shape[0])))
    if kind != "acquisition_l2":
        norms = norms * torch.from_numpy(rng.random((batch, shape[0])) > 0.15)
    return BOUNDS[kind].of_severity(torch.from_numpy(rng.uniform(0.1, 2, batch)), norms, shape), rng


def random_points(rng, batch=2, shape=SHAPE, spread=2.0):
    """Points of very different lengths, some coils zero."""
    points = torch.from_numpy(complex_normal(rng, (batch, *shape))).to(torch.complex128)
    lengths = 10 ** rng.uniform(-spread, spread, (batch, shape[0])) * (rng.random((batch, shape[0])) > 0.15)
    return scale_coils(points, torch.from_numpy(lengths))


def inner(first, second):
    return (first.conj() * second).real.sum(dim=(1, 2, 3))


def generators(seed, count):
    return [torch.Generator().manual_seed(seed + index) for index in range(count)]


@each_set
@given(seed=seeds)
def test_projection_lands_in_the_set_and_stays(kind, seed):
    bound, rng = random_set(kind, seed)
    projected = bound.project(random_points(rng))
    assert (bound.gauge(projected) <= 1 + 1e-12).all()
    torch.testing.assert_close(bound.project(projected), projected, rtol=1e-12, atol=0)


@each_set
@given(seed=seeds)
def test_members_are_unchanged(kind, seed):
    bound, rng = random_set(kind, seed)
    members = 0.999 * bound.project(random_points(rng))
    torch.testing.assert_close(bound.project(members), members, rtol=1e-14, atol=0)


@each_set
@given(seed=seeds)
def test_variational_inequality(kind, seed):
    """P is the projection onto a convex set if and only if <x - Px, y - Px> <= 0 for every member y."""
    bound, rng = random_set(kind, seed)
    points = random_points(rng, spread=1.0)
    projected = bound.project(points)
    for _ in range(5):
        member = bound.project(random_points(rng, spread=1.0))
        assert (inner(points - projected, member - projected) <= 1e-9).all()


@each_set
@given(seed=seeds)
def test_ascent_is_the_best_member_for_a_linear_objective(kind, seed):
    bound, rng = random_set(kind, seed)
    gradient = random_points(rng, spread=1.0)
    step = bound.ascent(gradient, 1.0)
    assert (bound.gauge(step) <= 1 + 1e-12).all()
    for _ in range(5):
        member = bound.project(random_points(rng, spread=1.0))
        assert (inner(gradient, step) >= inner(gradient, member) - 1e-9).all()


@each_set
@given(seed=seeds)
def test_ascent_is_proportional_to_its_length(kind, seed):
    bound, rng = random_set(kind, seed)
    gradient, lengths = random_points(rng), torch.from_numpy(rng.uniform(0.1, 2, 2))
    expected = lengths[:, None, None, None] * bound.ascent(gradient, 1.0)
    torch.testing.assert_close(bound.ascent(gradient, lengths), expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(bound.ascent(gradient, 0.5), 0.5 * bound.ascent(gradient, 1.0), rtol=1e-12, atol=0)


@each_set
@given(seed=seeds, growth=st.floats(1, 10))
def test_sets_are_proportional_to_the_severity(kind, seed, growth):
    """What the warm start along the severities relies on."""
    rng = np.random.default_rng(seed)
    norms = torch.from_numpy(rng.uniform(0.1, 3, (2, SHAPE[0])))
    small, large = (BOUNDS[kind].of_severity(torch.tensor([0.1, 0.2]) * g, norms, SHAPE) for g in (1.0, growth))
    member = small.project(random_points(rng))
    torch.testing.assert_close(large.gauge(growth * member), small.gauge(member), rtol=1e-5, atol=0)
    assert (large.gauge(member) <= small.gauge(member) * (1 + 1e-6)).all()


@each_set
@given(seed=seeds)
def test_random_members_use_the_whole_budget_and_their_own_generator(kind, seed):
    norms = torch.from_numpy(np.random.default_rng(seed).uniform(0.1, 3, (2, SHAPE[0]))).float()
    bound = BOUNDS[kind].of_severity(torch.tensor([0.01, 0.02]), norms, SHAPE)
    draw = bound.random_on_surface(generators(seed, 2))
    for used in (bound.budget_used(draw), bound.gauge(draw)):
        torch.testing.assert_close(used, torch.ones(2), rtol=1e-5, atol=0)
    assert torch.equal(draw, bound.random_on_surface(generators(seed, 2)))
    alone = BOUNDS[kind].of_severity(torch.tensor([0.02]), norms[1:], SHAPE)
    assert torch.equal(draw[1:], alone.random_on_surface(generators(seed + 1, 1)))


@each_set
def test_members_of_a_batch_are_projected_alone(kind):
    bound, rng = random_set(kind, 1)
    points = random_points(rng)
    alone = BOUNDS[kind](bound.radius[1:], SHAPE)
    assert torch.equal(alone.project(points[1:]), bound.project(points)[1:])


@given(seed=seeds)
def test_the_sets_at_one_eta_lie_within_one_another(seed):
    """sample_linf within coil_l2 within acquisition_l2, and each reaches the surface of the next."""
    norms = torch.from_numpy(np.random.default_rng(seed).uniform(0.1, 3, (1, SHAPE[0]))).float()
    eta = torch.tensor([0.02])
    linf, coil, whole = (
        BOUNDS[kind].of_severity(eta, norms, SHAPE) for kind in ("sample_linf", "coil_l2", "acquisition_l2")
    )
    for inside, outside in ((linf, coil), (coil, whole)):
        draw = inside.random_on_surface(generators(seed, 1))
        torch.testing.assert_close(outside.gauge(draw), torch.ones(1), rtol=1e-5, atol=0)
        assert (outside.gauge(0.5 * inside.project(2 * draw)) <= 0.5 + 1e-5).all()


def test_a_coil_of_zeros_and_a_radius_of_zero_are_safe():
    for kind in ("coil_l2", "sample_linf"):
        bound = BOUNDS[kind](torch.tensor([[1.0, 0.0]]), (2, 3, 2))
        points = torch.zeros(1, 2, 3, 2, dtype=torch.complex64)
        points[0, 1] = 5
        assert torch.equal(bound.project(points), torch.zeros_like(points))
        assert bound.gauge(bound.zero()).item() == 0 and bound.budget_used(bound.zero()).item() == 0
    assert torch.equal(scale_coils(points[:, :1], torch.tensor([[1.0]])), points[:, :1])


def test_the_bound_of_each_set_is_what_its_name_says():
    norms, eta, shape = torch.tensor([[3.0, 4.0]]), torch.tensor([0.1]), (2, 200, 100)
    coil, whole, linf = (BOUNDS[kind].of_severity(eta, norms, shape) for kind in BOUNDS)
    torch.testing.assert_close(coil_norms(coil.random_on_surface(generators(1, 1))), eta * norms)
    torch.testing.assert_close(whole.random_on_surface(generators(1, 1)).norm(), torch.tensor(0.5))
    draw = linf.random_on_surface(generators(1, 1))
    torch.testing.assert_close(draw.abs(), (eta * norms / 20000**0.5)[..., None, None].expand(1, *shape))


def test_random_points_of_the_balls_are_complex_gaussian():
    bound = coil_l2.Bound(torch.tensor([[1.0]]), (1, 200, 100))
    draw = bound.random_on_surface(generators(1, 1)) * np.sqrt(200 * 100)
    assert abs(draw.real.var() - 0.5) < 0.02 and abs(draw.imag.var() - 0.5) < 0.02
    assert abs((draw.real * draw.imag).mean()) < 0.02
