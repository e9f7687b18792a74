"""Folders import downwards only (design.md, section 1)."""

import ast

import pytest
from support import ROOT

MODULES = sorted([*ROOT.glob("advmri/**/*.py"), *ROOT.glob("workflow_scripts/*.py")])
FORBIDDEN = {
    "advmri/": ("workflow_scripts", "snakemake"),
    "workflow_scripts/": ("snakemake",),
    "advmri/reconstruction/": ("advmri.attacks", "advmri.training", "advmri.figures", "advmri.simulation"),
    "advmri/attacks/": ("advmri.training", "advmri.figures", "advmri.simulation", "advmri.scoring", "advmri.config"),
    "advmri/training/": ("advmri.attacks", "advmri.figures", "advmri.simulation", "advmri.config"),
    "advmri/simulation/": ("advmri.attacks", "advmri.training", "advmri.reconstruction", "advmri.config", "torch"),
    "advmri/claims/": ("advmri.attacks", "advmri.training", "advmri.reconstruction", "advmri.figures", "advmri.config"),
    "advmri/figures/": ("advmri.training", "advmri.reconstruction", "advmri.simulation", "advmri.config", "torch"),
    "advmri/kspace.py": ("advmri",),
    "advmri/masks.py": ("advmri",),
    "advmri/errors.py": ("advmri",),
}


def imports(path):
    """Every module that a source file imports, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_downwards(path):
    place = path.relative_to(ROOT).as_posix()
    for folder, above in FORBIDDEN.items():
        if place.startswith(folder):
            wrong = {name for name in imports(path) if name.startswith(tuple(f"{one}." for one in above))}
            wrong |= imports(path) & set(above)
            assert not wrong, f"{place} imports {wrong}"


def test_programs_import_no_other_program():
    shared = {
        "attack_inputs",
        "figure_files",
        "partial_folder",
        "program",
        "table_output",
        "termination",
        "torch_setup",
    }
    for path in ROOT.glob("workflow_scripts/*.py"):
        others = {name.split(".")[1] for name in imports(path) if name.startswith("workflow_scripts.")}
        assert others <= shared, path


def test_snakefiles_import_only_the_light_parts():
    light = ("attacks.settings", "config", "errors", "factory_code", "planning", "provenance")
    allowed = {f"advmri.{name}" for name in light}
    for path in [ROOT / "Snakefile", *ROOT.glob("rules/*.smk")]:
        lines = [line.split() for line in path.read_text().splitlines() if line.startswith(("import ", "from "))]
        assert {words[1] for words in lines if words[1].startswith(("advmri", "workflow_scripts"))} <= allowed
        assert not {words[1].split(".")[0] for words in lines} & {"torch", "numpy", "pandas", "h5py"}
