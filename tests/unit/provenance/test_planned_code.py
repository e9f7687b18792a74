"""A job stops where the code that it has loaded is not the code that its run was planned with."""

import json
import os

import pytest
from snakemake_runs import copy_repository

from advmri.errors import InputError
from advmri.provenance import planned_code
from advmri.provenance.planned_code import VARIABLE, check_loaded_code, note_planned_code
from workflow_scripts.program import write_text


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """No plan, and no module compared yet."""
    monkeypatch.setattr(planned_code, "_COMPARED", set())
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan_of(folder):
    (path,) = folder.glob("code-*.json")
    return path, json.loads(path.read_text())


def test_the_code_as_planned_passes(fresh):
    note_planned_code([], fresh)
    path, plan = plan_of(fresh)
    assert os.environ[VARIABLE] == str(path)
    assert {"advmri", "advmri.seeds", "workflow_scripts.attack", "advmri.attacks.noise.optimisers.pgd"} <= plan.keys()
    check_loaded_code()
    assert "advmri.provenance.planned_code" in planned_code._COMPARED


@pytest.mark.parametrize("when", ["at the start", "before it writes"])
def test_a_module_of_another_content_is_named(fresh, when):
    note_planned_code([], fresh)
    path, plan = plan_of(fresh)
    path.write_text(json.dumps(plan | {"advmri.errors": "0" * 64}))
    checked = {"at the start": check_loaded_code, "before it writes": lambda: write_text(fresh / "result.csv", "")}
    with pytest.raises(InputError, match=r"advmri/errors\.py: edited since this run was planned"):
        checked[when]()
    assert not (fresh / "result.csv").exists()


def test_what_is_not_loaded_does_not_count(fresh):
    note_planned_code([], fresh)
    path, plan = plan_of(fresh)
    path.write_text(json.dumps(plan | {"advmri.never_loaded": "0" * 64}))
    check_loaded_code()


def test_a_job_started_by_hand_compares_nothing():
    check_loaded_code()
    os.environ[VARIABLE] = "/nowhere/code.json"
    check_loaded_code()


def test_users_modules_in_the_folder_count(fresh):
    (fresh / "mine.py").write_text("import parts\n")
    (fresh / "parts.py").write_text("")
    note_planned_code(["mine"], fresh / "plans")
    assert {"mine", "parts"} <= plan_of(fresh / "plans")[1].keys()


def test_the_same_code_is_noted_once(fresh):
    for _ in range(2):
        note_planned_code([], fresh)
    plan_of(fresh)


def test_a_folder_that_cannot_be_written_is_named(fresh):
    (fresh / "plans").write_text("")
    with pytest.raises(InputError, match=r"plans/code-.*\.json: cannot be written"):
        note_planned_code([], fresh / "plans")


def test_notes_that_no_run_has_needed_for_long_go(fresh):
    (fresh / "code-0.json").write_text("{}")
    os.utime(fresh / "code-0.json", (0, 0))
    note_planned_code([], fresh)
    plan_of(fresh)


WORKFLOW = """
import sys
sys.path.insert(0, ".")
from advmri.provenance.planned_code import note_planned_code
if workflow.is_main_process:
    note_planned_code([])
rule all:
    input: "b.csv"
rule first:
    output: "a.csv"
    shell:
        f"{sys.executable} -m workflow_scripts.simulate_annotations --settings {{{{}}}} --seed 1 --output {{output}}"
        " && echo '#' >> advmri/errors.py"
rule second:
    input: "a.csv"
    output: "b.csv"
    shell: f"{sys.executable} -m workflow_scripts.simulate_annotations --settings {{{{}}}} --seed 1 --output {{output}}"
"""


def test_an_edit_while_a_run_goes_on_stops_it(fresh):
    """The first job edits a source file, as a user may; the next does not write, until it is planned again."""
    workflow = copy_repository(fresh)
    (fresh / "Snakefile").write_text(WORKFLOW)
    status, text = workflow.run(cores=1)
    assert status != 0 and "edited since this run was planned" in text, text
    assert (fresh / "a.csv").exists() and not (fresh / "b.csv").exists()
    status, text = workflow.run(cores=1)
    assert status == 0 and (fresh / "b.csv").exists(), text
