"""A copy of the repository in which Snakemake can run: real runs, dry runs and what they would do."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml
from support import ROOT

TINY = ("--configfile", "configs/tiny.yaml")


@dataclass(frozen=True)
class Workflow:
    """A folder with the workflow."""

    folder: Path

    def run(self, *words, cores=2):
        """Run Snakemake and return its exit status and everything it printed."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", str(cores), *map(str, words)],
            cwd=self.folder,
            env=environment | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

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
