"""Figures and claims need no attack files: a copy of the tables and the showcase gives the same bytes."""

import json
import shlex
import shutil
import subprocess

from snakemake_runs import TINY
from support import run_program

from advmri.config.figure_plan import FIGURES
from advmri.provenance.run_record import read_record
from workflow_scripts import claims, figure

KINDS = ("svg", "png", "csv")
TABLES = ("metrics", "summary", "quality")


def test_every_figure_is_redrawn_from_a_copy_of_tables_and_showcase(finished, tmp_path):
    results = finished.folder / "results" / "tiny"
    shutil.copytree(results / "tables", tmp_path / "tables")
    shutil.copy(results / "showcase.h5", tmp_path)
    tables = {name: tmp_path / "tables" / f"{name}.csv" for name in TABLES}
    for name in FIGURES:
        record = read_record(results / "figures" / f"{name}.png")
        assert "attack_files" not in record["inputs"] and {*TABLES} <= set(record["inputs"])
        settings = read_text_argument(results / "figures" / f"{name}.png", "settings")
        files = {kind: tmp_path / f"{name}.{kind}" for kind in KINDS}
        run_program(figure, figure=name, settings=settings, showcase=tmp_path / "showcase.h5", **tables, **files)
        for kind, path in files.items():
            assert path.read_bytes() == (results / "figures" / f"{name}.{kind}").read_bytes(), path.name


def read_text_argument(path, name):
    """An argument as it was given: records keep JSON decoded."""
    value = read_record(path)["arguments"][name]
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def test_claims_are_judged_again_from_a_copy_of_the_tables(finished, tmp_path):
    tables = finished.folder / "results" / "tiny" / "tables"
    shutil.copytree(tables, tmp_path / "tables")
    given = read_record(tables / "claims.csv")["arguments"]
    named = {name: read_text_argument(tables / "claims.csv", name) for name in ("roles", "pairs", "settings")}
    named |= {name: given[name] for name in ("confidence", "resamples", "seed")}
    files = {name: tmp_path / "tables" / f"{name}.csv" for name in ("metrics", "sweeps", "quality")}
    run_program(claims, **files, **named, output=tmp_path / "claims.csv")
    assert (tmp_path / "claims.csv").read_bytes() == (tables / "claims.csv").read_bytes()


def test_another_look_needs_no_attack_file(edited):
    """With Snakemake: the style is edited where the attack files are gone, and the figures alone are drawn."""
    results = edited.folder / "results" / "tiny"
    before = {path: path.read_bytes() for path in (results / "figures").glob("figure_*.*")}
    shutil.rmtree(results / "attacks")
    edited.append("advmri/figures/style.py", "\n# another line\n")
    assert edited.planned_rules(*TINY) == {"figure": len(FIGURES), "training_figure": 1, "provenance_table": 1}
    status, text = edited.run(*TINY)
    assert status == 0, text
    assert {path: path.read_bytes() for path in before} == before and not (results / "attacks").exists()
    advice = "mkdir -p results/tiny/attacks"
    assert f"`{advice}` asks for the files" in text
    subprocess.run(shlex.split(advice), cwd=edited.folder, check=True)
    assert edited.planned_rules(*TINY)["attack"] == len(list((results / "metrics").glob("*/*/*/slices_*.csv")))
