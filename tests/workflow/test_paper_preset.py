"""The paper's preset on the real names and boxes of the fastMRI knees: how many jobs, at what cost of planning."""

import re

import pytest
from fastmri_stubs import write_stub_set

VOLUMES, PAIRS, ATTACKS = 154, 4, 4
LIMIT_MB = 500


@pytest.fixture(scope="module")
def real_names(shared, tmp_path_factory):
    root = tmp_path_factory.mktemp("fastmri")
    _, boxes = write_stub_set(root)
    return ("--configfile", "configs/paper.yaml", "--config", f"dataset={{root: {root}, annotations: {boxes}}}")


def test_jobs_of_the_papers_run(repository, real_names, capsys):
    text, seconds, peak_mb = repository.measured("--dry-run", "--quiet", "rules", "reason", *real_names)
    counts = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", text, flags=re.MULTILINE)}
    with capsys.disabled():
        print(f" planned in {seconds:.0f} s of processor time with {peak_mb:.0f} MB ", end="")  # noqa: T201
    assert seconds < 40, "9 s on an idle machine, twice that on a crowded one"
    assert peak_mb < LIMIT_MB
    bundled = {rule: counts[rule] for rule in ("train", "validate", "index_volume", "sampling_mask", "attack", "score")}
    assert bundled == {
        "train": PAIRS,
        "validate": PAIRS,
        "index_volume": VOLUMES,
        "sampling_mask": 2 * VOLUMES,
        "attack": ATTACKS * PAIRS * VOLUMES,
        "score": ATTACKS * PAIRS * VOLUMES,
    }
