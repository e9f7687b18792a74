"""The plan of a large audit fits into a login node's memory, and says how long it takes."""

import re

from snakemake_runs import TINY

LIMIT_MB = 500


def test_a_dry_run_of_the_papers_size(repository, tmp_path):
    """154 volumes, 2 networks, 2 accelerations, 4 attacks."""
    (tmp_path / "large.yaml").write_text("accelerations: [4, 8]\ndataset: {simulation: {val_volumes: 154}}\n")
    text, _, peak_mb = repository.measured("--dry-run", "--quiet", "rules", "reason", *TINY, tmp_path / "large.yaml")
    jobs = int(re.search(r"^attack +(\d+)$", text, flags=re.MULTILINE)[1])
    assert jobs >= 4 * 2 * 2 * 100
    print(f"{jobs} attacks planned with {peak_mb:.0f} MB")  # noqa: T201 - shown with -s
    assert peak_mb < LIMIT_MB
    assert "note: planned jobs take about" in text and f"  attack ({jobs} jobs): " in text
