"""An attack job killed, or asked to end, half-way goes on at the missing slices; its result does not tell."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from support import ROOT, make_run

from advmri.storage.attack_file import is_whole_slice
from advmri.storage.hdf5_digest import DIGEST, content_digest

SLICES = 6
SETTINGS = {"threat_model": "noise", "optimiser": "pgd", "severities": [0, 0.01, 0.02], "steps": 20}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run"), "unet", slices=SLICES)


def start(paths, output):
    words = ["--attack", "a", "--model", "m", "--acceleration", "4", "--seed", "1", "--slices", f"000-{SLICES - 1:03d}"]
    words += ["--settings", json.dumps(SETTINGS), "--output", str(output), "--log", str(output.with_suffix(".log"))]
    for name, path in paths.items():
        words += [f"--{name}", str(path)]
    command = [sys.executable, "-m", "workflow_scripts.attack", *words]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"})


def finish(paths, output):
    job = start(paths, output)
    _, errors = job.communicate(timeout=300)
    assert job.returncode == 0, errors.decode()


def datasets(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def stop(paths, folder, number):
    """Start a job in a folder, send it a signal after some of its slices, and return its exit status and messages."""
    job = start(paths, folder / "a.h5")
    try:
        parts = []
        while not parts:
            assert job.poll() is None, "the job ended before it could be stopped"
            time.sleep(0.02)
            parts = [part for part in folder.glob(".a.h5.*.partial/*.h5") if part.name.startswith("slice_")]
    finally:
        job.send_signal(number)
        _, errors = job.communicate(timeout=60)
    assert not (folder / "a.h5").exists()
    return job.returncode, errors.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_asked_to_end_it_says_so_and_keeps_its_slices(paths, tmp_path, number):
    status, errors = stop(paths, tmp_path, number)
    assert status == 143 and "run again to go on" in errors
    finished = sorted(part.name for part in tmp_path.glob(".a.h5.*.partial/slice_*"))
    assert 1 <= len(finished) < SLICES


@pytest.fixture(scope="module")
def killed(paths, tmp_path_factory):
    """A folder in which the job was killed by SIGKILL after some of its slices."""
    folder = tmp_path_factory.mktemp("killed")
    stop(paths, folder, signal.SIGKILL)
    done = sorted(part.name for part in folder.glob(".a.h5.*.partial/slice_*.h5"))
    assert 1 <= len(done) < SLICES
    return folder


@pytest.fixture(scope="module")
def undisturbed(paths, tmp_path_factory):
    """The attack file of a job that nobody killed, and how long it took."""
    begun = time.monotonic()
    output = tmp_path_factory.mktemp("undisturbed") / "whole.h5"
    finish(paths, output)
    return output, time.monotonic() - begun


def test_killed_again_and_again_at_random_moments(paths, undisturbed, tmp_path):
    """Also while it starts, or writes; then it goes on to the same bytes."""
    whole, seconds = undisturbed
    moments = random.Random(2022)
    for _ in range(3):
        job = start(paths, tmp_path / "whole.h5")
        time.sleep(moments.uniform(0.2, 0.9) * seconds)
        job.kill()
        job.communicate(timeout=60)
        assert job.returncode in (-signal.SIGKILL, 0)
        for path in tmp_path.rglob("*.h5"):
            numbers = range(SLICES) if path.name == "whole.h5" else [int(path.stem.removeprefix("slice_"))]
            assert all(is_whole_slice(path, number) for number in numbers), path
    finish(paths, tmp_path / "whole.h5")
    assert (tmp_path / "whole.h5").read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".whole.h5.provenance.json", "whole.h5", "whole.log"]


def test_goes_on_and_equals_an_undisturbed_run(paths, killed, undisturbed):
    """A mark left in a finished slice, under its checksum, is there at the end: the slice was not computed again."""
    (part,) = killed.glob(".a.h5.*.partial/slice_000.h5")
    with h5py.File(part, "a") as file:
        file["slice_000/clean"][...] = 42
        file["slice_000"].attrs[DIGEST] = content_digest(file["slice_000"])
    finish(paths, killed / "a.h5")
    resumed, whole = datasets(killed / "a.h5"), datasets(undisturbed[0])
    assert resumed.keys() == whole.keys()
    assert (resumed.pop("slice_000/clean") == 42).all()
    for name, values in resumed.items():
        np.testing.assert_array_equal(values, whole[name], err_msg=name)
    assert sorted(path.name for path in killed.iterdir()) == [".a.h5.provenance.json", "a.h5", "a.log"]
