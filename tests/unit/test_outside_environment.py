"""Programs started with a Python that lacks the packages: one sentence, whose advice leads to one that has them."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support import ROOT

from advmri import errors
from advmri.config import packages
from advmri.errors import missing_package

BARE = [sys._base_executable, "-S"]
"""The interpreter below the environment, without any package."""


def started(command, folder=ROOT, **environment):
    """What a command prints, which has to fail; Snakemake's plans go to the standard output."""
    known = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=folder, env=known | environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 1, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "words",
    ["workflow_scripts.attack", "workflow_scripts.show_results", "advmri.cli run -n", "advmri.cli trace x"],
)
def test_a_program_is_one_sentence(words):
    text = started([*BARE, "-m", *words.split()])
    assert text.startswith(f"error: {BARE[0]}: ") and text.count("\n") == 1
    assert "is not installed for this Python" in text and "activate" in text


WITHOUT = """
import sys
from snakemake.cli import main

class Lacking:
    def find_spec(self, name, *rest):
        if name == "pydantic":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Lacking())
sys.modules.pop("pydantic", None)
main(sys.argv[1:])
"""
"""Snakemake in a Python without pydantic, which some of its versions bring and some do not."""


def test_snakemake_without_our_packages_is_one_sentence(tmp_path):
    place = ["-s", ROOT / "Snakefile", "-d", tmp_path, "--configfile", ROOT / "config.yaml"]
    text = started([sys.executable, "-c", WITHOUT, "-n", *place])
    assert "pydantic is not installed for this Python" in text and "Traceback" not in text


def test_packages_that_jobs_would_miss_are_noted_when_they_are_planned(monkeypatch):
    assert packages.notes_on_packages() == []
    monkeypatch.setattr(packages, "NEEDED", ("torch", "no_such_package"))
    (note,) = packages.notes_on_packages()
    assert "no_such_package is not installed for this Python" in note and "Every job would stop" in note


def test_the_packages_noted_are_requirements():
    required = {
        one.partition(">")[0] for one in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    }
    names = {"skimage": "scikit-image", "pytorch_lightning": "pytorch-lightning"}
    assert {names.get(name, name) for name in packages.NEEDED} <= required


def test_a_package_that_is_missed_later_is_one_sentence_too():
    """Loaded by a program while it runs."""
    made = "from workflow_scripts.program import parser, run\n"
    body = f"{made}def main(arguments):\n    import no_such_package.inside\nrun(main, parser('test'))"
    text = started([sys.executable, "-c", body])
    assert text == f"error: {missing_package(ModuleNotFoundError(name='no_such_package.inside'))}\n"


def test_a_mistake_of_ours_keeps_its_traceback():
    assert missing_package(ModuleNotFoundError(name="advmri.nothing")) is None
    assert missing_package(ImportError("cannot import name 'x' from 'numpy'", name="numpy")) is None
    body = "import sys; sys.argv = ['-m']; import workflow_scripts; import workflow_scripts.nothing"
    assert "Traceback" in started([sys.executable, "-c", body])


def test_an_older_python_is_named(monkeypatch):
    monkeypatch.setattr(errors, "OLDEST_PYTHON", (99, 1))
    assert "Python 99.1 or newer is needed" in missing_package(ImportError("cannot import name 'Self'", name="typing"))


def commands_in(text):
    return re.findall(r"[(`](?=[a-z.])([^()`]+)[)`]", text)


def test_the_advice_followed(tmp_path, monkeypatch):
    """The environment of the repository's own; without one, the command that makes it; installed, pip's."""
    missing = ModuleNotFoundError(name="torch")
    monkeypatch.setattr(sys, "prefix", "/usr")
    made = tmp_path / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(made)], check=True)
    monkeypatch.setattr(errors, "ROOT", tmp_path)
    (activate,) = commands_in(missing_package(missing))
    shown = subprocess.run(
        f"{activate} && python -c 'import sys; print(sys.prefix)'",
        **{"shell": True, "capture_output": True, "text": True, "check": True},
    )
    assert Path(shown.stdout.strip()) == made
    # In that environment itself, and where there is none, it has to be made.
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    monkeypatch.setattr(sys, "prefix", str(made))
    make, again = commands_in(missing_package(missing))
    assert again == activate and make == f"make -B -C {tmp_path} environment"
    (tmp_path / "envs").mkdir()
    for name in ("requirements.lock", "requirements.in"):
        (tmp_path / "envs" / name).touch()
    planned = subprocess.run([*make.split(), "--dry-run"], capture_output=True, text=True, check=True).stdout
    assert "requirements.lock" in planned
    (tmp_path / "Makefile").unlink()
    assert commands_in(missing_package(missing)) == ["pip install ."]
