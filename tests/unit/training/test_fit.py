"""Training: deterministic, resumed exactly after a kill, its checkpoint loadable and checked."""

import shutil
import signal

import pytest
import torch
from support import random_network, write_small_volume

from advmri.errors import InputError
from advmri.training.dataset import MaskSettings
from advmri.training.fit import Compute, fit
from advmri.training.settings import TrainingSettings
from advmri.volumes.reading import read_volume

STEPS = 10
AUGMENTATION = {"flip": True, "rotate_degrees": 10}


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("volumes")
    for number in range(3):
        write_small_volume(folder / f"v{number}.h5", seed=number)
    return [read_volume(path) for path in sorted(folder.glob("*.h5"))]


def settings(**changes):
    return TrainingSettings(
        **{
            "steps": STEPS,
            "batch_size": 2,
            "loss": "l1_normalised",
            "optimiser": "Adam",
            "learning_rate": 0.003,
            "schedule": "cosine",
            "warmup_steps": 3,
            "gradient_clip": 1.0,
            "augmentation": AUGMENTATION,
            **changes,
        }
    )


class Recorder:
    """Counts the steps reported, and raises, terminates or copies the state after one of them."""

    def __init__(self, folder, stop_after=None, keep_after=None, terminate_after=None):
        self.folder, self.stop_after, self.keep_after = folder, stop_after, keep_after
        self.terminate_after = terminate_after
        self.losses = []

    def __call__(self, done, total, loss):
        self.losses.append((done, loss))
        if done == self.keep_after:
            shutil.copy(self.folder / "last.ckpt", self.folder / "kept.ckpt")
        if done == self.stop_after:
            raise RuntimeError("stopped")
        if done == self.terminate_after:
            signal.raise_signal(signal.SIGTERM)


def train(folder, volumes, chosen=None, architecture="unet", seed=4, **recorded):
    folder.mkdir(exist_ok=True)
    network = random_network(architecture).train().requires_grad_(True)
    recorder = Recorder(folder, **recorded)
    mask = MaskSettings("random", 4, 0.16)
    history = fit(network, volumes, chosen or settings(), mask, seed, Compute("cpu"), folder, recorder)
    return {name: value.clone() for name, value in network.state_dict().items()}, history, recorder.losses


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


def resume_after_kill(folder, volumes, chosen, saved_at=5, killed_at=7):
    """Train, be killed some steps after the last save, and go on from it: the steps between are lost."""
    first = folder / "killed"
    with pytest.raises(RuntimeError, match="stopped"):
        train(first, volumes, chosen, keep_after=saved_at + 1, stop_after=killed_at)
    second = folder / "resumed"
    second.mkdir()
    shutil.copy(first / "kept.ckpt", second / "last.ckpt")
    return train(second, volumes, chosen)


@pytest.mark.parametrize(("architecture", "loss"), [("unet", "l1_normalised"), ("varnet", "ssim")])
def test_same_seed_same_weights(tmp_path, volumes, architecture, loss):
    chosen = settings(loss=loss, steps=4)
    first, history, _ = train(tmp_path / "a", volumes, chosen, architecture)
    second, again, _ = train(tmp_path / "b", volumes, chosen, architecture)
    other, _, _ = train(tmp_path / "c", volumes, chosen, architecture, seed=5)
    assert_equal(first, second)
    assert history.equals(again)
    assert any(not torch.equal(first[name], other[name]) for name in first)
    untrained = random_network(architecture).state_dict()
    assert any(not torch.equal(first[name], untrained[name]) for name in first)


@pytest.mark.parametrize("saved_at", [1, 5, 9])
def test_going_on_after_a_kill_gives_the_same_weights(tmp_path, volumes, saved_at):
    whole, history, losses = train(tmp_path / "whole", volumes)
    resumed, resumed_history, rest = resume_after_kill(
        tmp_path, volumes, settings(), saved_at, min(saved_at + 2, STEPS)
    )
    assert rest == losses[saved_at:], "the samples after the resumption are others"
    assert_equal(whole, resumed)
    assert history.equals(resumed_history)


@pytest.mark.parametrize(
    "changes",
    [
        {"weight_average": 0.9},
        {"slices_per_device": 1},
        {"optimiser": "RMSprop", "schedule": "step", "warmup_steps": 0},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_going_on_with_other_settings(tmp_path, volumes, changes):
    chosen = settings(**changes)
    whole, _, losses = train(tmp_path / "whole", volumes, chosen)
    resumed, _, rest = resume_after_kill(tmp_path, volumes, chosen)
    assert rest == losses[-len(rest) :] and rest[0][0] in (5, 6)
    assert_equal(whole, resumed)


def test_the_last_state_is_kept_and_trains_no_further(tmp_path, volumes):
    """A job killed between the end of the training and the writing of its result loses nothing."""
    whole, history, _ = train(tmp_path, volumes)
    again, same, losses = train(tmp_path, volumes)
    assert losses == []
    assert_equal(whole, again)
    assert history.equals(same)


def test_terminated_between_two_batches(tmp_path, volumes):
    """SIGTERM (a scheduler's time limit) ends the run with a state from which the next one goes on exactly."""
    whole, _, losses = train(tmp_path / "whole", volumes)
    with pytest.raises(SystemExit):
        train(tmp_path / "stopped", volumes, terminate_after=7)
    resumed, _, rest = train(tmp_path / "stopped", volumes)
    assert rest == losses[7:]
    assert_equal(whole, resumed)


def test_weight_average_is_what_comes_out(tmp_path, volumes):
    plain, _, losses = train(tmp_path / "plain", volumes, settings(steps=4))
    averaged, _, same = train(tmp_path / "averaged", volumes, settings(steps=4, weight_average=0.5))
    assert losses == same, "the average must not change the course of the training"
    assert any(not torch.equal(plain[name], averaged[name]) for name in plain)


def test_history_has_losses_rates_and_holdout(tmp_path, volumes):
    chosen = settings(steps=6, holdout_volumes=1, holdout_every=3, schedule="step", warmup_steps=2)
    _, history, losses = train(tmp_path / "a", volumes, chosen)
    assert list(history.columns) == ["step", "train_loss", "learning_rate", "holdout_ssim"]
    assert history.step.tolist() == [1, 2, 3, 4, 5, 6]
    assert history.train_loss.tolist() == [loss for _, loss in losses]
    assert history.dropna().step.tolist() == [3, 6]
    assert history.learning_rate.iloc[:3].tolist() == pytest.approx([0.003, 0.003, 0.003], rel=0.51)


def test_holdout_volumes_are_not_trained_on(tmp_path, volumes):
    with_holdout, _, losses = train(tmp_path / "a", volumes, settings(steps=3, holdout_volumes=1))
    without, _, same = train(tmp_path / "b", volumes[:2], settings(steps=3))
    assert losses == same
    assert_equal(with_holdout, without)


@pytest.mark.parametrize(("architecture", "loss"), [("unet", "l1_normalised"), ("varnet", "ssim")])
def test_volumes_of_different_widths_share_a_batch(tmp_path, architecture, loss):
    """fastMRI's knees have 368 columns, or 372, or another number."""
    for number, columns in enumerate((32, 34, 36)):
        write_small_volume(tmp_path / f"v{number}.h5", seed=number, columns=columns)
    mixed = [read_volume(path) for path in sorted(tmp_path.glob("*.h5"))]
    _, _, losses = train(tmp_path / "a", mixed, settings(steps=4, batch_size=3, loss=loss), architecture)
    assert len(losses) == 4 and all(torch.isfinite(torch.tensor(loss)) for _, loss in losses)


def test_nothing_left_to_train_on(tmp_path, volumes):
    with pytest.raises(InputError, match="holdout_volumes = 3"):
        train(tmp_path / "a", volumes, settings(holdout_volumes=3))


def test_the_loss_goes_down(tmp_path, volumes):
    _, _, losses = train(tmp_path / "a", volumes, settings(steps=40, warmup_steps=5, augmentation={}))
    values = [loss for _, loss in losses]
    assert sum(values[-8:]) < 0.8 * sum(values[:8])


def test_passes_of_a_step_weigh_as_one_batch(tmp_path, volumes):
    """Memory decides on the passes, not the result; the history tells the loss of the whole batch."""
    whole, history, _ = train(tmp_path / "whole", volumes, settings(steps=3, learning_rate=1e-4))
    parts, same, _ = train(tmp_path / "parts", volumes, settings(steps=3, learning_rate=1e-4, slices_per_device=1))
    assert history.train_loss.tolist() == pytest.approx(same.train_loss.tolist(), rel=1e-5)
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("architecture", "loss"), [("unet", "l1_normalised"), ("varnet", "ssim")])
def test_bf16_is_near_float32_with_weights_in_float32(tmp_path, volumes, architecture, loss):
    chosen = settings(steps=3, loss=loss, learning_rate=1e-4, augmentation={})
    _, exact, _ = train(tmp_path / "float32", volumes, chosen, architecture)
    weights, mixed, _ = train(tmp_path / "bf16", volumes, chosen.model_copy(update={"precision": "bf16"}), architecture)
    assert all(value.dtype == torch.float32 for value in weights.values())
    assert mixed.train_loss.tolist() != exact.train_loss.tolist()
    assert mixed.train_loss.tolist() == pytest.approx(exact.train_loss.tolist(), rel=0.15)


def test_epochs_save_a_state_each(tmp_path, volumes):
    """Three volumes of two slices: an epoch is three steps of two."""
    chosen = settings(steps=None, epochs=2)
    _, history, losses = train(tmp_path, volumes, chosen, keep_after=4)
    assert [done for done, _ in losses] == list(range(1, 7))
    assert torch.load(tmp_path / "kept.ckpt", weights_only=False)["global_step"] == 3
    assert history.step.max() == 6
