"""The training program: its checkpoint and history, and which interrupted state it takes up."""

import json
import signal

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from support import image_of_other_kspace, run_program, training_options, write_small_volume, wrong_maximum

from advmri.errors import InputError
from advmri.reconstruction.weights.checkpoint import load_checkpoint
from advmri.training import fit as training
from advmri.volumes.likeness import trained_with
from workflow_scripts import train

SETTINGS = {"steps": 4, "loss": "l1_normalised", "optimiser": "Adam", "learning_rate": 0.001}


@pytest.fixture
def volumes(tmp_path):
    paths = [tmp_path / "train" / f"v{number}.h5" for number in range(2)]
    for number, path in enumerate(paths):
        write_small_volume(path, seed=number)
    return paths


def run(folder, volumes, **changes):
    options = training_options(folder, volumes, "unet", SETTINGS)
    run_program(train, **options | changes)
    return load_checkpoint(folder / "model.pt", torch.device("cpu"))


def test_checkpoint_says_what_it_was_trained_on(tmp_path, volumes):
    checkpoint, _ = run(tmp_path / "out", volumes)
    assert checkpoint.architecture == "unet" and checkpoint.acceleration == 4 and checkpoint.trained_on == "train"
    assert checkpoint.training["volumes"] == ["v0", "v1"] and checkpoint.training["steps"] == 4
    data = trained_with(checkpoint.training, checkpoint.trained_on)
    assert str(data) == "3 coils, matrix 48 x 32, images 24 x 24, CORPD_FBK"
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [".history.csv.sha256", "history.csv", "model.pt"]
    assert pd.read_csv(tmp_path / "out" / "history.csv").step.tolist() == [1, 2, 3, 4]


def test_order_of_the_volumes_on_the_command_line_does_not_matter(tmp_path, volumes):
    _, first = run(tmp_path / "a", volumes)
    _, second = run(tmp_path / "b", volumes[::-1])
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, second.state_dict()[name])


def test_loader_processes_change_nothing(tmp_path, volumes):
    """Bit by bit, augmentation and shuffling included: the workflow does not train anew for another number."""
    augmented = json.dumps(
        SETTINGS | {"augmentation": {"flip": True, "rotate_degrees": 10, "scale": 0.1, "shift": 0.05}}
    )
    _, first = run(tmp_path / "a", volumes, settings=augmented, threads=2)
    _, second = run(tmp_path / "b", volumes, settings=augmented, threads=2, workers=2)
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, second.state_dict()[name])


def test_initial_weights_do_not_depend_on_the_training(tmp_path, volumes):
    """Accelerations and architectures have their own seeds; a longer training starts alike."""
    slow = SETTINGS | {"learning_rate": 1e-9, "steps": 1}
    _, first = run(tmp_path / "a", volumes, settings=json.dumps(slow))
    _, second = run(tmp_path / "b", volumes, settings=json.dumps(slow | {"steps": 2}))
    _, other = run(tmp_path / "c", volumes, settings=json.dumps(slow), acceleration=8, centre_fraction=0.08)
    for name, weight in first.state_dict().items():
        np.testing.assert_allclose(weight, second.state_dict()[name], atol=1e-6)
    assert any(not torch.allclose(weight, other.state_dict()[name]) for name, weight in first.state_dict().items())


@pytest.mark.parametrize("spoil", [wrong_maximum, image_of_other_kspace(0)])
def test_volumes_that_disagree_with_themselves_end_the_training(tmp_path, volumes, spoil):
    """The second image of two is the middle one; the first is met in the first pass."""
    with h5py.File(volumes[1], "r+") as file:
        spoil(file)
    with pytest.raises(InputError, match=r"v1\.h5: .*('max'|'reconstruction_rss' of slice 0)"):
        run(tmp_path / "out", volumes)
    assert not (tmp_path / "out" / "model.pt").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_asked_to_end_it_saves_its_state(tmp_path, volumes, monkeypatch, number):
    """What a scheduler sends before it kills; the next run goes on and ends with the weights of an undisturbed one."""
    _, whole = run(tmp_path / "whole", volumes)
    before = signal.getsignal(number)
    with monkeypatch.context() as patched:
        patched.setattr(
            train.Progress, "update", lambda self, done, **facts: facts and done == 3 and signal.raise_signal(number)
        )
        with pytest.raises(SystemExit):
            run(tmp_path / "out", volumes)
    assert signal.getsignal(number) == before and not (tmp_path / "out" / "model.pt").exists()
    steps = []
    monkeypatch.setattr(train.Progress, "update", lambda self, done, **facts: facts and steps.append(done))
    _, resumed = run(tmp_path / "out", volumes)
    assert steps == [4]
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name])


@pytest.fixture
def interrupted(tmp_path, volumes, monkeypatch):
    """A folder with the state of a job that was stopped."""

    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(train, "save_checkpoint", stop)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "out", volumes)
    assert list((tmp_path / "out").glob(".model.pt.*.partial/last.ckpt"))
    assert not (tmp_path / "out" / "model.pt").exists()
    return tmp_path / "out"


def _steps_trained(monkeypatch):
    """Count the training steps that are really computed."""
    steps = []
    original = training.fit

    def counting(*arguments):
        *others, report = arguments
        return original(*others, lambda done, total, loss: (steps.append(done), report(done, total, loss)))

    monkeypatch.setattr(training, "fit", counting)
    return steps


def test_takes_up_its_own_state(interrupted, volumes, monkeypatch):
    steps = _steps_trained(monkeypatch)
    run(interrupted, volumes)
    assert steps == []
    assert not list(interrupted.glob(".*.partial"))


@pytest.mark.parametrize(
    "change",
    [{"seed": 2}, {"code_digest": "other"}, {"mask_type": "equispaced_fraction"}],
    ids=lambda one: next(iter(one)),
)
def test_throws_away_the_state_of_other_settings(interrupted, volumes, monkeypatch, change):
    steps = _steps_trained(monkeypatch)
    run(interrupted, volumes, **change)
    assert steps == [1, 2, 3, 4]
    assert not list(interrupted.glob(".*.partial"))


def test_throws_away_the_state_of_other_data(interrupted, volumes, monkeypatch):
    """Volumes simulated anew have the same names."""
    write_small_volume(volumes[0], seed=9)
    steps = _steps_trained(monkeypatch)
    run(interrupted, volumes)
    assert steps == [1, 2, 3, 4]


def test_a_damaged_state_is_not_taken_up(interrupted, volumes, monkeypatch, caplog):
    (state,) = interrupted.glob(".model.pt.*.partial/last.ckpt")
    content = bytearray(state.read_bytes())
    content[len(content) // 2] ^= 1
    state.write_bytes(content)
    steps = _steps_trained(monkeypatch)
    run(interrupted, volumes)
    assert steps == [1, 2, 3, 4] and "last.ckpt: damaged: " in caplog.text
