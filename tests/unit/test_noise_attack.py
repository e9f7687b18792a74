"""Noise attacks of eq. (4) on random networks: exact when eta = 0, within the bound, climbing, reproducible."""

import pytest
import torch
from support import object_kspace, small_scan

from advmri.attacks.coil_ball import coil_norms
from advmri.attacks.noise import attack_with_noise, make_optimiser
from advmri.attacks.objective import region_error
from advmri.attacks.optimisers import gaussian, pgd
from advmri.attacks.scan import Scan
from advmri.attacks.settings import NoiseAttack
from advmri.kspace import rss_reconstruction

SEVERITIES = [0, 0.01, 0.02, 0.05]


def settings(**changes):
    return NoiseAttack(**{"threat_model": "noise", "severities": SEVERITIES, "steps": 4, **changes})


def regions(scan):
    box = torch.zeros(scan.crop, dtype=torch.bool)
    box[6:14, 9:18] = True
    return {"box_0": box, "image": torch.ones(scan.crop, dtype=torch.bool)}


@pytest.fixture(scope="module", params=["unet", "varnet"])
def attacked(request):
    scan = small_scan(request.param)
    chosen = regions(scan)
    return scan, chosen, attack_with_noise(scan, chosen, settings(), seed=7, batch_size=2)


def test_severity_zero_is_exactly_the_clean_reconstruction(attacked):
    scan, _, outcomes = attacked
    for outcome in outcomes.values():
        assert torch.equal(outcome.reconstruction[0], scan.clean())
        assert torch.equal(outcome.last_reconstruction[0], scan.clean())
        assert not outcome.perturbation[0].any()
        assert not outcome.relative_norm[0].any()
        torch.testing.assert_close(outcome.perturbed_target[0], scan.target, rtol=1e-5, atol=0)
        assert outcome.best_step[0] == 0


def test_bound_holds_for_every_coil(attacked):
    scan, _, outcomes = attacked
    for outcome in outcomes.values():
        for severity, z, relative in zip(SEVERITIES, outcome.perturbation, outcome.relative_norm, strict=True):
            assert (coil_norms(z) <= severity * scan.coil_norms * (1 + 1e-5)).all()
            torch.testing.assert_close(relative, coil_norms(z) / scan.coil_norms)


def test_relative_norm_measured_divides_by_the_measured_samples(attacked):
    scan, _, outcomes = attacked
    measured = coil_norms(scan.kspace[..., scan.mask])
    for outcome in outcomes.values():
        torch.testing.assert_close(outcome.relative_norm_measured, coil_norms(outcome.perturbation) / measured)
        assert (outcome.relative_norm_measured >= outcome.relative_norm).all()


def test_trace_starts_at_the_clean_error_and_the_best_step_is_its_maximum(attacked):
    scan, chosen, outcomes = attacked
    for name, outcome in outcomes.items():
        clean_error = region_error(scan.clean()[None], scan.target, chosen[name][None])
        assert outcome.objective.shape == (len(SEVERITIES), 5)
        torch.testing.assert_close(outcome.objective[:, 0], clean_error.expand(len(SEVERITIES)), rtol=1e-5, atol=0)
        torch.testing.assert_close(outcome.objective[0], clean_error.expand(5), rtol=1e-6, atol=0)
        assert torch.equal(outcome.best_step[1:], outcome.objective[1:].argmax(dim=1))


def test_stored_perturbation_gives_the_stored_reconstruction_and_objective(attacked):
    scan, chosen, outcomes = attacked
    for name, outcome in outcomes.items():
        z = torch.zeros(len(SEVERITIES), *scan.kspace.shape, dtype=torch.complex64)
        z[..., scan.mask] = outcome.perturbation
        image = scan.reconstruct(scan.kspace + z)
        torch.testing.assert_close(image, outcome.reconstruction, rtol=1e-3, atol=1e-8)
        value = region_error(image, scan.target, chosen[name].expand(len(SEVERITIES), -1, -1))
        torch.testing.assert_close(value, outcome.objective.max(dim=1).values, rtol=1e-4, atol=0)
        full = rss_reconstruction(scan.kspace + z, scan.crop)
        torch.testing.assert_close(outcome.perturbed_target, full, rtol=1e-4, atol=1e-9)


def test_pgd_increases_the_objective_more_with_more_severity(attacked):
    _, _, outcomes = attacked
    for outcome in outcomes.values():
        found = outcome.objective.max(dim=1).values
        assert (found.diff() > 0).all()
        assert (outcome.best_step[1:] > 0).all()


def test_attack_on_the_box_hurts_the_box_more_than_the_attack_on_the_image(attacked):
    scan, chosen, outcomes = attacked
    box = chosen["box_0"].expand(len(SEVERITIES), -1, -1)
    on_box = region_error(outcomes["box_0"].reconstruction, scan.target, box)
    on_image = region_error(outcomes["image"].reconstruction, scan.target, box)
    assert (on_box[1:] > on_image[1:]).all()


@pytest.mark.parametrize("architecture", ["unet", "varnet"])
def test_pgd_beats_gaussian_noise_of_the_same_norm(architecture):
    scan = small_scan(architecture)
    chosen = {"image": regions(scan)["image"]}
    adversary = attack_with_noise(scan, chosen, settings(), seed=1, batch_size=8)["image"]
    control = attack_with_noise(scan, chosen, settings(optimiser="gaussian", draws=5), seed=1, batch_size=8)["image"]
    assert (adversary.objective.max(dim=1).values[1:] > control.objective.max(dim=1).values[1:]).all()
    expected = torch.tensor(SEVERITIES)[:, None].expand(-1, 3)
    torch.testing.assert_close(control.relative_norm, expected, rtol=1e-5, atol=0)


def test_only_measured_columns_of_the_input_matter(rng):
    """The others enter through ||k_i|| and the target alone, so moving energy among them changes no step."""
    scan = small_scan("unet")
    unmeasured = (~scan.mask).nonzero().squeeze(1)
    kspace = scan.kspace.clone()
    kspace[..., unmeasured] = kspace[..., unmeasured.flip(0)]
    assert not torch.equal(kspace, scan.kspace)
    moved = Scan(kspace, scan.mask, scan.num_low_frequencies, scan.crop, scan.reconstructor)
    moved.__dict__["target"] = scan.target
    chosen = {"image": regions(scan)["image"]}
    first = attack_with_noise(scan, chosen, settings(), seed=1, batch_size=8)["image"]
    second = attack_with_noise(moved, chosen, settings(), seed=1, batch_size=8)["image"]
    torch.testing.assert_close(second.perturbation, first.perturbation, rtol=1e-3, atol=1e-9)
    torch.testing.assert_close(second.objective, first.objective, rtol=1e-4, atol=0)


@pytest.mark.parametrize("optimiser", ["pgd", "gaussian"])
def test_the_batch_size_changes_the_computation_only(optimiser):
    scan = small_scan("unet")
    chosen = regions(scan)
    changed = settings(optimiser=optimiser, start="random")
    one, all_together = (attack_with_noise(scan, chosen, changed, 1, size) for size in (1, 8))
    for name in chosen:
        torch.testing.assert_close(one[name].reconstruction, all_together[name].reconstruction, rtol=1e-2, atol=1e-7)
        if optimiser == "gaussian":
            assert torch.equal(one[name].perturbation, all_together[name].perturbation)


def test_a_severity_does_not_depend_on_the_others():
    """Adding one to the config's list keeps the perturbations of the rest."""
    scan = small_scan("unet")
    some, more = (
        attack_with_noise(scan, regions(scan), settings(optimiser="gaussian", severities=eta), 1, 8)["image"]
        for eta in ([0.01, 0.02], [0, 0.01, 0.015, 0.02])
    )
    assert torch.equal(some.perturbation, more.perturbation[[1, 3]])


def test_the_same_seed_gives_the_same_bits_and_regions_do_not_depend_on_each_other():
    scan = small_scan("unet")
    chosen = regions(scan)
    asked = settings(optimiser="gaussian", draws=2)
    both = attack_with_noise(scan, chosen, asked, 1, 8)["image"]
    alone = attack_with_noise(scan, {"image": chosen["image"]}, asked, 1, 8)["image"]
    other = attack_with_noise(scan, chosen, asked, 2, 8)["image"]
    assert torch.equal(both.perturbation, alone.perturbation)
    assert not torch.equal(both.perturbation, other.perturbation)


def test_severities_of_zero_alone():
    scan = small_scan("unet")
    outcome = attack_with_noise(scan, regions(scan), settings(severities=[0]), 1, 8)["image"]
    assert outcome.objective.shape == (1, 1) and torch.equal(outcome.reconstruction[0], scan.clean())


def test_a_dead_coil_stays_dead(rng):
    """In the threat model; networks other than the U-Net need all coils alive (`read_kspace` sees to it)."""
    kspace = object_kspace(rng)
    kspace[1] = 0
    scan = small_scan("unet", kspace=kspace)
    outcome = attack_with_noise(scan, regions(scan), settings(), 1, 8)["box_0"]
    assert not outcome.perturbation[:, 1].any()
    assert torch.isfinite(outcome.reconstruction).all()
    assert (outcome.objective.max(dim=1).values.diff() > 0).all()


def test_the_settings_name_the_optimiser_and_what_it_takes():
    assert make_optimiser(settings(step_size=0.3, start="random")) == pgd.Optimiser(4, 0.3, "random")
    assert make_optimiser(settings(optimiser="gaussian", draws=9)) == gaussian.Optimiser(9)
