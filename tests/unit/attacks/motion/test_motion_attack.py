"""Attacks by motion: exactness at rest, the worst move within every severity, eq. (5) step by step, memory."""

import weakref

import numpy as np
import pytest
import torch
from fastmri import evaluate
from support import small_scan

from advmri.acquisition.kspace import fft2c, ifft2c, rss_reconstruction
from advmri.attacks.motion.attack import attack_with_motion, make_motion
from advmri.attacks.motion.fourier_shift import shift_kspace, shift_magnitude
from advmri.attacks.motion.moved_scan import MovedScan
from advmri.attacks.motion.moves import AT_REST, Move
from advmri.attacks.motion.operators import published, shears
from advmri.attacks.motion.settings import RigidAttack, RotationAttack, ShiftAttack
from advmri.attacks.region_error import region_error

REGIONS = {"box_0": (slice(6, 14), slice(9, 18)), "image": (slice(None), slice(None))}
SETTINGS = {
    "rotation": RotationAttack(threat_model="rotation", severities=[0, 1, 2.2, 4], angle_step=1, refinement=4),
    "shift": ShiftAttack(threat_model="shift", severities=[0, 1, 2.2, 4], shift_step=2, directions=4, refinement=8),
    "rigid": RigidAttack(
        threat_model="rigid", severities=[0, 2, 4], angle_step=4, shift_step=4, directions=3, refinement=6
    ),
}


@pytest.fixture(
    scope="module", params=[("unet", "rotation"), ("varnet", "rotation"), ("unet", "shift"), ("unet", "rigid")]
)
def attacked(request):
    architecture, motion = request.param
    scan = small_scan(architecture)
    data_range = float(scan.target.max())
    return scan, SETTINGS[motion], attack_with_motion(scan, REGIONS, SETTINGS[motion], data_range, 3), data_range


def moves(angles, shifts):
    return [Move(angle, *shift) for angle, shift in zip(angles.tolist(), shifts.tolist(), strict=True)]


def test_sweep_is_the_grid(attacked):
    _, settings, outcomes, _ = attacked
    grid = make_motion(settings).grid(settings.severities)
    for outcome in outcomes.values():
        np.testing.assert_allclose(outcome.sweep_angle, [move.angle for move in grid], atol=1e-6)
        np.testing.assert_allclose(outcome.sweep_shift, [(move.rows, move.columns) for move in grid], atol=1e-6)


def test_rest_is_exactly_the_clean_reconstruction(attacked):
    scan, settings, outcomes, _ = attacked
    at_rest = make_motion(settings).grid(settings.severities).index(AT_REST)
    for outcome in outcomes.values():
        assert outcome.angle[0] == 0 and (outcome.shift[0] == 0).all()
        assert torch.equal(outcome.reconstruction[0], scan.clean())
        assert torch.equal(outcome.perturbed_target[0], scan.target)
        assert outcome.floor_ssim[at_rest] == outcome.final_floor_ssim[0] == 1


def test_worst_move_is_allowed_and_at_least_the_worst_of_the_grid(attacked):
    scan, settings, outcomes, _ = attacked
    motion = make_motion(settings)
    for name, outcome in outcomes.items():
        region = torch.zeros(scan.crop, dtype=torch.bool)
        region[REGIONS[name]] = True
        worst = region_error(outcome.reconstruction, scan.target, region.expand(len(settings.severities), -1, -1))
        torch.testing.assert_close(outcome.final_objective, worst, rtol=1e-6, atol=0)
        assert (worst.diff() >= 0).all()
        assert (outcome.final_objective >= outcome.grid_objective).all()
        swept = moves(outcome.sweep_angle, outcome.sweep_shift)
        for place, severity in enumerate(settings.severities):
            move = moves(outcome.angle, outcome.shift)[place]
            assert motion.severity_of(move) <= severity + 1e-5
            allowed = torch.tensor([motion.severity_of(one) <= severity + 1e-5 for one in swept])
            assert outcome.grid_objective[place] == outcome.sweep_objective[allowed].max()


def test_stored_images_follow_from_the_move(attacked):
    """Eq. (5) step by step: turn the coil images, transform, shift, mask, reconstruct, shift back, turn back."""
    scan, _, outcomes, data_range = attacked
    shape = tuple(scan.kspace.shape[-2:])
    target = scan.target.numpy()
    outcome = outcomes["image"]

    def back(image, move):
        return shears.rotate_magnitude(shift_magnitude(image, -move.rows, -move.columns), -move.angle, shape)

    for place, move in enumerate(moves(outcome.angle, outcome.shift)[1:], start=1):
        kspace = fft2c(shears.rotate_complex(ifft2c(scan.kspace), move.angle))
        kspace = shift_kspace(kspace, move.rows, move.columns)[None]
        image = scan.reconstructor(kspace * scan.mask, scan.mask[None], scan.num_low_frequencies, scan.crop)
        found = back(image, move)
        torch.testing.assert_close(outcome.reconstruction[place], found[0], rtol=1e-3, atol=1e-7)
        full = back(rss_reconstruction(kspace, scan.crop), move)
        torch.testing.assert_close(outcome.perturbed_target[place], full[0], rtol=1e-3, atol=1e-7)
        for stored, expected in ((outcome.final_ssim, found), (outcome.final_floor_ssim, full)):
            ssim = evaluate.ssim(target[None], expected.numpy(), data_range)
            np.testing.assert_allclose(stored[place], np.asarray(ssim).item(), rtol=1e-4)


@pytest.mark.parametrize("refinement", [0, 4])
def test_selection_by_ssim_takes_the_lowest_in_the_region(refinement):
    scan = small_scan("unet")
    settings = SETTINGS["rotation"].model_copy(update={"selection": "ssim", "refinement": refinement})
    outcome = attack_with_motion(scan, REGIONS, settings, float(scan.target.max()), 8)["box_0"]
    for severity, ssim, grid in zip(outcome.severity, outcome.final_ssim, outcome.grid_ssim, strict=True):
        assert grid == outcome.sweep_ssim[outcome.sweep_angle.abs() <= severity + 1e-6].min()
        assert ssim == grid if refinement == 0 else ssim <= grid


def test_no_refinement_is_the_grid_alone():
    scan = small_scan("unet")
    outcome = attack_with_motion(
        scan, REGIONS, SETTINGS["rotation"].model_copy(update={"refinement": 0}), float(scan.target.max()), 8
    )["image"]
    assert set(outcome.angle.tolist()) <= set(outcome.sweep_angle.tolist())
    assert torch.equal(outcome.final_objective, outcome.grid_objective)


def test_batch_size_changes_the_computation_only():
    moved = MovedScan(small_scan("unet"), shears)
    several = [Move(1.5), AT_REST, Move(-2.0, 1.0, 0.5), Move(0.0, 0.3, -2.0)]
    together = moved.reconstruct(several)
    for place, move in enumerate(several):
        for one, many in zip(moved.reconstruct([move]), together, strict=True):
            torch.testing.assert_close(one[0], many[place], rtol=1e-3, atol=1e-8)


def test_the_published_operator_changes_the_image_at_rest():
    scan = small_scan("unet")
    settings = SETTINGS["rotation"].model_copy(update={"operator": "published"})
    outcome = attack_with_motion(scan, REGIONS, settings, float(scan.target.max()), 8)["image"]
    assert 0.99 < outcome.final_floor_ssim[0] < 1
    image, _ = MovedScan(scan, published).reconstruct([AT_REST])
    torch.testing.assert_close(outcome.reconstruction[0], image[0], rtol=1e-4, atol=1e-9)
    assert not torch.equal(image[0], scan.clean())


def test_interpolation_alone_costs_little_compared_with_the_attack(attacked):
    """Rotations only: on so small an image a shift moves much of the object out."""
    scan, settings, outcomes, _ = attacked
    if settings.threat_model != "rotation":
        return
    image = outcomes["image"]
    whole = torch.ones(scan.crop, dtype=torch.bool).expand(len(settings.severities), -1, -1)
    floor = region_error(image.perturbed_target, scan.target, whole)
    assert floor.max() < 0.5 * image.sweep_objective.max()


def test_holds_one_batch_of_moved_slices_and_the_worst_images(monkeypatch):
    """However many moves there are."""
    scan, settings = small_scan("unet"), SETTINGS["rotation"]
    batches, offered, original = [], [], MovedScan.reconstruct

    def watched(self, moves):
        batches.append(len(moves))
        images = original(self, moves)
        offered.extend(weakref.ref(one) for one in images)
        return images

    monkeypatch.setattr(MovedScan, "reconstruct", watched)
    outcomes = attack_with_motion(scan, REGIONS, settings, float(scan.target.max()), batch_size=2)
    assert max(batches) == 2 and sum(batches) >= 11
    assert all(one() is None for one in offered), "what is kept is copied, so that no batch is kept alive"
    assert all(outcome.reconstruction.shape == (4, *scan.crop) for outcome in outcomes.values())
