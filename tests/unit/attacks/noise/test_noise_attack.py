"""Noise attacks of eq. (4) on random networks: exact when eta = 0, within the bound, climbing, reproducible."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from support import object_kspace, small_scan

from advmri.acquisition.kspace import rss_reconstruction
from advmri.attacks.family_programs import NotFiniteError
from advmri.attacks.noise.attack import attack_with_noise
from advmri.attacks.noise.optimisers import advrec, apgd, gaussian, pgd
from advmri.attacks.noise.optimisers.settings import noise_attack
from advmri.attacks.noise.outcome import SCALED_UP, TAKEN_OVER
from advmri.attacks.noise.problem import make_optimiser
from advmri.attacks.norms import coil_norms
from advmri.attacks.region_error import region_error
from advmri.attacks.scan import Scan
from advmri.errors import InputError
from advmri.reconstruction.protocol import Reconstructor

SEVERITIES = [0, 0.01, 0.02, 0.05]
DATA_RANGE = 1e-3
FINE_SEVERITIES = [0.010, 0.011, 0.012, 0.013]


def settings(**changes):
    steps = {} if changes.get("optimiser") == "gaussian" else {"steps": 4}
    return noise_attack(**{"severities": SEVERITIES, **steps, **changes})


def regions(scan):
    box = torch.zeros(scan.crop, dtype=torch.bool)
    box[6:14, 9:18] = True
    return {"box_0": box, "image": torch.ones(scan.crop, dtype=torch.bool)}


def attack(scan, chosen, asked, seed=1, batch_size=8):
    """Attack one slice."""
    (outcomes,) = attack_with_noise([scan], [chosen], asked, [seed], DATA_RANGE, batch_size)
    return outcomes


@pytest.fixture(scope="module", params=["unet", "varnet"])
def attacked(request):
    scan = small_scan(request.param)
    chosen = regions(scan)
    return scan, chosen, attack(scan, chosen, settings(), seed=7, batch_size=2)


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
    adversary = attack(scan, chosen, settings(), seed=1, batch_size=8)["image"]
    control = attack(scan, chosen, settings(optimiser="gaussian", draws=5), seed=1, batch_size=8)["image"]
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
    first = attack(scan, chosen, settings(), seed=1, batch_size=8)["image"]
    second = attack(moved, chosen, settings(), seed=1, batch_size=8)["image"]
    torch.testing.assert_close(second.perturbation, first.perturbation, rtol=1e-3, atol=1e-9)
    torch.testing.assert_close(second.objective, first.objective, rtol=1e-4, atol=0)


@pytest.mark.parametrize("optimiser", ["pgd", "gaussian"])
def test_the_batch_size_changes_the_computation_only(optimiser):
    scan = small_scan("unet")
    chosen = regions(scan)
    changed = settings(start="random") if optimiser == "pgd" else settings(optimiser=optimiser)
    one, all_together = (attack(scan, chosen, changed, 1, size) for size in (1, 8))
    for name in chosen:
        torch.testing.assert_close(one[name].reconstruction, all_together[name].reconstruction, rtol=1e-2, atol=1e-7)
        if optimiser == "gaussian":
            assert torch.equal(one[name].perturbation, all_together[name].perturbation)


def test_a_severity_does_not_depend_on_the_others():
    """Adding one to the config's list keeps the perturbations of the rest."""
    scan = small_scan("unet")
    some, more = (
        attack(scan, regions(scan), settings(optimiser="gaussian", severities=eta), 1, 8)["image"]
        for eta in ([0.01, 0.02], [0, 0.01, 0.015, 0.02])
    )
    assert torch.equal(some.perturbation, more.perturbation[[1, 3]])


def test_the_same_seed_gives_the_same_bits_and_regions_do_not_depend_on_each_other():
    scan = small_scan("unet")
    chosen = regions(scan)
    asked = settings(optimiser="gaussian", draws=2)
    both = attack(scan, chosen, asked, 1, 8)["image"]
    alone = attack(scan, {"image": chosen["image"]}, asked, 1, 8)["image"]
    other = attack(scan, chosen, asked, 2, 8)["image"]
    assert torch.equal(both.perturbation, alone.perturbation)
    assert not torch.equal(both.perturbation, other.perturbation)


def test_severities_of_zero_alone():
    scan = small_scan("unet")
    outcome = attack(scan, regions(scan), settings(severities=[0]), 1, 8)["image"]
    assert outcome.objective.shape == (1, 1) and torch.equal(outcome.reconstruction[0], scan.clean())


def test_a_dead_coil_stays_dead(rng):
    """In the bound; networks other than the U-Net need all coils alive (`read_kspace` sees to it)."""
    kspace = object_kspace(rng)
    kspace[1] = 0
    scan = small_scan("unet", kspace=kspace)
    outcome = attack(scan, regions(scan), settings(), 1, 8)["box_0"]
    assert not outcome.perturbation[:, 1].any()
    assert torch.isfinite(outcome.reconstruction).all()
    assert (outcome.objective.max(dim=1).values.diff() > 0).all()


def test_the_settings_name_the_optimiser_and_what_it_takes():
    scan = small_scan("unet")
    assert make_optimiser(settings(step_size=0.3, start="random"), scan) == pgd.Optimiser(4, 0.3, "random")
    assert make_optimiser(settings(optimiser="gaussian", draws=9), scan) == gaussian.Optimiser(9)
    assert make_optimiser(settings(optimiser="apgd", momentum=0.5), scan) == apgd.Optimiser(4, 0.5)
    assert make_optimiser(settings(optimiser="advrec"), scan) == advrec.Optimiser(4, scan.unmeasured_samples)


def test_the_certificate_of_every_severity(attacked):
    scan, chosen, outcomes = attacked
    for name, outcome in outcomes.items():
        assert (outcome.gauge <= 1 + 1e-5).all() and outcome.gauge[0] == 0
        torch.testing.assert_close(
            outcome.budget_used, (outcome.relative_norm / torch.tensor(SEVERITIES)[:, None]).nan_to_num(0).mean(1)
        )
        assert not outcome.largest_unmeasured.any()
        assert not outcome.zero_gradient.any() and not outcome.non_deterministic.any()
        assert outcome.start_objective.shape == (len(SEVERITIES), 1) and not outcome.best_start.any()
        value = region_error(outcome.reconstruction, scan.target, chosen[name].expand(len(SEVERITIES), -1, -1))
        torch.testing.assert_close(outcome.final_objective, value)


def test_a_network_that_is_not_deterministic_is_flagged():
    scan = small_scan("unet")

    def noisy(*arguments):
        image = scan.reconstructor(*arguments)
        return image * (1 + 0.01 * torch.rand(()))

    shaky = Scan(scan.kspace, scan.mask, scan.num_low_frequencies, scan.crop, noisy)
    outcome = attack(shaky, regions(scan), settings(steps=1))["image"]
    assert outcome.non_deterministic.any()


def test_what_is_reported_is_computed_without_tensorfloat():
    """`compute.precision: tf32` is for the search; the flags exist on a CPU too."""
    scan = small_scan("unet")
    searched, reported = set(), set()

    def noting(kspace, *others):
        image = scan.reconstructor(kspace, *others)
        (searched if image.requires_grad else reported).add(torch.backends.cudnn.allow_tf32)
        return image

    watched = Scan(scan.kspace, scan.mask, scan.num_low_frequencies, scan.crop, noting)
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = True
    try:
        watched.clean()
        reported.clear()
        attack(watched, {"image": regions(scan)["image"]}, settings(optimiser="gaussian", draws=1, severities=[0.01]))
        assert reported == {True, False}  # the draw itself, and its certificate
        reported.clear()
        Scan(scan.kspace, scan.mask, scan.num_low_frequencies, scan.crop, noting).clean()
        assert reported == {False} and torch.backends.cudnn.allow_tf32
        attack(watched, {"image": regions(scan)["image"]}, settings(steps=1, severities=[0.01]))
        assert searched == {True}
    finally:
        torch.backends.cudnn.allow_tf32 = before


def test_a_region_that_the_network_does_not_look_at_has_a_zero_gradient():
    scan = small_scan("unet")

    def blind(kspace, *_):
        return 0 * kspace.abs().sum(dim=(1, 2, 3))[:, None, None] + torch.ones(len(kspace), *scan.crop)

    deaf = Scan(scan.kspace, scan.mask, scan.num_low_frequencies, scan.crop, blind)
    outcome = attack(deaf, regions(scan), settings())["image"]
    assert outcome.zero_gradient.tolist() == [False, True, True, True]


def with_covariance(scan, seed=0):
    """Give a scan coils whose noise is correlated."""
    mixing = torch.randn(3, 3, dtype=torch.complex128, generator=torch.Generator().manual_seed(seed))
    covariance = mixing @ mixing.mH + 2 * torch.eye(3)
    return replace(scan, coil_covariance=covariance)


def test_coloured_control_noise_has_the_coils_covariance():
    """Of whitened coils of equal norms: then every virtual coil gets the same noise."""
    scan = with_covariance(small_scan("unet"))
    asked = settings(optimiser="gaussian", draws=1, bound="acquisition_l2", colour="coil_covariance", severities=[0.02])
    draws = [attack(scan, regions(scan), asked, seed)["image"].perturbation[0].flatten(1) for seed in range(20)]
    samples = torch.cat(draws, dim=1).to(torch.complex128)
    found = samples @ samples.mH
    expected = scan.coil_covariance / scan.coil_covariance.norm()
    torch.testing.assert_close(found / found.norm(), expected, rtol=0, atol=0.05)


def test_colour_without_a_covariance_is_refused():
    scan = small_scan("unet")
    with pytest.raises(ValueError, match="coil_covariance"):
        attack(scan, regions(scan), settings(colour="coil_covariance"))


@pytest.mark.parametrize("bound", ["acquisition_l2", "sample_linf"])
@pytest.mark.parametrize("colour", ["white", "coil_covariance"])
def test_other_bounds_hold_and_are_used(bound, colour):
    scan = with_covariance(small_scan("unet"))
    outcome = attack(scan, regions(scan), settings(bound=bound, colour=colour))["box_0"]
    assert (outcome.gauge <= 1 + 1e-4).all() and (outcome.budget_used[1:] > 0.6).all()
    assert (outcome.final_objective.diff() > 0).all()
    norms, whole = coil_norms(outcome.perturbation), scan.coil_norms.norm()
    if bound == "acquisition_l2" and colour == "white":
        assert (norms.norm(dim=1) <= torch.tensor(SEVERITIES) * whole * (1 + 1e-5)).all()
        assert (norms[1:] > torch.tensor(SEVERITIES)[1:, None] * scan.coil_norms).any()
    if bound == "sample_linf" and colour == "white":
        samples = outcome.perturbation[0].numel() / len(scan.coil_norms)
        largest = torch.tensor(SEVERITIES)[:, None] * scan.coil_norms / samples**0.5
        assert (outcome.perturbation.abs().amax(dim=(2, 3)) <= largest * (1 + 1e-5)).all()


def test_a_set_that_holds_another_is_at_least_as_bad():
    """At one eta sample_linf lies within coil_l2 within acquisition_l2; one steepest step to the surface shows it."""
    scan = small_scan("unet")
    found = [
        attack(scan, regions(scan), settings(bound=bound, steps=1, step_size=1.0, severities=[0.001]))["box_0"]
        for bound in ("sample_linf", "coil_l2", "acquisition_l2")
    ]
    values = [outcome.final_objective.item() for outcome in found]
    assert values[0] < values[1] < values[2]


@pytest.mark.parametrize("objective", ["ssim", "l2_ssim"])
def test_other_objectives_climb(objective):
    scan = small_scan("unet")
    outcome = attack(scan, regions(scan), settings(objective=objective, optimiser="apgd"))["box_0"]
    assert (outcome.final_objective.diff() > 0).all()
    torch.testing.assert_close(outcome.final_objective[1:], outcome.objective[1:].amax(dim=1), rtol=1e-3, atol=0)


def test_restarts_keep_the_worst_of_all_starts():
    scan = small_scan("varnet")
    one = attack(scan, regions(scan), settings())["box_0"]
    three = attack(scan, regions(scan), settings(restarts=3), batch_size=2)["box_0"]
    assert three.start_objective.shape == (len(SEVERITIES), 3)
    torch.testing.assert_close(three.start_objective[:, 0], one.objective.amax(dim=1), rtol=1e-4, atol=0)
    assert (three.final_objective >= one.final_objective * (1 - 1e-4)).all()
    torch.testing.assert_close(three.final_objective, three.start_objective.amax(dim=1), rtol=1e-4, atol=0)
    assert torch.equal(three.best_start[1:], three.start_objective[1:].argmax(dim=1))
    assert (three.start_objective[1:].std(dim=1) > 0).all()


def test_restarts_that_gain_nothing_are_not_made():
    scan = small_scan("unet")
    found = attack(scan, regions(scan), settings(restarts=4, stop_gain=0.5))["box_0"]
    assert found.start_objective[1:, :2].isfinite().all() and found.start_objective[1:, 2:].isnan().all()


@pytest.mark.parametrize("optimiser", ["pgd", "apgd"])
@given(seed=st.integers(0, 1000))
@given_settings(max_examples=4)
def test_with_a_warm_start_damage_never_decreases(optimiser, seed):
    """One random step per severity: without the warm start the order is left to chance."""
    scan = small_scan("unet", seed=seed % 7)
    small = {"step_size": 0.05} if optimiser == "pgd" else {}
    asked = settings(optimiser=optimiser, steps=1, start="random", severities=[0, *FINE_SEVERITIES], **small)
    without = attack(scan, regions(scan), asked, seed)
    found = attack(scan, regions(scan), asked.model_copy(update={"warm_start": True}), seed)
    for name, outcome in found.items():
        assert (outcome.final_objective[1:].diff() >= -1e-6 * outcome.final_objective[1:-1]).all()
        assert (outcome.final_objective >= without[name].final_objective * (1 - 1e-5)).all()
        assert (outcome.gauge <= 1 + 1e-5).all()


def test_the_warm_start_says_where_the_noise_came_from():
    scan = small_scan("unet")
    asked = settings(steps=1, step_size=0.05, start="random", severities=FINE_SEVERITIES, warm_start=True)
    outcome = attack(scan, regions(scan), asked)["box_0"]
    warm = outcome.best_start < 0
    assert warm.any() and set(outcome.best_start.tolist()) <= {0, SCALED_UP, TAKEN_OVER}
    for place in warm.nonzero().flatten().tolist():
        growth = FINE_SEVERITIES[place] / FINE_SEVERITIES[place - 1] if outcome.best_start[place] == SCALED_UP else 1.0
        torch.testing.assert_close(outcome.perturbation[place], growth * outcome.perturbation[place - 1])


@pytest.mark.parametrize("colour", ["white", "coil_covariance"])
def test_slices_searched_together_are_as_if_alone(colour, rng):
    scans = [with_covariance(small_scan("unet", kspace=object_kspace(rng)), place) for place in range(2)]
    chosen = [regions(scans[0]), {"box_0": regions(scans[1])["box_0"]}]
    asked = settings(optimiser="gaussian", colour=colour)
    together = attack_with_noise(scans, chosen, asked, [1, 2], DATA_RANGE, 5)
    assert [list(named) for named in together] == [["box_0", "image"], ["box_0"]]
    for scan, named, seed, outcomes in zip(scans, chosen, (1, 2), together, strict=True):
        alone = attack(scan, named, asked, seed)
        for name, outcome in outcomes.items():
            torch.testing.assert_close(outcome.perturbation, alone[name].perturbation, rtol=1e-4, atol=1e-12)
            torch.testing.assert_close(outcome.final_objective, alone[name].final_objective, rtol=1e-4, atol=0)
    gradient = attack_with_noise(scans, chosen, settings(steps=1), [1, 2], DATA_RANGE, 5)
    torch.testing.assert_close(
        gradient[1]["box_0"].objective, attack(scans[1], chosen[1], settings(steps=1), 2)["box_0"].objective
    )


def found_in_bfloat16(scan, chosen, exact):
    """What a search in bfloat16 finds: as much, and what is reported follows from the noise in float32."""
    rough = attack(scan, chosen, settings(search_precision="bfloat16", restarts=2, start="zero"), seed=7, batch_size=2)
    for name, outcome in rough.items():
        images = scan.reconstruct(scan.perturbed_kspace(outcome.perturbation))
        objective = region_error(images, scan.target, chosen[name].expand(len(images), -1, -1))
        torch.testing.assert_close(outcome.final_objective, objective, rtol=1e-4, atol=0)
        torch.testing.assert_close(outcome.start_objective.amax(dim=1)[1:], objective[1:], rtol=1e-4, atol=0)
        gain, exact_gain = (one.final_objective[1:] - one.final_objective[0] for one in (outcome, exact[name]))
        assert (gain > 0.9 * exact_gain).all()
    return rough


def test_search_in_bfloat16_is_reported_in_float32(attacked):
    found_in_bfloat16(*attacked)


def test_search_in_bfloat16_of_many_channels():
    """Networks of few channels may stay in float32; in others the search sees other numbers."""
    scan = small_scan("unet", chans=64)
    chosen = regions(scan)
    exact = attack(scan, chosen, settings(), seed=7, batch_size=2)
    for name, outcome in found_in_bfloat16(scan, chosen, exact).items():
        assert not torch.equal(outcome.objective[1:], exact[name].objective[1:])


class _Failing(Reconstructor):
    """Finite on the clean k-space of the scan; elsewhere NaN, or with a gradient of NaN."""

    def __init__(self, scan, kind):
        super().__init__()
        self.network, self.kind = torch.nn.Identity(), kind
        self.register_buffer("clean", scan.kspace * scan.mask)

    def forward(self, kspace, mask, num_low_frequencies, crop):
        change = (kspace - self.clean).abs().sum(dim=(1, 2, 3))
        images = rss_reconstruction(kspace, crop)
        if self.kind == "images":
            return torch.where((change > 0)[:, None, None], torch.nan, images)
        return images * (1 + 0 * change.square().sqrt())[:, None, None]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        *(("images", changes) for changes in ({}, {"optimiser": "apgd"}, {"restarts": 2}, {"optimiser": "advrec"})),
        *(("gradient", changes) for changes in ({}, {"optimiser": "apgd"}, {"restarts": 2})),
    ],
)
def test_a_network_that_fails_under_noise_is_not_called_robust(kind, changes):
    scan = small_scan()
    failing = replace(scan, reconstructor=_Failing(scan, kind))
    with pytest.raises(NotFiniteError, match=r"returns NaN or infinity, or such a gradient, at step \d of a search"):
        attack(failing, regions(scan), settings(**changes))


@pytest.mark.parametrize("seed", range(4))
def test_a_warm_start_never_ends_below_the_clean_value(seed):
    """Not even from a random start with one step."""
    scan = small_scan("zero_filled")
    asked = settings(start="random", steps=1, step_size=0.01, warm_start=True)
    for outcome in attack(scan, regions(scan), asked, seed=seed).values():
        assert (outcome.final_objective.diff() >= -1e-6 * outcome.final_objective[0]).all()


def test_slices_of_different_masks_or_coils_are_not_attacked_together():
    scan = small_scan()
    for other in (replace(scan, mask=scan.mask.roll(1)), replace(scan, kspace=scan.kspace[:2])):
        with pytest.raises(ValueError, match="same mask and the same number of coils"):
            attack_with_noise([scan, other], [regions(scan)] * 2, settings(), [1, 2], DATA_RANGE, 4)


def test_a_network_without_a_gradient_is_named():
    scan = small_scan()

    class Detached(_Failing):
        def forward(self, kspace, mask, num_low_frequencies, crop):
            return rss_reconstruction(kspace.detach(), crop)

    with pytest.raises(InputError, match="does not depend on k-space by differentiable operations"):
        attack(replace(scan, reconstructor=Detached(scan, "")), regions(scan), settings())
