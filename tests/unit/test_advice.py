"""Whatever a message tells the user to type is tried by a test: commands, variables, options and keys of the config.

Messages are all strings of the library and its programs but docstrings; those of programs are shown by `--help`.
"""

import ast
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel
from support import ROOT

from advmri.config.schema import Config

FILES = sorted([*ROOT.glob("advmri/**/*.py"), *ROOT.glob("workflow_scripts/*.py")])
QUOTED = r"`[^`]+`"
IN_BRACKETS = r"\((?:rm|pip|python|make|touch|scancel|export|\.) [^()]*\)"
COMMAND = (
    r"\b(?:advmri (?:run|init|verify|trace|import|card)|snakemake --[a-z-]+|python -m [\w.]+|pip install|scancel)\b"
)
VARIABLE = r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*(?:_|PATH)[A-Z]*\b(?:=\w+)?"
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
PATTERNS = ("compile", "filterwarnings")
"""Functions whose texts nobody reads."""
ADVICE = re.compile("|".join([QUOTED, IN_BRACKETS, COMMAND, VARIABLE]))


@cache
def parsed(path):
    return ast.parse(path.read_text())


@cache
def constants(path):
    """Module-level names of texts: its own, and those that it imports from the project."""
    found = {}
    for node in parsed(path).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            other = ROOT / f"{node.module.replace('.', '/')}.py"
            if other.is_file():
                found |= {name.name: constants(other).get(name.name) for name in node.names}
        elif (
            isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        ):
            found |= {target.id: node.value.value for target in node.targets if isinstance(target, ast.Name)}
    return {name: text for name, text in found.items() if text is not None}


def text_of(node, known):
    """A string as it is printed; `{...}` for what is not known before."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.FormattedValue):
        name = node.value.id if isinstance(node.value, ast.Name) else None
        return known.get(name, "{...}")
    return "".join(text_of(part, known) for part in node.values)


def messages(path):
    """Every text of several words in a file, with its line: without docstrings but that of a program."""
    known, left_out, nodes = constants(path), set(), list(ast.walk(parsed(path)))
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            left_out |= {id(part) for part in ast.walk(node) if part is not node}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PATTERNS:
            left_out |= {id(part) for part in ast.walk(node)}
        body = getattr(node, "body", None)
        left_out |= {id(one.value) for one in (body if isinstance(body, list) else []) if isinstance(one, ast.Expr)}
    if "parser(__doc__)" in path.read_text():
        left_out.discard(id(parsed(path).body[0].value))
    for node in nodes:
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and id(node) not in left_out:
            text = text_of(node, known)
            if " " in text.strip():
                yield node.lineno, text


@cache
def all_messages():
    return [(f"{path.relative_to(ROOT)}:{line}", text) for path in FILES for line, text in messages(path)]


def found(pattern):
    """Whatever of a pattern is in messages, with the places."""
    places = {}
    for place, text in all_messages():
        for one in pattern.findall(text):
            places.setdefault(one, []).append(place)
    return places


IN_A_FOLDER = "workflow/test_package.py::test_an_audit_is_started_planned_run_and_verified_in_an_empty_folder"
KEYWORD = "unit/volumes/test_fastmri_plus.py::test_a_keyword_stands_for_a_published_file"
TAKEN_OVER = "workflow/test_own_networks.py::test_fastmris_weights_are_imported"
OWN_FACTORY = (
    "workflow/test_own_networks.py::test_a_factorys_network_is_audited_beside_the_others_and_reruns_with_its_code"
)
LOCKS = "unit/storage/test_access.py::test_locks_that_the_environment_asks_for_are_named_with_the_way_out"
OUTSIDE = "unit/test_outside_environment.py::test_the_advice_followed"
TRIED = {
    "advmri run": IN_A_FOLDER,
    "advmri init": IN_A_FOLDER,
    "advmri import": "unit/test_cli.py::test_import_makes_a_volume_whose_record_names_the_program",
    "`{...} -n`": IN_A_FOLDER,
    "`{...}`": IN_A_FOLDER,
    "snakemake --snakefile": "workflow/test_other_folders.py::test_any_folder_plans_with_the_snakefile_elsewhere",
    "`advmri init`": IN_A_FOLDER,
    "`snakemake`": "workflow/test_job_counts.py::test_default_config",
    "`snakemake --help`": "unit/test_advice.py::test_options_of_snakemake_are_its_own",
    "`config: config[...]`": "workflow/test_other_folders.py::test_a_module_plans_what_the_workflow_does",
    "`fastmri+`": KEYWORD,
    "`annotations`": KEYWORD,
    "`mkdir -p {...}`": "workflow/test_redraw.py::test_another_look_needs_no_attack_file",
    "`name`": "unit/storage/test_run_lock.py::test_a_run_that_goes_on_is_named_and_then_makes_room",
    "`checkpoint`": TAKEN_OVER,
    "`trained_on: train`": TAKEN_OVER,
    "`train+val`": TAKEN_OVER,
    "`factory`": OWN_FACTORY,
    "PYTHONPATH": "unit/test_advice.py::test_a_factory_is_found_where_pythonpath_leads",
    "HAS_WEIGHTS": "unit/config/test_config.py::test_any_module_may_say_that_it_has_no_weights",
    "(python -c {...})": "unit/reconstruction/weights/test_takeover.py"
    "::test_a_class_in_a_checkpoint_is_named_with_a_way_out_that_leads_out",
    "(rm {...})": "workflow/test_faults.py::test_damaged_files_are_named_and_made_anew",
    "HDF5_USE_FILE_LOCKING": LOCKS,
    "HDF5_USE_FILE_LOCKING=FALSE": LOCKS,
    "HDF5_PLUGIN_PATH": "unit/volumes/test_hdf5_filters.py::test_the_folder_of_a_plugin_is_searched",
    "(pip install hdf5plugin)": "unit/volumes/test_hdf5_filters.py::test_the_advice_followed",
    "XDG_CACHE_HOME": "unit/test_cli.py::test_a_home_that_cannot_be_written_is_no_hindrance",
    "(. {...})": OUTSIDE,
    "`make -B -C {...} environment`": OUTSIDE,
    "`pip install .`": IN_A_FOLDER,
    "python -m workflow_scripts.trace": "workflow/test_end_to_end.py::test_a_number_is_traced_to_its_origins",
    "`python -m workflow_scripts.verify_attack --help`": "unit/workflow_scripts/test_program.py"
    "::test_every_program_explains_itself",
    "`--verify FILE`": "unit/workflow_scripts/test_verify_attack.py::test_the_attack_program_hands_over",
}
"""The test that does what a message says, below tests/."""
NAMES = {"`perturbed_target`", "`arrays`", "`key: value`", "CORPDFS_FBK"}
"""Of data, not of anything to type."""


def test_whatever_is_to_be_typed_is_tried():
    advised = found(ADVICE)
    new = {one: places for one, places in advised.items() if one not in {*TRIED, *NAMES}}
    assert not new, "write a test that does what the message says, and name it in TRIED"
    assert not {*TRIED, *NAMES} - set(advised), "no message says this any more"


@pytest.mark.parametrize("test", sorted(set(TRIED.values())))
def test_the_tests_named_are_there(test):
    file, _, name = test.partition("::")
    assert name in {node.name for node in parsed(ROOT / "tests" / file).body if isinstance(node, ast.FunctionDef)}


def test_rules_have_no_messages_of_their_own():
    """Those that they print are of the library, where this file looks for them."""
    for path in [ROOT / "Snakefile", *ROOT.glob("rules/*.smk")]:
        assert not re.search(r"(?:Error|print|warning)\(\s*f?[\"'](?!\{error\}|note: \{note\})", path.read_text()), path


def options_of_programs():
    """Every option that a program, or `advmri run`, has."""
    names = set()
    for path in [*ROOT.glob("workflow_scripts/*.py"), ROOT / "advmri" / "cli.py"]:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
                names |= {one.value for one in node.args if isinstance(one, ast.Constant)}
    return names


def test_options_of_snakemake_are_its_own():
    """Those that messages name beside the programs', read by its own parser."""
    from snakemake.cli import get_argument_parser

    named = set(found(OPTION)) - options_of_programs()
    assert named == {"--help", "--cores", "--config", "--report", "--snakefile"}
    words = ["-n", "--cores", "2", "--configfile", "config.yaml", "--config", "seed=3", "--report", "report.html"]
    words += ["--snakefile", "Snakefile"]
    read = get_argument_parser().parse_args(words)
    assert read.dryrun and read.report == Path("report.html") and read.configfile == [Path("config.yaml")]


SECTION = re.compile(rf"\b(?:{'|'.join(Config.model_fields)})(?:\.(?:<?[a-z_]+>?|\{{\.\.\.\}}))+")
FILE_ENDINGS = (".csv", ".json", ".h5", ".py", ".yaml")


def models_in(annotation):
    """The settings models that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return set().union(*map(models_in, get_args(annotation))) if get_args(annotation) else set()


def is_key(keys):
    """Whether this leads to a field from the config's root; a name stands for itself in mappings."""
    models = {Config}
    in_mapping = False
    for key in keys:
        if in_mapping and key == "<name>":
            in_mapping = False
            continue
        fields = [model.model_fields[key].annotation for model in models if key in model.model_fields]
        if not fields:
            return key == "<name>"
        models = set().union(*map(models_in, fields))
        in_mapping = any(getattr(one, "__origin__", None) is dict for one in fields)
    return True


def test_keys_of_the_config_that_messages_name_are_keys():
    wrong = {}
    for one, places in found(SECTION).items():
        if not one.endswith(FILE_ENDINGS) and not is_key(one.replace("{...}", "<name>").split(".")):
            wrong[one] = places
    assert not wrong


def test_a_factory_is_found_where_pythonpath_leads(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "my_networks.py").write_text("def make():\n    pass\n")
    asked = "from advmri.config.factory_code import is_found; print(is_found('my_networks:make'))"
    for more, answer in (([], "False"), ([tmp_path / "elsewhere"], "True")):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [ROOT, *more]))}
        command = [sys.executable, "-c", asked]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == answer
