"""A job stops where the code that it has loaded is not the code that its run was planned with."""

import hashlib
import json
import os
import sys
from importlib import import_module

import pytest
from snakemake_runs import copy_repository
from support import ROOT

from advmri.config.factory_code import outside_files
from advmri.errors import InputError
from advmri.provenance import loaded_code, planned_code
from advmri.provenance.planned_code import VARIABLE, check_compiled_code, check_loaded_code, note_planned_code
from advmri.provenance.run_record import code_state
from advmri.reconstruction.kernels import native, winograd
from workflow_scripts.program import write_text


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """No plan, and no module compared yet."""
    monkeypatch.setattr(planned_code, "_COMPARED", set())
    monkeypatch.setattr(loaded_code, "_NOTED", set())
    monkeypatch.setattr(loaded_code, "_DIGESTS", {})
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
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
    names = {"advmri.seeds", "workflow_scripts.attack", "advmri.attacks.noise.optimisers.pgd"}
    kernels = ("winograd.c", "winograd_tiles.h")
    expected = {"advmri/__init__.py", *(f"{name.replace('.', '/')}.py" for name in names)}
    assert expected | {f"advmri/reconstruction/kernels/{name}" for name in kernels} <= plan.keys()
    check_loaded_code()
    assert "advmri.provenance.planned_code" in planned_code._COMPARED


@pytest.mark.parametrize("when", ["at the start", "before it writes"])
def test_a_module_of_another_content_is_named(fresh, when):
    note_planned_code([], fresh)
    path, plan = plan_of(fresh)
    path.write_text(json.dumps(plan | {"advmri/errors.py": "0" * 64}))
    checked = {"at the start": check_loaded_code, "before it writes": lambda: write_text(fresh / "result.csv", "")}
    with pytest.raises(InputError, match=r"advmri/errors\.py: edited since this run was planned"):
        checked[when]()
    assert not (fresh / "result.csv").exists()


def test_what_is_not_loaded_does_not_count(fresh):
    note_planned_code([], fresh)
    path, plan = plan_of(fresh)
    path.write_text(json.dumps(plan | {"advmri/never_loaded.py": "0" * 64}))
    check_loaded_code()


def test_a_job_started_by_hand_compares_nothing():
    check_loaded_code()
    os.environ[VARIABLE] = "/nowhere/code.json"
    check_loaded_code()


def test_users_modules_in_the_folder_count(fresh):
    (fresh / "mine.py").write_text("import parts\n")
    (fresh / "parts.py").write_text("")
    note_planned_code(["mine"], fresh / "plans")
    assert {"mine.py", "parts.py"} <= plan_of(fresh / "plans")[1].keys()


@pytest.fixture
def by_name(fresh):
    """A module that is not loaded yet, forgotten afterwards."""
    (fresh / "by_name.py").write_text("STATE = 'planned'\n")
    yield fresh / "by_name.py"
    sys.modules.pop("by_name", None)


def test_what_is_loaded_by_name_is_compared_when_it_is_loaded(fresh, by_name):
    """Put back before anything is written, an edit would be seen by nobody."""
    note_planned_code(["by_name"], fresh / "plans")
    check_loaded_code()
    by_name.write_text("STATE = 'edited'\n")
    with pytest.raises(InputError, match=r"by_name\.py: edited since this run was planned"):
        import_module("by_name")
    assert "by_name" not in sys.modules
    by_name.write_text("STATE = 'planned'\n")
    assert import_module("by_name").STATE == "planned"
    check_loaded_code()


def test_the_projects_own_by_name_too(fresh, monkeypatch):
    """The objective of an attack, whose program loads it at the first slice."""
    name = "advmri.attacks.noise.objectives.l2"
    monkeypatch.delitem(sys.modules, name, raising=False)
    note_planned_code([], fresh)
    path, plan = plan_of(fresh)
    path.write_text(json.dumps(plan | {f"{name.replace('.', '/')}.py": "0" * 64}))
    check_loaded_code()
    with pytest.raises(InputError, match=r"objectives/l2\.py: edited"):
        import_module(name)


def test_a_factory_elsewhere_counts_with_its_package(fresh, monkeypatch):
    package = fresh / "elsewhere" / "nets"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "net.py").write_text("import nets.layers\n")
    (package / "layers.py").write_text("")
    # Of an extension of its own: its C file is not of those that this project compiles.
    (package / "net.c").write_text("")
    monkeypatch.syspath_prepend(str(package.parent))
    note_planned_code([], fresh / "plans", outside=outside_files("nets.net:make"))
    assert {"nets/__init__.py", "nets/net.py", "nets/layers.py"} <= plan_of(fresh / "plans")[1].keys()
    check_loaded_code()
    try:
        import_module("nets.net")
        check_loaded_code()
        for name in ("nets.net", "nets.layers"):
            del sys.modules[name]
        (package / "layers.py").write_text("EDITED = True\n")
        with pytest.raises(InputError, match=r"nets/layers\.py: edited"):
            import_module("nets.net")
    finally:
        for name in ("nets", "nets.net", "nets.layers"):
            sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["winograd.c", "winograd_tiles.h"])
def test_an_edited_kernel_is_not_compiled(fresh, name, monkeypatch):
    note_planned_code([], fresh)
    path, plan = plan_of(fresh)
    check_compiled_code(winograd.SOURCE)
    planned_code._read_plan.cache_clear()
    path.write_text(json.dumps(plan | {f"advmri/reconstruction/kernels/{name}": "0" * 64}))
    monkeypatch.setattr(native, "_compile", lambda *words: pytest.fail("compiled"))
    with pytest.raises(InputError, match=rf"kernels/{name}: edited since this run was planned"):
        native.load_native.__wrapped__(winograd.SOURCE)
    with pytest.raises(InputError, match=rf"kernels/{name}: edited"):
        check_loaded_code()


def test_the_record_has_the_code_that_was_loaded(fresh, by_name):
    """An edit after a module was loaded has not run; by a plan or by hand."""
    import_module("by_name")
    check_loaded_code()
    before = code_state()["sha256"]
    by_name.write_text("STATE = 'edited'\n")
    check_loaded_code()
    assert code_state()["sha256"] == before
    assert loaded_code._DIGESTS[by_name.resolve()] == hashlib.sha256(b"STATE = 'planned'\n").hexdigest()
    loaded_code._DIGESTS.clear()
    loaded_code._NOTED.clear()
    assert code_state()["sha256"] != before


def test_the_record_counts_kernels(fresh):
    check_loaded_code()
    assert ROOT / "advmri/reconstruction/kernels/winograd_tiles.h" in loaded_code._DIGESTS


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
