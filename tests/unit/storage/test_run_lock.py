"""A second run in the same results folder is refused while the first goes on, and not after, however it ended."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from support import ROOT

from advmri.errors import InputError
from advmri.storage import run_lock
from advmri.storage.run_lock import FOLDER, RunLock

OTHER = """
import sys, time
from pathlib import Path
from advmri.storage.run_lock import RunLock
lock = RunLock(Path(sys.argv[1]), Path(sys.argv[2]))
lock.take()
print("taken", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folders(tmp_path):
    """The results that two clones share, and their working folders."""
    made = [tmp_path / name for name in ("shared", "first", "second")]
    for folder in made:
        folder.mkdir()
    for clone in made[1:]:
        (clone / "results").symlink_to(made[0])
    return made


@contextmanager
def running(clone):
    """A run in another process and folder that goes on until its input ends."""
    command = [sys.executable, "-c", OTHER, str(clone / "results" / "x"), str(clone)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, **pipes)
    try:
        assert process.stdout.readline() == "taken\n"
        yield process
    finally:
        process.communicate(timeout=60)


def notes(shared):
    return list((shared / "x" / FOLDER).glob("*"))


def test_a_run_that_goes_on_is_named_and_then_makes_room(folders):
    shared, first, second = folders
    with running(first) as process:
        with pytest.raises(InputError) as refused:
            RunLock(second / "results" / "x", second).take()
        assert "\n" not in str(refused.value) and f"a run in {first} on " in str(refused.value)
        assert f"(process {process.pid}) goes on and writes the same files; wait for its end" in str(refused.value)
        another_name = RunLock(second / "results" / "y", second)
        another_name.take()
        another_name.release()
        # Snakemake itself minds this, and lets disjoint parts of one config be made side by side.
        beside = RunLock(first / "results" / "x", first)
        beside.take()
        beside.release()
        assert len(notes(shared)) == 1
    assert not (shared / "x" / FOLDER).exists()
    lock = RunLock(second / "results" / "x", second)
    lock.take()
    assert len(notes(shared)) == 1
    lock.release()
    lock.release()
    assert not (shared / "x" / FOLDER).exists()


def test_a_killed_run_leaves_nothing_to_clear_away(folders):
    shared, first, second = folders
    with running(first) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(notes(shared)) == 1
    lock = RunLock(second / "results" / "x", second)
    lock.take()
    assert len(notes(shared)) == 1
    lock.release()
    assert not notes(shared)


def test_a_process_of_the_same_number_is_not_the_run(folders):
    """Numbers of processes are given out again."""
    shared, first, second = folders
    place = shared / "x" / FOLDER
    with running(first):
        (note,) = notes(shared)
        content = json.loads(note.read_text())
    place.mkdir(parents=True)
    note.write_text(json.dumps(content | {"process": os.getppid()}))
    lock = RunLock(second / "results" / "x", second)
    lock.take()
    lock.release()


def test_a_run_on_another_machine_counts_while_it_gives_signs(folders, monkeypatch):
    shared, first, second = folders
    place = shared / "x" / FOLDER
    place.mkdir(parents=True)
    with running(first):
        (note,) = notes(shared)
        content = json.loads(note.read_text()) | {"machine": ["far", "away", ""]}
    place.mkdir(exist_ok=True)
    note = place / "far-1.json"
    note.write_text(json.dumps(content))
    with pytest.raises(InputError, match="on far "):
        RunLock(second / "results" / "x", second).take()
    old = time.time() - 2 * run_lock.SECONDS_WITHOUT_SIGN
    os.utime(note, (old, old))
    monkeypatch.setattr(run_lock, "SECONDS_BETWEEN_SIGNS", 0.01)
    lock = RunLock(second / "results" / "x", second)
    lock.take()
    (own,) = notes(shared)
    os.utime(own, (old, old))
    end = time.monotonic() + 30
    while own.stat().st_mtime == old and time.monotonic() < end:
        time.sleep(0.01)
    assert own.stat().st_mtime > old
    lock.release()


def test_a_run_that_ended_since_the_plan_is_told(folders):
    """Its files were not there when this one was planned, and would be made again."""
    _, first, second = folders
    with running(first):
        planned = RunLock(second / "results" / "x", second)
    with pytest.raises(InputError, match=r"has ended since this one was planned; start the same command again\."):
        planned.take()
    RunLock(second / "results" / "x", second).take()


def test_where_nothing_can_be_written_the_jobs_say_so(tmp_path):
    (tmp_path / "results").touch()
    lock = RunLock(tmp_path / "results" / "x", tmp_path)
    lock.take()
    lock.release()
