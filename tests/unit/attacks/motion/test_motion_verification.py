"""A motion attack is made again from its stored moves; what was changed is named."""

import numpy as np
import pytest
from support import small_scan

from advmri.attacks.motion.attack import attack_with_motion
from advmri.attacks.motion.settings import RigidAttack
from advmri.attacks.motion.verification import check_motion

BOX = (slice(6, 14), slice(9, 18))
SETTINGS = RigidAttack(
    threat_model="rigid", severities=[0, 2, 4], angle_step=4, shift_step=4, directions=3, refinement=6
)


@pytest.fixture(scope="module")
def made():
    scan = small_scan("unet")
    outcome = attack_with_motion(scan, {"box_0": BOX}, SETTINGS, float(scan.target.max()), 4)["box_0"]
    return scan, {name: value.numpy() for name, value in vars(outcome).items()}


def mismatches(made, **changed):
    scan, stored = made
    kept = {name: value for name, value in (stored | changed).items() if value is not None}
    return check_motion(scan, BOX, SETTINGS, float(scan.target.max()), kept)


def test_what_was_stored_passes(made):
    assert mismatches(made) == []


@pytest.mark.parametrize(
    "name",
    [
        *("severity", "reconstruction", "perturbed_target", "angle", "shift", "sweep_angle", "sweep_shift"),
        *("final_objective", "final_ssim", "final_floor_ssim", "grid_objective", "grid_ssim"),
        *("sweep_objective", "sweep_ssim", "floor_ssim"),
    ],
)
def test_what_was_changed_is_named(made, name):
    lines = mismatches(made, **{name: made[1][name] * 1.05})
    assert lines
    if name not in ("angle", "shift"):
        assert any(line.startswith(name) for line in lines)
    assert any(line.startswith(f"{name}: missing") for line in mismatches(made, **{name: None}))


def test_a_move_beyond_its_severity_is_named(made):
    angle = made[1]["angle"].copy()
    angle[1] = 3.9
    assert any("is beyond severity 2" in line for line in mismatches(made, angle=angle))


def test_a_worse_move_in_the_sweep_is_named(made):
    sweep = made[1]["sweep_objective"].copy()
    sweep[np.argmin(sweep)] = 2 * sweep.max()
    lines = mismatches(made, sweep_objective=sweep)
    assert any("the sweep holds a worse move within severity 4" in line for line in lines)
