"""The paper's preset on the real names and boxes of the fastMRI knees: how many jobs, at what cost of planning."""

import re
import resource
import sys

import pytest
from fastmri_stubs import write_stub_set

VOLUMES, PAIRS, ATTACKS = 154, 4, 4


@pytest.fixture(scope="module")
def real_names(shared, tmp_path_factory):
    root = tmp_path_factory.mktemp("fastmri")
    _, boxes = write_stub_set(root)
    return ("--configfile", "configs/paper.yaml", "--config", f"dataset={{root: {root}, annotations: {boxes}}}")


def planned_with_cost(repository, words, capsys):
    """Jobs by rule, processor seconds, and the largest memory in MB of all children so far.

    Processor time: the machine may be busy with other things.
    """

    def used():
        times = resource.getrusage(resource.RUSAGE_CHILDREN)
        return times.ru_utime + times.ru_stime

    before = used()
    status, text = repository.run("--dry-run", "--quiet", "rules", "reason", *words)
    assert status == 0, text
    counts = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", text, flags=re.MULTILINE)}
    seconds = used() - before
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    with capsys.disabled():
        print(f" planned in {seconds:.0f} s of processor time; children's peak {peak:.0f} MB ", end="")  # noqa: T201
    return counts, seconds, peak


def test_jobs_of_the_papers_run(repository, real_names, capsys):
    counts, seconds, _ = planned_with_cost(repository, real_names, capsys)
    assert seconds < 40, "9 s on an idle machine, twice that on a crowded one"
    bundled = {rule: counts[rule] for rule in ("train", "validate", "index_volume", "sampling_mask", "attack", "score")}
    assert bundled == {
        "train": PAIRS,
        "validate": PAIRS,
        "index_volume": VOLUMES,
        "sampling_mask": 2 * VOLUMES,
        "attack": ATTACKS * PAIRS * VOLUMES,
        "score": ATTACKS * PAIRS * VOLUMES,
    }
