"""A copy of the repository in which Snakemake can run: real runs, dry runs and what they would do."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from support import ROOT

TINY = ("--configfile", "configs/tiny.yaml")
# What finished children used is only known for all of them together, so each has a parent of its own.
MEASURED = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(status)
"""


@dataclass(frozen=True)
class Workflow:
    """A folder with the workflow."""

    folder: Path

    def run(self, *words, cores=2):
        """Run Snakemake and return its exit status and everything it printed."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment["OMP_NUM_THREADS"] = "1"
        with tempfile.NamedTemporaryFile("r") as output:
            request = {"folder": str(self.folder), "words": ["--cores", str(cores), *map(str, words)]}
            request |= {"output": output.name, "environment": environment}
            server = _server()
            server.stdin.write(json.dumps(request) + "\n")
            server.stdin.flush()
            return int(server.stdout.readline()), output.read()

    def measured(self, *words):
        """Run Snakemake in a process of its own, to its end: what it printed, its seconds and peak memory in MB."""
        command = [sys.executable, "-c", MEASURED, sys.executable, "-m", "snakemake", "--cores", "1", *map(str, words)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-5000:]
        text, _, cost = done.stdout.rstrip().rpartition("\n")
        seconds, peak = cost.split()
        return f"{done.stderr}{text}", float(seconds), int(peak) / (1024**2 if sys.platform == "darwin" else 1024)

    def planned(self, *words):
        """The jobs of a dry run: (rule, wildcards) of each, without the rule `all`."""
        status, text = self.run("--dry-run", *words)
        assert status == 0, text
        jobs = []
        for block in re.split(r"\n(?=(?:local)?rule )", text)[1:]:
            rule = re.match(r"(?:local)?rule (\w+)", block)[1]
            wildcards = re.search(r"^ +wildcards: (.*)$", block, flags=re.MULTILINE)
            pairs = dict(pair.split("=") for pair in wildcards[1].split(", ")) if wildcards else {}
            jobs.append((rule, pairs))
        counted = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", text, flags=re.MULTILINE)}
        counted.pop("total", None)
        assert Counter(rule for rule, _ in jobs) == counted, "the dry run was not understood"
        return [(rule, pairs) for rule, pairs in jobs if rule != "all"]

    def planned_rules(self, *words):
        """How many jobs of each rule a dry run would run."""
        return dict(Counter(rule for rule, _ in self.planned(*words)))

    def append(self, path, text):
        """Add to a file."""
        with (self.folder / path).open("a") as file:
            file.write(text)

    def write_config(self, file, /, **content):
        """Write a further config file and return the words that add it to the tiny config."""
        (self.folder / file).write_text(yaml.safe_dump(content))
        return (*TINY, file)


@cache
def _server():
    """The process that runs Snakemake, started once: its imports are a good part of a dry run's time."""
    command = [sys.executable, str(Path(__file__).with_name("snakemake_server.py"))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def copy_repository(folder):
    """Copy what git tracks, and what it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return Workflow(folder)


def copy_workflow(workflow, folder):
    """Copy a workflow with its results and Snakemake's records, times included."""
    subprocess.run(["cp", "-a", f"{workflow.folder}/.", str(folder)], check=True)
    return Workflow(folder)
