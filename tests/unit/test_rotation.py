"""The rotation attack: the sweep's angles, exactness at 0 degrees, the worst angle within every theta_max."""

import numpy as np
import pytest
import torch
from fastmri import evaluate
from hypothesis import given
from hypothesis import strategies as st
from support import small_scan

from advmri.attacks.objective import region_error
from advmri.attacks.rotate import rotate_complex, rotate_magnitude
from advmri.attacks.rotation import angle_grid, attack_with_rotation, sweep_angles
from advmri.attacks.settings import RotationAttack
from advmri.kspace import fft2c, ifft2c, rss_reconstruction

SEVERITIES = [0, 1, 2.2, 4]
REGIONS = {"box_0": (slice(6, 14), slice(9, 18)), "image": (slice(None), slice(None))}


@given(st.floats(0.001, 45), st.floats(0.05, 50))
def test_grid_is_symmetric_with_zero_and_both_ends(theta_max, step):
    grid = angle_grid(theta_max, step)
    assert grid == sorted(set(grid))
    assert [-angle for angle in reversed(grid)] == grid
    assert 0 in grid and -0.0 not in [str(angle) for angle in grid]
    assert abs(max(grid) - theta_max) <= 1e-6
    assert max(np.diff(grid), default=0) <= step + 1e-6


@pytest.mark.parametrize(
    ("theta_max", "step", "positive"),
    [(5, 0.5, [0.5 * i for i in range(1, 11)]), (1, 0.3, [0.3, 0.6, 0.9, 1]), (0.3, 0.1, [0.1, 0.2, 0.3]), (2, 7, [2])],
)
def test_grid_of_awkward_steps(theta_max, step, positive):
    assert [angle for angle in angle_grid(theta_max, step) if angle > 0] == positive


def test_no_rotation_is_one_angle():
    assert angle_grid(0, 0.5) == [0.0]


def settings(**changes):
    return RotationAttack(**{"threat_model": "rotation", "severities": SEVERITIES, "angle_step": 1, **changes})


@pytest.fixture(scope="module", params=["unet", "varnet"])
def attacked(request):
    scan = small_scan(request.param)
    data_range = float(scan.target.max())
    return scan, attack_with_rotation(scan, REGIONS, settings(), data_range, batch_size=3), data_range


def test_sweep_holds_every_severitys_ends(attacked):
    for outcome in attacked[1].values():
        np.testing.assert_allclose(outcome.sweep_angle, [-4, -3, -2.2, -2, -1, 0, 1, 2, 2.2, 3, 4], atol=1e-6)


def test_zero_degrees_is_exactly_the_clean_reconstruction(attacked):
    scan, outcomes, _ = attacked
    sweep = sweep_angles(scan, [-2.0, 0.0, 2.0], batch_size=2)
    assert torch.equal(sweep.reconstruction[1], scan.clean())
    assert torch.equal(sweep.perturbed_target[1], scan.target)
    for outcome in outcomes.values():
        assert outcome.angle[0] == 0
        assert torch.equal(outcome.reconstruction[0], scan.clean())
        assert torch.equal(outcome.perturbed_target[0], scan.target)
        assert outcome.floor_ssim[5] == 1


def test_worst_angle_is_the_argmax_within_theta_max(attacked):
    scan, outcomes, _ = attacked
    for name, outcome in outcomes.items():
        region = torch.zeros(scan.crop, dtype=torch.bool)
        region[REGIONS[name]] = True
        assert (outcome.angle.abs() <= outcome.severity + 1e-6).all()
        worst = region_error(outcome.reconstruction, scan.target, region.expand(len(SEVERITIES), -1, -1))
        assert (worst.diff() >= 0).all()
        for severity, value in zip(SEVERITIES, worst, strict=True):
            allowed = outcome.sweep_angle.abs() <= severity + 1e-6
            torch.testing.assert_close(value, outcome.sweep_objective[allowed].max(), rtol=1e-6, atol=0)


def test_stored_images_follow_from_the_angle(attacked):
    """Eq. (5) step by step: rotate the coil images, transform, mask, reconstruct, rotate back."""
    scan, outcomes, data_range = attacked
    outcome = outcomes["box_0"]
    shape = tuple(scan.kspace.shape[-2:])
    for position in range(1, len(SEVERITIES)):
        angle = float(outcome.angle[position])
        kspace = fft2c(rotate_complex(ifft2c(scan.kspace), angle))[None]
        mask = scan.mask[None]
        image = scan.reconstructor(kspace * scan.mask, mask, scan.num_low_frequencies, scan.crop)
        torch.testing.assert_close(
            outcome.reconstruction[position], rotate_magnitude(image, -angle, shape)[0], rtol=1e-3, atol=1e-8
        )
        full = rotate_magnitude(rss_reconstruction(kspace, scan.crop), -angle, shape)
        torch.testing.assert_close(outcome.perturbed_target[position], full[0], rtol=1e-3, atol=1e-8)
        at = int((outcome.sweep_angle - angle).abs().argmin())
        target = scan.target.numpy()
        found = outcomes["image"].floor_ssim[at]
        np.testing.assert_allclose(found, evaluate.ssim(target[None], full.numpy(), data_range)[0], rtol=1e-5)
        np.testing.assert_allclose(
            outcomes["image"].sweep_ssim[at],
            evaluate.ssim(target[None], rotate_magnitude(image, -angle, shape).numpy(), data_range)[0],
            rtol=1e-5,
        )


def test_selection_by_ssim_takes_the_lowest_in_the_region():
    scan = small_scan("unet")
    outcome = attack_with_rotation(scan, REGIONS, settings(selection="ssim"), float(scan.target.max()), 8)["box_0"]
    for severity, angle in zip(SEVERITIES, outcome.angle.tolist(), strict=True):
        allowed = outcome.sweep_angle.abs() <= severity + 1e-6
        at = int((outcome.sweep_angle - angle).abs().argmin())
        assert outcome.sweep_ssim[at] == outcome.sweep_ssim[allowed].min()


def test_batch_size_changes_the_computation_only():
    scan = small_scan("unet")
    one, many = (sweep_angles(scan, angle_grid(3, 1), size) for size in (1, 16))
    torch.testing.assert_close(one.reconstruction, many.reconstruction, rtol=1e-3, atol=1e-8)


def test_interpolation_alone_costs_little_compared_with_the_attack(attacked):
    scan, outcomes, _ = attacked
    image = outcomes["image"]
    floor = region_error(image.perturbed_target, scan.target, torch.ones(scan.crop, dtype=torch.bool).expand(4, -1, -1))
    attack = image.sweep_objective.max()
    assert floor.max() < 0.5 * attack
