"""What goes wrong on real machines: after each the same command completes, with the tables of an undisturbed run.

On a part of the tiny run: one network, one attack.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from snakemake_runs import copy_repository, copy_workflow

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
SWAPPED = f"attacks/{SERIES}/{{0}}/*.h5"
READ_BY_VALIDATION_AND_MASK = {
    SWAPPED: [f"metrics/{SERIES}/{{0}}/*.csv"],
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
    """What the messages say is done to the letter until all is well; so where a file lies in another's place."""
    workflow, words = part
    volumes = sorted(path.stem for path in (workflow.folder / "results/tiny/index").glob("knee_*.json"))
    remove(workflow, "tables")
    for pattern, readers in damaged.items():
        for reader in readers:
            one(workflow, reader.format(*volumes)).unlink()
        path = one(workflow, pattern.format(*volumes))
        times = path.stat().st_atime_ns, path.stat().st_mtime_ns
        if pattern == SWAPPED:
            shutil.copy(one(workflow, f"attacks/{SERIES}/{volumes[1]}/*.h5"), path)
        else:
            harm(path)
        os.utime(path, ns=times)
    named = set()
    for _ in range(len(damaged)):
        status, text = workflow.run("--keep-going", *words)
        if status == 0:
            break
        commands = set(re.findall(r"^error: .*: (?:damaged:|holds) .*\((rm [^)]*)\)", text, flags=re.MULTILINE))
        assert commands - named and "Traceback" not in text, text[-5000:]
        named |= commands
        for command in commands:
            subprocess.run(command, shell=True, cwd=workflow.folder, check=False)
    assert len(named) >= 2 and (SWAPPED not in damaged or any(f"/{SERIES}/{volumes[0]}/" in one for one in named))
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


HANGING = """
python() {
  command python "$@" || return
  case "$*" in *workflow_scripts.score*) sleep 600 ;; esac
}
"""


def clone_of(workflow, folder):
    """Another clone of the code, whose results and data are those of the first by links."""
    folder.mkdir()
    clone = copy_repository(folder)
    for name in ("results", "data"):
        (folder / name).symlink_to(workflow.folder / name)
    shutil.copy(workflow.folder / "part.yaml", folder)
    return clone


def test_two_runs_at_once_and_kill_9(undisturbed, part, tmp_path, monkeypatch):
    """The second stops with one message, in this folder or in a clone that shares the results; the first is killed.

    That is at the moment when a program has written its file, and Snakemake has not seen the job end: such a file is
    made again, and what was finished before stays.
    """
    workflow, words = part
    remove(workflow, "attacks", "metrics", "tables")
    results = workflow.folder / "results/tiny"
    with monkeypatch.context() as hanging:
        hanging.setenv("BASH_ENV", str(workflow.folder / "hanging.sh"))
        (workflow.folder / "hanging.sh").write_text(HANGING)
        first = start(workflow, words)
    try:
        wait_while(first, lambda: not list(results.glob(".running/*.json")))
        status, text = workflow.run(*words)
        assert status != 0 and text.count("Directory cannot be locked") == 1 and "Traceback" not in text
        clone = clone_of(workflow, tmp_path / "clone")
        status, text = clone.run(*words)
        assert status != 0 and text.count("goes on and writes the same files") == 1 and "Traceback" not in text
        assert f"results/tiny: a run in {workflow.folder} on " in text and f"(process {first.pid})" in text
        assert clone.run("--dry-run", *words)[0] == 0
        wait_while(first, lambda: not list(results.glob(f"metrics/{SERIES}/*/slices_*.csv")))
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    score = one(workflow, f"metrics/{SERIES}/*/slices_*.csv")
    attack_file = results / "attacks" / score.relative_to(results / "metrics").with_suffix(".h5")
    before = {path: path.stat().st_ino for path in (score, attack_file)}
    status, text = workflow.run("--unlock", *words)
    assert status == 0, text
    completes_as(undisturbed, workflow, words)
    assert {path for path, number in before.items() if path.stat().st_ino != number} == {score}
    assert not (results / ".running").exists()


def wait_while(process, condition, seconds=300):
    """Wait until a condition is false, while a process goes on."""
    end = time.monotonic() + seconds
    while condition():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)


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
