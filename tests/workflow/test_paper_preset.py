"""The paper's preset on the real names and boxes of the fastMRI knees: how many jobs, at what cost of planning."""

import resource
import sys
import time

import pytest
from fastmri_stubs import write_stub_set

VOLUMES, PAIRS, ATTACKS = 154, 4, 4


@pytest.fixture(scope="module")
def words(shared, tmp_path_factory):
    root = tmp_path_factory.mktemp("fastmri")
    _, boxes = write_stub_set(root)
    dataset = f"dataset={{root: {root}, annotations: {boxes}}}"
    return ("--configfile", "configs/paper.yaml", "--config", dataset)


def test_jobs_of_the_papers_run(repository, words):
    begun = time.monotonic()
    counts = repository.planned_rules(*words)
    seconds = time.monotonic() - begun
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    print(f"planned in {seconds:.0f} s; children's peak so far {peak:.0f} MB")  # noqa: T201 - shown with -s
    bundled = {rule: counts[rule] for rule in ("train", "validate", "index_volume", "sampling_mask", "attack", "score")}
    assert bundled == {
        "train": PAIRS,
        "validate": PAIRS,
        "index_volume": VOLUMES,
        "sampling_mask": 2 * VOLUMES,
        "attack": ATTACKS * PAIRS * VOLUMES,
        "score": ATTACKS * PAIRS * VOLUMES,
    }
