"""The environments agree: conda file, requirements and lock."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution

import pytest
import yaml
from packaging.requirements import Requirement
from support import ROOT

ENVS = ROOT / "envs"
CONDA_NAMES = {"pytorch": "torch"}


def pins(path):
    """`name==version` lines by name, without markers and hashes."""
    lines = [re.split(r"[#;\\]", line)[0].strip() for line in path.read_text().splitlines()]
    lines = [line for line in lines if not line.startswith("--hash")]
    found = dict(line.split("==") for line in lines if line)
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", version) for version in found.values())
    return {name.lower(): version for name, version in found.items()}


def conda_pins():
    content = yaml.safe_load((ENVS / "environment.yaml").read_text())
    entries = [entry for entry in content["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict)]
    found = dict(entry.split("==") for entry in pip)
    found |= dict(re.split(r" =+", entry) for entry in entries if " =" in entry)
    return {CONDA_NAMES.get(name, name): version for name, version in found.items()}


def test_every_requirement_is_locked():
    wanted, locked = pins(ENVS / "requirements.in"), pins(ENVS / "requirements.lock")
    for name in ("torch", "torchvision"):  # CPU or CUDA build, as pip chooses
        assert wanted.pop(name) and name not in locked
    assert wanted.items() <= locked.items()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_pin_has_hashes_and_none_depends_on_the_build_of_torch(name):
    entries = re.split(r"\n(?=\w)", (ENVS / name).read_text().partition("\n#    make lock\n")[2])
    assert len(entries) == len(pins(ENVS / name))
    for entry in entries:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
        assert not re.match(r"(torch|torchvision|triton|nvidia-.*|cuda-.*)==", entry), entry


def test_no_installed_package_lacks_another():
    """Where the environment is the one that the Makefile makes."""
    try:
        distribution("torchvision")
    except PackageNotFoundError:
        pytest.skip("an environment from before torchvision was required: make environment")
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_lightning_and_torchvision_import_together():
    pytest.importorskip("torchvision", exc_type=ModuleNotFoundError)
    code = "import torchvision, pytorch_lightning, fastmri"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_conda_environment_has_the_same_versions():
    wanted = pins(ENVS / "requirements.in")
    conda = conda_pins()
    assert conda == wanted


def test_development_lock_adds_to_the_lock():
    locked, development = pins(ENVS / "requirements.lock"), pins(ENVS / "requirements-dev.lock")
    assert not locked.keys() & development.keys()
    names = [line.strip().lower() for line in (ENVS / "requirements-dev.in").read_text().splitlines()]
    assert {name for name in names if name and not name.startswith("#")} <= development.keys()


def test_nothing_imported_is_left_out():
    """Every third-party package that the sources import is pinned in requirements.in."""
    modules = {"yaml": "pyyaml", "skimage": "scikit-image", "pytorch_lightning": "pytorch-lightning"}
    modules["pydantic_core"] = "pydantic"  # whose errors are declared there
    standard = set(__import__("sys").stdlib_module_names)
    pinned = pins(ENVS / "requirements.in").keys()
    for path in [*ROOT.glob("advmri/**/*.py"), *ROOT.glob("workflow_scripts/*.py")]:
        for name in re.findall(r"^\s*(?:import|from) (\w+)", path.read_text(), flags=re.MULTILINE):
            if name not in standard | {"advmri", "workflow_scripts", "mpl_toolkits"}:
                assert modules.get(name, name) in pinned, f"{path}: {name}"


def test_the_packages_ranges_hold_what_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = [*project["dependencies"], *project["optional-dependencies"]["slurm"]]
    ranges = {(requirement := Requirement(text)).name: requirement.specifier for text in listed}
    pinned = pins(ENVS / "requirements.in")
    del pinned["torchvision"]  # fastmri asks for it; nothing here imports it
    assert ranges.keys() == pinned.keys()
    assert all(ranges[name].contains(version) for name, version in pinned.items())
    assert all({part.operator for part in specifier} == {">=", "<"} for specifier in ranges.values())


def test_the_package_says_what_the_citation_says():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert project["version"] == citation["version"] and project["license"] == citation["license"]
    assert [author["name"] for author in project["authors"]] == [author["name"] for author in citation["authors"]]
