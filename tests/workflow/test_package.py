"""The project installed with pip in an environment of its own and used from other folders, as a user would."""

import os
import site
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from snakemake_runs import copy_repository
from support import ROOT

NETWORK = """
from torch import nn
from advmri.acquisition.kspace import rss_reconstruction

class Network(nn.Module):
    def forward(self, kspace, mask, num_low_frequencies, crop):
        return 1.05 * rss_reconstruction(kspace, crop)

def make():
    return Network()
"""
LOAD_KERNELS = """
import sys
from pathlib import Path
from advmri.reconstruction.kernels.native import load_native
import advmri, workflow_scripts
sources = sorted((Path(advmri.__file__).parent / "reconstruction" / "kernels").glob("*.c"))
made = [load_native(source) is not None for source in sources]
print(advmri.__file__, workflow_scripts.__file__, len(made), *made)
"""


@dataclass(frozen=True)
class Installed:
    """The wheel, and the programs of the environment it is installed in."""

    wheel: Path
    programs: Path

    def run(self, folder, program, *words):
        """Run a program in a folder; return its exit status and all that it printed."""
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        environment |= {"OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(self.programs.parent / "cache")}
        command = [str(self.programs / program), *map(str, words)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


def pip(*words):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Built from a copy without git; what the project depends on is taken from the environment of the tests."""
    base = tmp_path_factory.mktemp("installed")
    source = base / "source"
    source.mkdir()
    copy_repository(source)
    here = find_spec("hatchling") is not None
    built = pip("wheel", "--no-deps", *["--no-build-isolation"] * here, "--wheel-dir", base, source)
    if built.returncode and not here:
        pytest.skip(f"hatchling is neither installed nor to be had: {built.stderr.strip().splitlines()[-1]}")
    assert built.returncode == 0, built.stderr
    (wheel,) = base.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", base / "venv"], check=True)
    (packages,) = (base / "venv").glob("lib/python*/site-packages")
    (packages / "outside.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    done = pip("--python", base / "venv" / "bin" / "python", "install", "--no-deps", "--no-index", wheel)
    assert done.returncode == 0, done.stderr
    return Installed(wheel, base / "venv" / "bin")


def test_the_wheel_holds_the_programs_the_c_sources_and_the_workflow(installed):
    names = set(zipfile.ZipFile(installed.wheel).namelist())
    wanted = {
        path.relative_to(ROOT).as_posix() for path in ROOT.glob("advmri/**/*") if path.suffix in (".py", ".c", ".h")
    }
    wanted |= {path.relative_to(ROOT).as_posix() for path in ROOT.glob("workflow_scripts/*.py")}
    workflow = [ROOT / name for name in ("Snakefile", "config.yaml", "config.schema.json", "envs/environment.yaml")]
    workflow += [*ROOT.glob("rules/*.smk"), *ROOT.glob("configs/*.yaml"), *ROOT.glob("report/*.rst")]
    workflow += [*ROOT.glob("profiles/*/config.yaml"), ROOT / "envs" / "requirements.in"]
    wanted |= {f"advmri/workflow/{path.relative_to(ROOT).as_posix()}" for path in workflow}
    assert wanted <= names, wanted - names
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"advmri", "workflow_scripts"}


def test_it_is_imported_from_another_folder_and_its_kernels_are_made_there(installed, tmp_path):
    status, text = installed.run(tmp_path, "python", "-c", LOAD_KERNELS)
    library, programs, count, *made = text.split()
    assert status == 0 and all(path.startswith(str(installed.programs.parent)) for path in (library, programs)), text
    assert int(count) == len(list(ROOT.glob("advmri/reconstruction/kernels/*.c"))) and set(made) == {"True"}


def test_an_audit_is_started_planned_run_and_verified_in_an_empty_folder(installed, tmp_path):
    status, text = installed.run(tmp_path, "advmri", "run", "-n")
    assert status == 1 and "`advmri init` writes one" in text
    assert installed.run(tmp_path, "advmri", "init")[0] == 0
    status, text = installed.run(tmp_path, "advmri", "run", "-n")
    assert status == 1 and "volumes/multicoil_val: there is no such folder" in text and "Traceback" not in text
    simulation = {"train_volumes": 1, "val_volumes": 1, "slices": 4, "crop": 64, "columns": 72, "coils": 3}
    changes = {
        "name": "mine",
        "dataset": {"kind": "simulated", "name": "knees", "simulation": simulation | {"lesions_per_volume": 1}},
        "models": {"unet": None, "varnet": None, "mine": {"factory": "mine:make", "trained_on": "nothing"}},
        "attacks": {"noise-box": {"severities": [0, 0.025], "steps": 2}},
    }
    config = yaml.safe_load((tmp_path / "config.yaml").read_text()) | changes
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "mine.py").write_text(NETWORK)
    status, text = installed.run(tmp_path, "advmri", "run", "-n", "--config", "accelerations=[4]")
    assert status == 0 and ", mine.py, " in text, text
    (job,) = {word.rstrip(",;") for word in text.split() if word.startswith("results/mine/attacks/noise-box/")}
    status, text = installed.run(tmp_path, "advmri", "run", "--cores", "2", "--config", "accelerations=[4]", "--", job)
    assert status == 0, text
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(".snakemake", "boxes.csv", "config.yaml", "data", "logs", "mine.py", "results"),
    ]
    status, text = installed.run(tmp_path, "advmri", "verify", job, "--factory", "mine:make")
    assert status == 0 and "agree with what is stored" in text, text
    assert not list(installed.programs.parent.glob("lib/python*/site-packages/*/.snakemake"))
