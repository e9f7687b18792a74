"""One real run of the tiny config for all tests, and copies of it to change."""

import fcntl
import os
import shutil
import time

import pytest
from snakemake_runs import TINY, Workflow, copy_repository, copy_workflow


@pytest.fixture(scope="session")
def repository(tmp_path_factory):
    """The workflow before anything has run; tests must not write into it."""
    return copy_repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The tiny config, run from beginning to end, once for all test processes; tests must not change it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished"
    done = folder.with_suffix(".done")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            begun = time.monotonic()
            status, text = copy_repository(folder).run(*TINY)
            assert status == 0, text[-20_000:]
            assert text.count("note: planned jobs take about") == 1, "when the run starts, and in none of its jobs"
            print(f"the tiny config took {time.monotonic() - begun:.0f} s")  # noqa: T201 - shown with -s
            done.touch()
    return Workflow(folder)


@pytest.fixture
def edited(finished, tmp_path):
    """A copy of the finished run that a test may change."""
    return copy_workflow(finished, tmp_path)
