"""`optimiser: advrec` walks where the published code walks, given the same start.

The reference below is written from the published rules alone (kspace_noise.py and perturbation_finder.py of AdvRec):
full k-space, real view, one slice, noise also on unmeasured columns.
"""

import pytest
import torch
from support import random_network, small_scan

from advmri.attacks.noise.attack import attack_with_noise
from advmri.attacks.noise.bounds.coil_l2 import Bound
from advmri.attacks.noise.optimisers import advrec
from advmri.attacks.noise.optimisers.settings import noise_attack
from advmri.attacks.noise.search import Start
from advmri.attacks.norms import coil_norms
from advmri.attacks.scan import Scan

ETA = 0.02
PADDING = 3


def unit_normalised(noise):
    """kspace_noise.py:5-15: per coil, over rows, columns and the real view; only ever made smaller."""
    norm = torch.linalg.vector_norm(noise, ord=2, dim=[-3, -2, -1])[..., None, None, None]
    return noise / (torch.where(norm < 1, torch.ones_like(norm), norm) + 1e-20)


def published_trajectory(loss, start, norms, acquired, steps):
    """Return the parameter before every step and after the last, and the loss there; all [C, H, W]."""
    param, found, values = start, [start], []
    for _ in range(steps):
        param = param.detach().requires_grad_(True)
        value = loss(param)
        (gradient,) = torch.autograd.grad(value, param)
        values.append(value.item())
        # kspace_noise.py:101
        param = param / torch.linalg.vector_norm(param) + 0.5 * gradient / torch.linalg.vector_norm(gradient)
        param = param.detach()
        param[..., ~acquired] = 0
        # kspace_noise.py:115
        param = torch.view_as_complex(norms[:, None, None, None] * unit_normalised(torch.view_as_real(param)))
        found.append(param)
    return found, values


@pytest.fixture(params=["unet", "varnet"])
def problem(request):
    """A scan in double precision with padded columns on either side, and its box."""
    scan = small_scan(request.param)
    kspace, mask = scan.kspace.clone().to(torch.complex128), scan.mask.clone()
    kspace[..., :PADDING] = kspace[..., -PADDING:] = 0
    mask[:PADDING] = mask[-PADDING:] = False
    network = random_network(request.param).double()
    scan = Scan(kspace, mask, scan.num_low_frequencies, scan.crop, network)
    region = torch.zeros(scan.crop, dtype=torch.bool)
    region[6:14, 9:18] = True
    return scan, region


def test_reproduces_the_published_trajectory(problem):
    scan, region = problem
    acquired = torch.ones_like(scan.mask)
    acquired[:PADDING] = acquired[-PADDING:] = False
    torch.manual_seed(4)
    norms = ETA * scan.coil_norms
    noise = torch.randn((*scan.kspace.shape, 2), dtype=torch.float64)
    noise[..., ~acquired, :] = 0
    start = torch.view_as_complex(norms[:, None, None, None] * unit_normalised(noise))

    def loss(param):
        error = scan.reconstruct((scan.kspace + param)[None])[0] - scan.target
        return error[region].square().mean()

    def objective(z):
        return torch.stack([loss(_full(scan, one)) for one in z])

    expected, values = published_trajectory(loss, start, norms, acquired, steps=6)
    bound = Bound(norms[None], (*scan.kspace.shape[:2], len(scan.measured_columns)))
    hidden = coil_norms(start[..., ~scan.mask])[None]
    result = advrec.Optimiser(steps=6).search_from(objective, bound, start[..., scan.mask][None], hidden)
    torch.testing.assert_close(result.trace[0, :6], torch.tensor(values, dtype=torch.float64), rtol=1e-6, atol=0)
    last = expected[-1][..., scan.mask]
    torch.testing.assert_close(result.last[0], last, rtol=1e-5, atol=1e-9 * last.abs().max().item())
    assert expected[-1][..., ~scan.mask].abs().max() > 0


def _full(scan, z):
    return torch.zeros_like(scan.kspace).index_add(2, scan.measured_columns, z)


def test_the_drawn_start_is_the_published_one():
    """Gaussian on all acquired columns, scaled to eta ||k_i|| there, of which the mask leaves a part."""
    radius = torch.tensor([[2.0, 0.5]])
    bound = Bound(radius, (2, 40, 25))
    optimiser = advrec.Optimiser(unmeasured_samples=40 * 75)
    measured, hidden = optimiser.draw(bound, [Start(0, torch.Generator().manual_seed(1))])
    torch.testing.assert_close(torch.hypot(coil_norms(measured), hidden), radius, rtol=1e-5, atol=0)
    torch.testing.assert_close(coil_norms(measured) ** 2 / radius**2, torch.full((1, 2), 0.25), rtol=0.1, atol=0)


def test_through_the_settings_it_stays_within_the_bound_and_leaves_budget_unused():
    scan = small_scan("unet")
    assert scan.unmeasured_samples == scan.kspace.shape[1] * int((~scan.mask).sum())
    settings = noise_attack(optimiser="advrec", severities=[0, 0.01, 0.05], steps=5)
    region = torch.zeros(scan.crop, dtype=torch.bool)
    region[6:14, 9:18] = True
    (outcomes,) = attack_with_noise([scan], [{"box_0": region}], settings, [1], 1e-3, 8)
    outcome = outcomes["box_0"]
    assert (outcome.gauge[1:] < 1).all() and (outcome.budget_used[1:] < 0.9).all()
    assert outcome.objective.shape == (3, 6)
    assert (outcome.final_objective[1:] > outcome.final_objective[0]).all()


@pytest.mark.parametrize("change", [{"bound": "sample_linf"}, {"colour": "coil_covariance"}, {"warm_start": True}])
def test_settings_that_it_cannot_honour_are_refused(change):
    with pytest.raises(ValueError, match="advrec"):
        noise_attack(optimiser="advrec", **change)
