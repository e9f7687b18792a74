"""The gradient that a search follows is compared with differences: right ones pass, what lacks a part is told."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch
from support import LeastSquares, attack_run, make_run, run_program, small_scan

from advmri.attacks.family_programs import Task
from advmri.attacks.noise.attack import attack
from advmri.attacks.noise.gradient_ratio import gradient_ratio
from advmri.attacks.noise.optimisers.settings import noise_attack
from advmri.attacks.noise.problem import NoiseProblem
from advmri.errors import InputError
from advmri.reconstruction.gradient_probe import TOLERANCE
from advmri.reconstruction.user_model import UserReconstructor
from workflow_scripts import verify_attack

REGIONS = {"box_0": (slice(6, 14), slice(4, 13)), "box_1": (slice(12, 19), slice(2, 7))}


def ratio_of(scan, settings):
    task = Task(scan, REGIONS, seed=0, data_range=1e-3)
    return gradient_ratio(NoiseProblem([scan], [task.selected()], settings, 1e-3), "box_0")


@pytest.mark.parametrize("objective", ["l2", "ssim", "l2_ssim"])
@pytest.mark.parametrize("architecture", ["unet", "varnet", "zero_filled"])
def test_right_gradients(architecture, objective):
    ratio = ratio_of(small_scan(architecture), noise_attack(severities=[0, 0.02], objective=objective))
    assert abs(ratio - 1) <= TOLERANCE


@pytest.mark.parametrize("bound", ["coil_l2", "acquisition_l2", "sample_linf"])
def test_whatever_the_bound_and_the_colour(bound):
    covariance = torch.eye(3, dtype=torch.complex64) + 0.2j * torch.tensor([[0, 1, 0], [-1, 0, 0], [0, 0, 0]])
    scan = replace(small_scan("unet"), coil_covariance=covariance)
    settings = noise_attack(severities=[0.02], bound=bound, colour="coil_covariance")
    assert abs(ratio_of(scan, settings) - 1) <= TOLERANCE


@pytest.mark.parametrize("through_maps", [True, False])
def test_a_gradient_without_what_flows_through_coil_maps(through_maps, caplog):
    scan = replace(small_scan("zero_filled"), reconstructor=UserReconstructor(LeastSquares(through_maps)))
    settings = noise_attack(severities=[0, 0.02], steps=1)
    (found,) = attack([Task(scan, REGIONS, 0, 1e-3, probes_gradient=True)], settings, batch_size=2)
    ratio = float(found["box_0"]["gradient_ratio"])
    assert (abs(ratio - 1) <= TOLERANCE) == through_maps
    assert ("part of it does not reach k-space" in caplog.text) != through_maps
    assert found["box_1"]["gradient_ratio"].isnan()


def test_what_follows_no_gradient_is_not_measured():
    task = Task(small_scan("unet"), REGIONS, 0, 1e-3, probes_gradient=True)
    for settings in (noise_attack(optimiser="gaussian", severities=[0.02]), noise_attack(severities=[0])):
        (found,) = attack([task], settings, batch_size=2)
        assert found["box_0"]["gradient_ratio"].isnan()


def test_a_job_measures_it_on_its_first_slice_and_verification_again(tmp_path):
    paths = make_run(tmp_path, "unet")
    settings = {"threat_model": "noise", "target": "box", "severities": [0, 0.02], "steps": 1}
    attack_run(paths, tmp_path / "slices_000-002.h5", settings)
    with h5py.File(tmp_path / "slices_000-002.h5") as file:
        ratios = {
            f"{place}/{box}": item["gradient_ratio"][()]
            for place, group in file.items()
            for box, item in group.items()
            if isinstance(item, h5py.Group)
        }
    assert [place for place, ratio in ratios.items() if np.isfinite(ratio)] == ["slice_000/box_0"]
    assert abs(ratios["slice_000/box_0"] - 1) <= TOLERANCE
    run_program(verify_attack, verify=tmp_path / "slices_000-002.h5", device="cpu")
    with h5py.File(tmp_path / "slices_000-002.h5", "r+") as file:
        file["slice_000/box_0/gradient_ratio"][()] = 1.5
    with pytest.raises(InputError, match="mismatches"):
        run_program(verify_attack, verify=tmp_path / "slices_000-002.h5", device="cpu")
