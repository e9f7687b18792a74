"""What goes wrong on real machines: after each the same command completes, with the tables of an undisturbed run.

On a part of the tiny run: one network, one attack.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from snakemake_runs import copy_workflow

ONLY = {
    "models": {"varnet": None},
    "attacks": {"noise-image": None, "gaussian": None, "rotation": None},
    "figures": {"image_attack": None, "control_attack": None, "rotation_attack": None},
}
SUMMARY = "results/tiny/tables/summary.csv"
SERIES = "noise-box/unet-4x"


@pytest.fixture(scope="module")
def undisturbed(finished, tmp_path_factory):
    """A folder with the results of the part, and the words that run it."""
    workflow = copy_workflow(finished, tmp_path_factory.mktemp("part"))
    words = (SUMMARY, *workflow.write_config("part.yaml", **ONLY))
    status, text = workflow.run(*words)
    assert status == 0, text
    return workflow, words


@pytest.fixture
def part(undisturbed, tmp_path):
    """A copy of it to disturb."""
    workflow, words = undisturbed
    return copy_workflow(workflow, tmp_path / "part"), words


def tables(workflow):
    names = ("metrics", "summary", "excluded", "quality")
    return {name: (workflow.folder / f"results/tiny/tables/{name}.csv").read_bytes() for name in names}


def completes_as(undisturbed, workflow, words):
    """Run to the end, compare the tables, and see that nothing is left over."""
    status, text = workflow.run(*words)
    assert status == 0, text[-5000:]
    assert tables(workflow) == tables(undisturbed[0])
    assert not [path for path in workflow.folder.rglob(".*") if path.suffix in (".tmp", ".partial")]


def one(workflow, pattern):
    """The first of the files of a pattern; hidden ones, checksums and records, stand beside them."""
    return min(path for path in (workflow.folder / "results/tiny").glob(pattern) if not path.name.startswith("."))


def remove(workflow, *folders):
    """Remove results of the part."""
    for folder in folders:
        for path in (workflow.folder / "results/tiny" / folder).rglob("*"):
            if path.is_file() and (folder == "tables" or SERIES in path.as_posix()):
                path.unlink()


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    places = [place for place, byte in enumerate(content) if byte]
    content[places[len(places) // 2]] ^= 1
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


# What is damaged, and what is deleted, down to the tables, so that a job reads it again; {0} and {1} are the volumes.
READ_BY_INDEX_AND_TABLES = {
    "../../data/tiny-knees/multicoil_val/{0}.h5": ["index/{0}.json"],
    "models/unet-4x/validation.csv": [],
    f"metrics/{SERIES}/{{1}}/*.csv": [],
}
READ_BY_ATTACK_AND_SCORE = {
    "masks/4x/{0}.h5": [f"attacks/{SERIES}/{{0}}/*.h5", f"metrics/{SERIES}/{{0}}/*.csv"],
    f"attacks/{SERIES}/{{1}}/*.h5": [f"metrics/{SERIES}/{{1}}/*.csv"],
}
READ_BY_VALIDATION_AND_MASK = {
    "models/unet-4x/model.pt": ["models/unet-4x/validation.csv"],
    "index/{1}.json": ["masks/4x/{1}.h5", f"attacks/{SERIES}/{{1}}/*.h5", f"metrics/{SERIES}/{{1}}/*.csv"],
}


@pytest.mark.parametrize(
    ("harm", "damaged"),
    [
        (flip_a_bit, READ_BY_INDEX_AND_TABLES),
        (cut, READ_BY_ATTACK_AND_SCORE),
        (flip_a_bit, READ_BY_VALIDATION_AND_MASK),
    ],
)
def test_damaged_files_are_named_and_made_anew(undisturbed, part, harm, damaged):
    """What the messages say is done to the letter until all is well."""
    workflow, words = part
    volumes = sorted(path.stem for path in (workflow.folder / "results/tiny/index").glob("knee_*.json"))
    remove(workflow, "tables")
    for pattern, readers in damaged.items():
        for reader in readers:
            one(workflow, reader.format(*volumes)).unlink()
        path = one(workflow, pattern.format(*volumes))
        times = path.stat().st_atime_ns, path.stat().st_mtime_ns
        harm(path)
        os.utime(path, ns=times)
    named = set()
    for _ in range(len(damaged)):
        status, text = workflow.run("--keep-going", *words)
        if status == 0:
            break
        commands = set(re.findall(r"^error: .*: damaged: .*\((rm [^)]*)\)", text, flags=re.MULTILINE))
        assert commands - named and "Traceback" not in text, text[-5000:]
        named |= commands
        for command in commands:
            subprocess.run(command, shell=True, cwd=workflow.folder, check=False)
    assert len(named) >= 2
    completes_as(undisturbed, workflow, words)


def read_only(folder, *words):
    """Mount a folder read-only onto itself; skip where that is not allowed."""
    for options in (["--bind", folder, folder], ["-o", "remount,ro,bind", folder]):
        if shutil.which("mount") is None or subprocess.run(["mount", *options], check=False).returncode:
            pytest.skip("nothing can be mounted here: not root")


def test_a_read_only_results_folder(undisturbed, part):
    workflow, words = part
    one(workflow, "tables/summary.csv").unlink()
    results = workflow.folder / "results"
    read_only(results)
    try:
        status, text = workflow.run(*words)
    finally:
        subprocess.run(["umount", results], check=True)
    assert status != 0 and "Traceback" not in text
    assert "Write-protected output files" in text and "results/tiny/tables/metrics.csv" in text
    completes_as(undisturbed, workflow, words)


def test_a_full_disk(undisturbed, part):
    """The results lie on a file system that has no room for another attack file; then there is room again."""
    workflow, words = part
    results = workflow.folder / "results"
    remove(workflow, "attacks", "metrics", "tables")
    results.rename(workflow.folder / "before")
    results.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", results], check=False).returncode:
        pytest.skip("nothing can be mounted here: not root")
    try:
        subprocess.run(["cp", "-a", f"{workflow.folder}/before/.", str(results)], check=True)
        disk = os.statvfs(results)
        filler = results / "filler"
        filler.write_bytes(bytes(disk.f_bavail * disk.f_frsize - 32_768))
        status, text = workflow.run(*words)
        assert status != 0 and "No space left on device; mend that" in text
        attacks = results / "tiny" / "attacks" / SERIES
        assert attacks.is_dir() and not [path for path in attacks.rglob("*") if path.suffix in (".h5", ".tmp")]
        filler.unlink()
        completes_as(undisturbed, workflow, words)
    finally:
        subprocess.run(["umount", results], check=True)


def start(workflow, words):
    """Start Snakemake in a process group of its own."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *words]
    return subprocess.Popen(
        command, cwd=workflow.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def test_two_runs_in_one_folder_and_kill_9(undisturbed, part):
    """The second stops at the lock with one message; the first is killed with all its jobs at some moment."""
    workflow, words = part
    remove(workflow, "attacks", "metrics", "tables")
    first = start(workflow, words)
    try:
        locks = workflow.folder / ".snakemake" / "locks"
        while not (locks.is_dir() and any(locks.iterdir())):
            assert first.poll() is None
            time.sleep(0.05)
        status, text = workflow.run(*words)
        assert status != 0 and text.count("Directory cannot be locked") == 1 and "Traceback" not in text
        time.sleep(random.Random(2022).uniform(0, 3))
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    status, text = workflow.run("--unlock", *words)
    assert status == 0, text
    completes_as(undisturbed, workflow, words)


LATE = """
python() {
  command python "$@" || return
  for file in results/tiny/index/*.json; do
    mv "$file" "$file.late"
    (sleep 3; mv "$file.late" "$file") > /dev/null 2>&1 &
  done
}
"""


def test_files_that_appear_late(undisturbed, part, monkeypatch):
    """As on a network file system: within `latency-wait` the run goes on, otherwise the message names the file."""
    workflow, words = part
    index = one(workflow, "index/*.json")
    target = str(index.relative_to(workflow.folder))
    (workflow.folder / "late.sh").write_text(LATE)
    content = index.read_bytes()
    index.unlink()
    with monkeypatch.context() as late:
        late.setenv("BASH_ENV", str(workflow.folder / "late.sh"))
        status, text = workflow.run(target, *words[1:], "--latency-wait", "1")
        assert status != 0 and "after 1 seconds" in text and target in text
        time.sleep(3)
        status, text = workflow.run(target, *words[1:], "--latency-wait", "20")
        assert status == 0, text
    assert index.read_bytes() == content
    completes_as(undisturbed, workflow, words)
