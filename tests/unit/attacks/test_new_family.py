"""A family that the project does not know, added to a copy of it as CONTRIBUTING.md says: one package and one line."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import pandas as pd
import pytest
import yaml
from contributing import apply_diff, shown_code
from snakemake_runs import copy_repository
from support import command_line, make_run, run_program

from advmri.storage.hdf5_digest import DIGEST, content_digest
from workflow_scripts import validate

PACKAGE = Path(__file__).with_name("coil_gain")
MODULES = ("settings", "stored", "attack", "verification")
ATTACK = {"threat_model": "coil_gain", "target": "box", "severities": [0, 0.1]}
ROLES = {"region_attack": "gain", "image_attack": None, "control_attack": None, "rotation_attack": None}
OF_THE_RUN = {"models": [["m", "Small"]], "accelerations": [4]}
PLAN = """
import json, sys, yaml
from advmri.config.figure_plan import FigurePlan
from advmri.config.validate import validate_config
config = yaml.safe_load(open("config.yaml"))
changes = json.loads(sys.argv[1])
plan = FigurePlan(validate_config(config | {name: config[name] | part for name, part in changes.items()}))
print(json.dumps([plan.settings("figure_1a"), plan.labels("figure_1a")]))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project with the family: its package, and the lines that CONTRIBUTING.md adds to the union."""
    folder = tmp_path_factory.mktemp("project")
    copy_repository(folder)
    shutil.copytree(PACKAGE, folder / "advmri" / "attacks" / "coil_gain")
    union = folder / "advmri" / "attacks" / "settings.py"
    (added,) = [diff for diff in shown_code("diff") if "CoilGainAttack" in diff]
    apply_diff(added, union)
    return folder


def program(project, name, check=True, **options):
    """Run a program of the copy in a process of its own."""
    command = [sys.executable, "-m", f"workflow_scripts.{name}", *command_line(options)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def run(project, tmp_path_factory):
    """Attack and score; the folder of the run."""
    folder = tmp_path_factory.mktemp("run")
    paths = make_run(folder, "unet", slices=2)
    job = folder / "attacks" / "gain" / "m-4x" / "v1" / "slices_000-001.h5"
    names = {"attack": "gain", "model": "m", "acceleration": 4, "seed": 1, "slices": "000-001", "device": "cpu"}
    program(project, "attack", settings=json.dumps(ATTACK), output=job, **names, **paths)
    scores = folder / "metrics" / "gain" / "m-4x" / "v1" / "slices_000-001.csv"
    program(project, "score", attack_file=job, index=paths["index"], output=scores)
    facts = {"checkpoint": paths["checkpoint"], "model": "m", "acceleration": 4, "device": "cpu"}
    validation = folder / "validation.csv"
    run_program(validate, **facts, volumes=[paths["volume"]], masks=[paths["mask"]], output=validation)
    program(
        project,
        "collect",
        results=folder,
        series="gain/m-4x",
        jobs="v1/000-001",
        indices=paths["index"],
        annotations=folder / "boxes.csv",
        validation_volumes="v1",
        validations=validation,
        resamples=10,
        **{name: folder / f"{name}.csv" for name in ("metrics", "summary", "excluded", "quality")},
    )
    return folder, job


def test_contributing_shows_the_family_that_is_tested():
    shown = shown_code("python")
    for name in MODULES:
        assert (PACKAGE / f"{name}.py").read_text() in shown, f"CONTRIBUTING.md does not show {name}.py as it is"


def test_its_attack_file_is_verified(project, run):
    _, job = run
    assert "2 slices agree" in program(project, "verify_attack", verify=job, device="cpu").stderr


def test_a_forged_gain_is_named(project, run, tmp_path):
    copy = tmp_path / "forged.h5"
    shutil.copy(run[1], copy)
    with h5py.File(copy, "r+") as file:
        file["slice_000/box_0/gain_error"][1] = 0.2
        file["slice_000"].attrs[DIGEST] = content_digest(file["slice_000"])
    done = program(project, "verify_attack", check=False, verify=copy, device="cpu")
    assert done.returncode == 1 and "gain_error: 0.2000 is beyond severity 0.1" in done.stderr


def test_its_columns_stand_beside_those_of_the_other_families(run):
    table = pd.read_csv(run[0] / "metrics.csv")
    assert list(table.columns)[-2:] == ["shift_columns", "gain_error"]
    assert set(table.gain_error.abs().round(6)) == {0, 0.1}
    assert table[["relative_norm", "thermal_multiple", "angle", "shift_rows", "shift_columns"]].isna().all(axis=None)
    boxes = table[table.region == "box"]
    assert (boxes[boxes.severity > 0].ssim < boxes[boxes.severity > 0].clean_ssim).all()


def test_figure_1a_draws_it(project, run):
    folder, _ = run
    files = {kind: folder / f"figure_1a.{kind}" for kind in ("svg", "png", "csv")}
    tables = {name: folder / f"{name}.csv" for name in ("metrics", "summary", "quality")}
    places = {"figure": "figure_1a"}
    changes = json.dumps({"attacks": {"gain": ATTACK}, "figures": ROLES})
    command = [sys.executable, "-c", PLAN, changes]
    planned = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    settings, labels = json.loads(planned.stdout)
    program(project, "figure", settings=json.dumps(json.loads(settings) | OF_THE_RUN), **places, **tables, **files)
    drawn = pd.read_csv(files["csv"])
    assert drawn[drawn.series == "attacked"].severity.tolist() == [0, 0.1]
    text = files["svg"].read_text()
    assert "Gain error (%)" in text and "noise" not in text.lower()
    assert labels["shows"] == "SSIM in boxes against perturbation level"


def test_the_workflow_plans_it_as_the_region_attack(project):
    """The role takes it, its modules count in the digests, and an edit of how it is read attacks nothing anew."""
    config = {"attacks": {"gain": ATTACK}, "figures": {"region_attack": "gain"}}
    (project / "gain.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "-n", "-p", "--cores", "1", "--configfile", "configs/tiny.yaml"]
    done = subprocess.run([*command, "gain.yaml"], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "workflow_scripts.attack --attack gain" in done.stdout and '"region_attack": "gain"' in done.stdout
    listed = "from advmri.attacks.settings import *\nkind = kinds_of('coil_gain')['every_coil']\n"
    listed += (
        "from advmri.provenance.sources import sources\nfor file in sources(kind(threat_model='coil_gain').modules()"
    )
    found = []
    for modules in ("", " + kind.reading_modules()"):
        code = f"{listed}{modules}): print(file)"
        shown = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True)
        found.append(set(shown.stdout.split()))
    attacking, reading = found
    assert "advmri/attacks/coil_gain/attack.py" in attacking
    assert reading - attacking == {"advmri/attacks/coil_gain/stored.py"}
