"""Several devices: processes that share every batch give the weights of one process, and end together when asked to."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
from support import ROOT, run_program, training_options, write_small_volume

from workflow_scripts import train

SETTINGS = {"steps": 4, "batch_size": 4, "loss": "ssim", "optimiser": "Adam", "learning_rate": 0.0003}


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    """Two widths, so that the groups of equal shape differ from process to process."""
    folder = tmp_path_factory.mktemp("volumes")
    paths = [folder / f"v{number}.h5" for number in range(3)]
    for number, path in enumerate(paths):
        write_small_volume(path, seed=number, slices=3, columns=(32, 36)[number % 2])
    return paths


def start(folder, volumes, settings, devices, **variables):
    """Start the program as the workflow does: one process, which starts the others."""
    options = training_options(folder, volumes, "varnet", settings) | {"devices": devices, "log": folder / "train.log"}
    command = [sys.executable, "-m", "workflow_scripts.train"]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value])]
    folder.mkdir(exist_ok=True)
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | variables
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def weights(folder):
    return torch.load(folder / "model.pt", weights_only=True)["state_dict"]


@pytest.mark.parametrize("batch_size", [4, 5])
def test_two_processes_give_the_weights_of_one(tmp_path, volumes, batch_size):
    """Of five slices one process gets three, in as many passes; the other has nothing to do in one of its own."""
    settings = SETTINGS | {"batch_size": batch_size}
    together = start(tmp_path / "two", volumes, settings | {"slices_per_device": 1}, devices=2)
    run_program(train, **training_options(tmp_path / "one", volumes, "varnet", settings))
    text = together.communicate(timeout=900)[0].decode()
    assert together.returncode == 0, text
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_allclose(two[name], value, rtol=1e-3, atol=2e-5, err_msg=name)
    histories = [pd.read_csv(tmp_path / name / "history.csv") for name in ("one", "two")]
    np.testing.assert_allclose(histories[0].train_loss, histories[1].train_loss, rtol=1e-4)
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == [
        ".history.csv.provenance.json",
        ".history.csv.sha256",
        ".model.pt.provenance.json",
        "history.csv",
        "model.pt",
        "train.log",
    ]
    log = (tmp_path / "two" / "train.log").read_text()
    assert log.count("on cpu x 2") == 1 and "4 steps in" in log


def test_processes_end_together_with_their_state_saved(tmp_path, volumes):
    """A scheduler may signal the first process only."""
    settings = SETTINGS | {"steps": 400, "learning_rate": 1e-7}
    first = start(tmp_path, volumes, settings, devices=2)
    deadline = time.monotonic() + 900
    while not list(tmp_path.glob(".model.pt.*.partial/last.ckpt")) and first.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first.send_signal(signal.SIGUSR1)
    text = first.communicate(timeout=900)[0].decode()
    assert first.returncode == 143 and "run again" in text, text
    assert not (tmp_path / "model.pt").exists()
    (state,) = tmp_path.glob(".model.pt.*.partial/last.ckpt")
    content = torch.load(state, weights_only=False)
    assert 40 <= content["global_step"] < 400
    rows = content["callbacks"]["History"]["rows"]
    assert [row["step"] for row in rows] == list(range(4, content["global_step"] + 1, 4))


STRAY = {
    "of another session": {
        "LOCAL_RANK": "1",
        "RANK": "3",
        "WORLD_SIZE": "4",
        "SLURM_PROCID": "2",
        "SLURM_LOCALID": "1",
    },
    "empty": dict.fromkeys(("RANK", "LOCAL_RANK", "WORLD_SIZE", "SLURM_PROCID", "NODE_RANK"), ""),
}


@pytest.mark.parametrize("name", STRAY)
def test_a_launchers_variables_mean_nothing_to_one_device(tmp_path, volumes, name):
    alone = start(tmp_path, volumes, SETTINGS, devices=1, **STRAY[name])
    text = alone.communicate(timeout=900)[0].decode()
    assert alone.returncode == 0 and (tmp_path / "model.pt").is_file() and (tmp_path / "history.csv").is_file(), text
    assert "4 steps in" in (tmp_path / "train.log").read_text()


def test_empty_variables_mean_nothing_to_several_devices(tmp_path, volumes):
    together = start(tmp_path, volumes, SETTINGS, devices=2, **STRAY["empty"])
    text = together.communicate(timeout=900)[0].decode()
    assert together.returncode == 0 and (tmp_path / "model.pt").is_file(), text
