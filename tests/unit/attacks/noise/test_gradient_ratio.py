"""The gradient that a search follows is compared with differences: right ones pass, what lacks a part is told."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch
from support import DETACHED, Detached, LeastSquares, attack_run, make_run, run_program, small_scan

from advmri.attacks.family_programs import Task
from advmri.attacks.noise.attack import attack
from advmri.attacks.noise.gradient_ratio import TOLERANCES, gradient_ratio
from advmri.attacks.noise.optimisers.settings import noise_attack
from advmri.attacks.noise.problem import NoiseProblem
from advmri.attacks.noise.verification import check_noise
from advmri.errors import InputError
from advmri.reconstruction.user_model import UserReconstructor
from workflow_scripts import verify_attack

REGIONS = {"box_0": (slice(6, 14), slice(4, 13)), "box_1": (slice(12, 19), slice(2, 7))}


def right(ratios):
    return bool(np.all(np.abs(np.asarray(ratios) - 1) <= TOLERANCES))


def ratios_of(scan, settings):
    task = Task(scan, REGIONS, seed=0, data_range=1e-3)
    return gradient_ratio(NoiseProblem([scan], [task.selected()], settings, 1e-3), "box_0")


@pytest.mark.parametrize("objective", ["l2", "ssim", "l2_ssim"])
@pytest.mark.parametrize("architecture", ["unet", "varnet", "zero_filled"])
def test_right_gradients(architecture, objective):
    assert right(ratios_of(small_scan(architecture), noise_attack(severities=[0, 0.02], objective=objective)))


@pytest.mark.parametrize("architecture", ["unet", "varnet"])
def test_right_gradients_of_other_weights(architecture):
    for seed in range(1, 5):
        assert right(ratios_of(small_scan(architecture, seed), noise_attack(severities=[0.02])))


NETWORKS = [("unet", "half the coils"), ("unet", "imaginary part"), ("varnet", "columns beside the centre")]


@pytest.mark.parametrize(("architecture", "part"), [("zero_filled", part) for part in DETACHED] + NETWORKS)
def test_what_the_gradient_lacks_is_told_where_it_is_orthogonal_to_the_rest(architecture, part):
    scan = small_scan(architecture)
    scan = replace(scan, reconstructor=UserReconstructor(Detached(scan.reconstructor, part)).eval())
    along, *drawn = ratios_of(scan, noise_attack(severities=[0.02], objective="ssim"))
    assert abs(along - 1) <= TOLERANCES[0] and not right([along, *drawn])


def test_a_file_with_a_ratio_of_the_older_definition_still_verifies():
    task = Task(small_scan("zero_filled"), REGIONS, 0, 1e-3, probes_gradient=True)
    settings = noise_attack(severities=[0, 0.02], steps=1)
    (found,) = attack([task], settings, batch_size=2)
    problem = NoiseProblem([task.scan], [{"box_0": task.selected()["box_0"]}], settings, 1e-3)
    stored = {name: np.asarray(values) for name, values in found["box_0"].items()}
    assert check_noise(problem, stored) == []
    assert check_noise(problem, stored | {"gradient_ratio": np.float32(0.5)}) == []
    assert check_noise(problem, {name: values for name, values in stored.items() if name != "gradient_ratio"}) == []
    (line,) = check_noise(problem, stored | {"gradient_ratio": np.float32([1, np.inf, 1])})
    assert line.startswith("gradient_ratio: 1, inf, 1 stored, 1, 1, 1 measured again")


@pytest.mark.parametrize("bound", ["coil_l2", "acquisition_l2", "sample_linf"])
def test_whatever_the_bound_and_the_colour(bound):
    covariance = torch.eye(3, dtype=torch.complex64) + 0.2j * torch.tensor([[0, 1, 0], [-1, 0, 0], [0, 0, 0]])
    scan = replace(small_scan("unet"), coil_covariance=covariance)
    settings = noise_attack(severities=[0.02], bound=bound, colour="coil_covariance")
    assert right(ratios_of(scan, settings))


@pytest.mark.parametrize("through_maps", [True, False])
def test_a_gradient_without_what_flows_through_coil_maps(through_maps, caplog):
    scan = replace(small_scan("zero_filled"), reconstructor=UserReconstructor(LeastSquares(through_maps)))
    settings = noise_attack(severities=[0, 0.02], steps=1)
    (found,) = attack([Task(scan, REGIONS, 0, 1e-3, probes_gradient=True)], settings, batch_size=2)
    assert right(found["box_0"]["gradient_ratio"]) == through_maps
    assert ("part of it does not reach k-space" in caplog.text) != through_maps
    assert found["box_1"]["gradient_ratio"].isnan().all()


def test_what_follows_no_gradient_is_not_measured():
    task = Task(small_scan("unet"), REGIONS, 0, 1e-3, probes_gradient=True)
    for settings in (noise_attack(optimiser="gaussian", severities=[0.02]), noise_attack(severities=[0])):
        (found,) = attack([task], settings, batch_size=2)
        assert found["box_0"]["gradient_ratio"].isnan().all()


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
    assert [place for place, ratio in ratios.items() if np.isfinite(ratio).all()] == ["slice_000/box_0"]
    assert right(ratios["slice_000/box_0"])
    run_program(verify_attack, verify=tmp_path / "slices_000-002.h5", device="cpu")
    with h5py.File(tmp_path / "slices_000-002.h5", "r+") as file:
        file["slice_000/box_0/gradient_ratio"][1] = 1.5
    with pytest.raises(InputError, match="mismatches"):
        run_program(verify_attack, verify=tmp_path / "slices_000-002.h5", device="cpu")
