"""One audit through SLURM from nothing, with all that goes wrong on a cluster: its tables equal an undisturbed run's.

The tests build on one another, in this order and in one folder: every job costs seconds, so none is computed twice.
"""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from slurm_runs import (
    CONFIG,
    cancel,
    comes_back,
    controller,
    fact,
    lose,
    preempt,
    scontrol,
    slurm_jobs,
    wait_for,
    write_profile,
)
from snakemake_runs import copy_repository

CANCELLED, STARVED, SLOW = VOLUMES = "knee_val_001", "knee_val_002", "knee_val_003"
MINUTE = 60
START = Path(__file__).with_name("start.sh")
# Read by the shell of each job: that of the starved attack gets a second process, which takes memory when told to.
HUNGRY = """
case "$BASH_EXECUTION_STRING" in
  *workflow_scripts.attack*{volume}*)
    (until [ -e hungry ]; do sleep 0.2; done; exec python -c 'import time; _ = b"1" * (3 << 29); time.sleep(600)') \\
      < /dev/null > /dev/null 2>&1 &
    ;;
esac
"""


@pytest.fixture(scope="module")
def workflow(slurm, tmp_path_factory):
    """The workflow in which the audit is made."""
    return copy_repository(tmp_path_factory.mktemp("cluster"))


def attack_files(folder):
    """Every finished attack file: time of change and content."""
    found = (folder / "results" / "small" / "attacks").rglob("slices_*.h5")
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in found}


def gaussian_attacks():
    """Jobs of the other attack, those that are not held."""
    return [comment for _, comment in slurm_jobs().values() if comment.startswith("rule_attack_wildcards_gaussian")]


def test_jobs_are_held_and_cancelled_in_the_queue(workflow):
    """One that is held is waited for, one that is cancelled before it ran is submitted again."""
    write_profile(workflow.folder)
    scontrol("update", "partitionname=main", "state=down")
    try:
        with controller(workflow.folder, "queue", "--until", "simulate_volume") as run:
            wait_for("four jobs in the queue", lambda: len(slurm_jobs("PENDING")) == len(VOLUMES) + 1)
            numbers = {comment: number for number, (_, comment) in slurm_jobs("PENDING").items()}
            (held,) = (number for comment, number in numbers.items() if SLOW in comment)
            (gone,) = (number for comment, number in numbers.items() if CANCELLED in comment)
            scontrol("hold", held)
            cancel_one(gone)
            wait_for("another job in its place", lambda: len(slurm_jobs("PENDING").keys() - {*numbers.values()}) == 1)
            assert f"SLURM-job '{gone}' failed, SLURM status is: 'CANCELLED'" in run.text()
            scontrol("update", "partitionname=main", "state=up")
            wait_for("the others", lambda: set(slurm_jobs()) == {held})
            volumes = workflow.folder / "data" / "small-knees" / "multicoil_val"
            assert (volumes / f"{CANCELLED}.h5").is_file() and not (volumes / f"{SLOW}.h5").exists()
            scontrol("release", held)
            assert run.end(seconds=5 * MINUTE) == 0, run.text()[-5000:]
            assert (volumes / f"{SLOW}.h5").is_file()
    finally:
        scontrol("update", "partitionname=main", "state=up")


def test_an_interrupt_leaves_no_job_behind(workflow):
    """Ctrl-C while attacks run on the partition with the GPUs: their jobs end too, after the slice they are at."""
    write_profile(workflow.folder)
    with controller(workflow.folder, "interrupted") as run:
        run.hold(*VOLUMES)
        assert {run.slurm_job(volume)[1] for volume in VOLUMES} == {"gpu"}
        before = sum(len(run.parts(volume)) for volume in VOLUMES)
        environment = Path(f"/proc/{run.attack_process(CANCELLED)}/environ").read_bytes()
        assert b"\0CUDA_VISIBLE_DEVICES=" in environment, "the job has no GPU of its own"
        assert run.end(signal.SIGINT) != 0
        wait_for("no job is left", lambda: not slurm_jobs(), seconds=5 * MINUTE)
        # A job that was held between two slices had nothing to finish.
        assert sum(len(run.parts(volume)) for volume in VOLUMES) > before >= len(VOLUMES)
        assert not any("noise-box" in str(path) for path in attack_files(workflow.folder))


def test_preemption_a_lost_node_and_too_little_memory(workflow, slurm):
    """The first two are SLURM's to mend: the job comes back under its number. Memory is for the next run to mend."""
    write_profile(workflow.folder, {"mem_mb": f"1500 if wildcards.volume == '{STARVED}' else 8000"})
    shell, hungry = workflow.folder / "hungry.sh", workflow.folder / "hungry"
    shell.write_text(HUNGRY.format(volume=STARVED))
    targets = [unfinished(workflow.folder, volume) for volume in (CANCELLED, STARVED)]
    words = ("--retries", "0", "--keep-going")
    with controller(workflow.folder, "lost", *words, targets=targets, environment={"BASH_ENV": str(shell)}) as run:
        owner, parts = run.owner(CANCELLED), run.parts(STARVED)
        run.hold_new(CANCELLED, owner)
        run.hold(STARVED)
        (number, _), (starved, _) = map(run.slurm_job, (CANCELLED, STARVED))
        hungry.touch()
        nodes, owner = [fact(number, "NodeList")], run.owner(CANCELLED)
        urgent = preempt(nodes[0])
        comes_back(number, restarts=1)
        lost = run.hold_new(CANCELLED, owner)
        nodes, owner = [*nodes, fact(number, "NodeList")], run.owner(CANCELLED)
        try:
            lose(nodes[1], slurm)
            cancel_one(urgent)
            comes_back(number, restarts=2)
            run.hold_new(CANCELLED, owner, besides=lost)
            nodes, owner = [*nodes, fact(number, "NodeList")], run.owner(CANCELLED)
            assert nodes[1] != nodes[0] == nodes[2]
            before = {path: path.stat().st_mtime_ns for path in run.parts(CANCELLED)}
            assert has_not_ended(lost), "it should have outlived its node"
            os.kill(lost, signal.SIGCONT)
            wait_for("the end of the process on the lost node", lambda: not has_not_ended(lost), seconds=5 * MINUTE)
            assert {path: path.stat().st_mtime_ns for path in run.parts(CANCELLED)} == before
            assert run.owner(CANCELLED) == owner and not targets[0].exists()
        finally:
            if has_not_ended(lost):
                os.kill(lost, signal.SIGKILL)
            subprocess.run([START, slurm], check=True, timeout=120)
        wait_for("news of the other job", lambda: f"SLURM-job '{starved}' failed" in run.text())
        assert f"SLURM-job '{number}' failed" not in run.text()
        (log,) = (workflow.folder / ".snakemake" / "slurm_logs").rglob(f"{starved}.log")
        assert "Exceeded job memory limit" in log.read_text()
        assert run.end(signal.SIGINT) != 0
        wait_for("no job is left", lambda: not slurm_jobs(), seconds=5 * MINUTE)
        assert set(parts) <= set(run.parts(STARVED))
    hungry.unlink()


def unfinished(folder, volume):
    """The attack file of an interrupted job."""
    (parts,) = (folder / "results/small/attacks/noise-box/unet-4x" / volume).glob(".*.partial")
    return (parts.parent / parts.name.split(".h5.")[0].removeprefix(".")).with_suffix(".h5").relative_to(folder)


def has_not_ended(process):
    """Whether a process is there and no zombie."""
    try:
        return " Z " not in Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False


def cancel_one(number):
    subprocess.run(["scancel", number], check=True, timeout=30)


def test_the_controller_is_killed(workflow):
    """Snakemake dies, its jobs live on: cancel them and unlock; what is finished stays finished."""
    with controller(workflow.folder, "killed") as run:
        # Of the job that had too little memory in the run before.
        before = {path: path.stat().st_mtime_ns for path in run.parts(STARVED)}
        run.hold(*VOLUMES)
        assert before.items() <= {path: path.stat().st_mtime_ns for path in run.parts(STARVED)}.items()
        # A job that is cancelled between its program's end and its own leaves no file: Snakemake deletes it.
        wait_for(
            "the other attacks", lambda: len(attack_files(workflow.folder)) == len(VOLUMES) and not gaussian_attacks()
        )
        run.end(signal.SIGKILL)
        left = slurm_jobs()
        assert all(
            any("noise-box" in comment and volume in comment for _, comment in left.values()) for volume in VOLUMES
        )
        cancel(left)
    assert attack_files(workflow.folder)
    status, text = workflow.run(*CONFIG)
    assert status != 0 and "lock" in text.lower()
    status, text = workflow.run("--unlock", *CONFIG)
    assert status == 0, text


@pytest.fixture(scope="module")
def recovered(workflow):
    """What was finished before three attacks failed once each, and what the run that recovered them printed."""
    finished = attack_files(workflow.folder)
    first = "attempt == 1 and wildcards.attack == 'noise-box' and wildcards.volume =="
    write_profile(
        workflow.folder,
        {
            # Enough for Snakemake inside the job, not for torch.
            "mem_mb": f"300 if {first} '{STARVED}' else 8000 * attempt",
            "runtime": f"2 if {first} '{SLOW}' else 240 * attempt",
            # Long enough for its first slice on a busy machine; the notice would come at the start.
            "slurm_extra": f"'' if {first} '{SLOW}' else '--signal=TERM@180'",
        },
    )
    with controller(workflow.folder, "recovered") as run:
        run.hold(SLOW, CANCELLED)
        cancel_one(run.slurm_job(CANCELLED)[0])
        wait_for("the second job", lambda: len(submitted(run.text(), STARVED)) == 2)
        run.hold(STARVED)
        (number, _) = run.slurm_job(STARVED)
        scontrol("requeue", number)
        comes_back(number, restarts=1)
        assert run.end(seconds=15 * MINUTE) == 0, run.text()[-20_000:]
        return finished, run.text()


def submitted(text, volume):
    """Numbers of the SLURM jobs that attacked a volume with `noise-box`, from what Snakemake printed."""
    return re.findall(rf"submitted with SLURM jobid (\d+) \(log: \S*/rule_attack/noise-box_unet_4_{volume}_", text)


@pytest.mark.parametrize(
    ("volume", "state", "cause"),
    # SLURM without cgroups has no state of its own for a job above its memory; its log tells.
    [(CANCELLED, "CANCELLED", ""), (STARVED, "FAILED", "Exceeded job memory limit"), (SLOW, "TIMEOUT", "TIME LIMIT")],
)
def test_a_lost_job_is_reported_and_recovered_by_the_retry(workflow, recovered, volume, state, cause):
    _, text = recovered
    first, _ = submitted(text, volume)
    assert f"SLURM-job '{first}' failed, SLURM status is: '{state}'" in text
    (log,) = (workflow.folder / ".snakemake" / "slurm_logs").rglob(f"{first}.log")
    assert cause in log.read_text()


def test_a_requeued_job_is_slurms_to_start_again(workflow, recovered):
    """As after a preemption or a lost node: the same job, which Snakemake goes on waiting for."""
    _, text = recovered
    _, number = submitted(text, STARVED)
    assert f"SLURM-job '{number}' failed" not in text
    shown = subprocess.run(["scontrol", "show", "job", number], capture_output=True, text=True, check=True, timeout=30)
    assert " Restarts=1 " in shown.stdout and "JobState=COMPLETED" in shown.stdout


def test_finished_attack_files_are_untouched(workflow, recovered):
    finished, _ = recovered
    assert finished
    now = attack_files(workflow.folder)
    assert {path: now[path] for path in finished} == finished


def test_the_tables_equal_those_of_an_undisturbed_run(workflow, recovered, undisturbed):
    for name in ("metrics", "summary", "excluded", "quality"):
        place = Path("results") / "small" / "tables" / f"{name}.csv"
        assert (workflow.folder / place).read_text() == (undisturbed.folder / place).read_text(), name
    assert not list((workflow.folder / "results").rglob(".*.tmp")), "something half-written is left"
