"""A SLURM of four nodes on this machine; without one the tests of this folder are skipped, saying why."""

import fcntl
import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from slurm_runs import CONFIG
from snakemake_runs import copy_repository

FOLDER = Path(__file__).resolve().parent
CANNOT = 75


@pytest.fixture(scope="session")
def slurm():
    """SLURM's folder while it runs; one test session on a machine at a time."""
    lab = Path(tempfile.gettempdir()) / "advmri-slurm"
    with lab.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        words = ["--install"] if os.environ.get("ADVMRI_INSTALL_SLURM") == "1" else []
        try:
            started = subprocess.run(
                [FOLDER / "start.sh", lab, *words], capture_output=True, text=True, timeout=300, check=False
            )
            if started.returncode == CANNOT:
                pytest.skip(started.stderr.strip().splitlines()[-1])
            assert started.returncode == 0, started.stderr
            yield lab
        finally:
            subprocess.run([FOLDER / "stop.sh", lab], check=False, timeout=120)


@pytest.fixture(scope="session")
def undisturbed(slurm, tmp_path_factory):
    """The small config, run on this machine without SLURM and without faults."""
    workflow = copy_repository(tmp_path_factory.mktemp("undisturbed"))
    status, text = workflow.run(*CONFIG)
    assert status == 0, text[-20_000:]
    return workflow
