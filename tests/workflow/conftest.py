"""One real run of the tiny config for all tests, and copies of it to change."""

import time

import pytest
from snakemake_runs import TINY, copy_repository, copy_workflow


@pytest.fixture(scope="session")
def repository(tmp_path_factory):
    """The workflow before anything has run; tests must not write into it."""
    return copy_repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The tiny config, run from beginning to end; tests must not change it."""
    workflow = copy_repository(tmp_path_factory.mktemp("finished"))
    begun = time.monotonic()
    status, text = workflow.run(*TINY)
    assert status == 0, text[-20_000:]
    print(f"the tiny config took {time.monotonic() - begun:.0f} s")  # noqa: T201 - shown with -s
    return workflow


@pytest.fixture
def edited(finished, tmp_path):
    """A copy of the finished run that a test may change."""
    return copy_workflow(finished, tmp_path)
