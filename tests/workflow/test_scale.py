"""The plan of a large audit fits into a login node's memory."""

import re
import subprocess
import sys

from snakemake_runs import TINY

LIMIT_MB = 500
# The highest memory of a finished child is only known for all children together, so it has a parent of its own.
MEASURED = (
    "import resource, subprocess, sys\n"
    "status = subprocess.run(sys.argv[1:]).returncode\n"
    "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    "sys.exit(status)"
)


def test_a_dry_run_of_the_papers_size(repository, tmp_path):
    """154 volumes, 2 networks, 2 accelerations, 4 attacks."""
    (tmp_path / "large.yaml").write_text(
        "accelerations: [4, 8]\ndataset: {simulation: {train_volumes: 400, val_volumes: 154}}\n"
    )
    snakemake = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", *TINY]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *snakemake, tmp_path / "large.yaml"],
        cwd=repository.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    jobs = int(re.search(r"^attack +(\d+)$", done.stdout, flags=re.MULTILINE)[1])
    assert jobs >= 4 * 2 * 2 * 100
    peak = int(re.search(r"^peak (\d+)$", done.stdout, flags=re.MULTILINE)[1])
    peak_mb = peak / (1024**2 if sys.platform == "darwin" else 1024)
    print(f"{jobs} attacks planned with {peak_mb:.0f} MB")  # noqa: T201 - shown with -s
    assert peak_mb < LIMIT_MB
