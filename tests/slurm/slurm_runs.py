"""Start Snakemake under SLURM, look at its jobs, and find and hold the program inside one of them."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

CONFIG = ("--configfile", "configs/tiny.yaml", "tests/slurm/small.yaml")
PROFILE = "profiles/slurm-test"


def wait_for(what, condition, seconds=600):
    """Return what a condition gives as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


def slurm_jobs(states="PENDING,RUNNING,COMPLETING"):
    """SLURM's jobs: number -> (partition, comment), the comment being rule and wildcards."""
    words = ["squeue", "--noheader", f"--states={states}", "--format=%i|%P|%k"]
    lines = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout.splitlines()
    return {number: (partition, comment) for number, partition, comment in (line.split("|") for line in lines)}


def scontrol(*words):
    """Run `scontrol` and return what it prints."""
    done = subprocess.run(["scontrol", *words], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fact(number, name):
    """One fact of what `scontrol` shows of a job."""
    return dict(word.split("=", 1) for word in scontrol("show", "job", number).split() if "=" in word)[name]


def comes_back(number, restarts):
    """Wait until SLURM has started a job again; it would let two minutes pass before that."""
    wait_for(f"job {number} in the queue", lambda: fact(number, "Restarts") == str(restarts))
    # Refused while the job is not yet back in the queue.
    wait_for(f"job {number} ready", lambda: fact(number, "JobState") in ("PENDING", "RUNNING"))
    if fact(number, "JobState") == "PENDING":
        scontrol("update", f"jobid={number}", "starttime=now")
    wait_for(f"job {number} running", lambda: fact(number, "JobState") == "RUNNING")


def preempt(node):
    """Give a node to a job of the urgent partition; return its number."""
    words = ["--partition=urgent", f"--nodelist={node}", "--exclusive", "--output=/dev/null", "--wrap=sleep 600"]
    done = subprocess.run(["sbatch", "--parsable", *words], capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.strip()


def lose(node, lab):
    """End a node's daemon without a word, and have SLURM see it at once; what ran on the node lives on."""
    os.kill(int((lab / "run" / f"slurmd-{node}.pid").read_text()), signal.SIGKILL)
    scontrol("update", f"nodename={node}", "state=down", "reason=lost")


def write_profile(folder, attack_resources=None):
    """Write the shipped profile as a site with small nodes would change it; resources of attacks may be overridden."""
    profile = yaml.safe_load(Path("profiles/slurm/config.yaml").read_text())
    profile["latency-wait"] = 5
    profile["slurm-init-seconds-before-status-checks"] = 2
    for name, expression in (attack_resources or {}).items():
        profile["set-resources"]["attack"] = profile["set-resources"]["attack"] | {name: expression}
    path = folder / PROFILE / "config.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(profile))


@dataclass(frozen=True)
class Controller:
    """A running Snakemake that submits to SLURM."""

    process: subprocess.Popen
    folder: Path
    output: Path

    def text(self):
        """What it has printed so far."""
        return self.output.read_text()

    def end(self, number=None, seconds=120):
        """Send it a signal, if one is given, wait for its end and return its exit status."""
        if number is not None:
            self.process.send_signal(number)
        return self.process.wait(timeout=seconds)

    def attack_process(self, volume, besides=None):
        """The number of the running program that attacks a volume with `noise-box`, but for one; or None."""
        for entry in Path("/proc").iterdir():
            if entry.name == str(besides):
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if words[1:3] != [b"-m", b"workflow_scripts.attack"] or b"noise-box" not in words:
                    continue
                if f"/{volume}.h5".encode() in b"\0".join(words) and (entry / "cwd").readlink() == self.folder:
                    return int(entry.name)
            except OSError:
                continue
        return None

    def parts(self, volume):
        """The finished slices that an unfinished job has left."""
        folder = self.folder / "results" / "small" / "attacks" / "noise-box" / "unet-4x" / volume
        return sorted(path for path in folder.glob(".*.partial/slice_*.h5"))

    def owner(self, volume):
        """What the process that claimed an unfinished job last has written, or nothing."""
        return [path.read_text() for path in self.parts(volume)[0].parent.glob("owner")]

    def hold_new(self, volume, owner, besides=None):
        """Stop the attack on a volume as soon as it has claimed the job from another owner; return its number."""
        wait_for(f"another process for {volume}", lambda: self.owner(volume) not in ([], owner))
        number = self.attack_process(volume, besides)
        os.kill(number, signal.SIGSTOP)
        return number

    def hold(self, *volumes):
        """Stop the attacks on volumes for now, as a hanging file system would, each after one of its slices."""
        held = set()

        def all_held():
            assert self.process.poll() is None, self.text()[-5000:]
            for volume in set(volumes) - held:
                number = self.attack_process(volume) if self.parts(volume) else None
                if number is not None:
                    os.kill(number, signal.SIGSTOP)
                    held.add(volume)
            return held == set(volumes)

        wait_for(f"the first slices of {', '.join(volumes)}", all_held)

    def slurm_job(self, volume):
        """The number and partition of the SLURM job that attacks a volume with `noise-box`."""
        ((number, partition),) = [
            (number, partition)
            for number, (partition, comment) in slurm_jobs("RUNNING").items()
            if comment.startswith("rule_attack_wildcards_noise-box") and volume in comment
        ]
        return number, partition


@contextmanager
def controller(folder, name, *words, targets=(), environment=None):
    """Run Snakemake under SLURM in the background; on leaving, it and its jobs are gone."""
    output = folder / f"{name}.log"
    command = [sys.executable, "tests/slurm/snakemake_polling.py", *map(str, targets)]
    command += ["--workflow-profile", PROFILE, *CONFIG, *words]
    with output.open("w") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_NUM_THREADS": "1"} | (environment or {}),
            # Tests that run in the background have inherited an ignored SIGINT.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    try:
        yield Controller(process, folder, output)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        cancel(slurm_jobs())


def cancel(numbers):
    """Cancel jobs and wait until they are gone."""
    if numbers:
        subprocess.run(["scancel", *numbers], check=True, timeout=30)
    wait_for("no job is left", lambda: not slurm_jobs(), seconds=300)
