"""The report: made without a network, and whole in one file."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from snakemake_runs import TINY, copy_repository

ALONE = ["unshare", "--map-root-user", "--net"]


def test_the_report_needs_no_network(finished, tmp_path):
    if not shutil.which("unshare") or subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let a process give up its network (unshare)")
    page = tmp_path / "report.html"
    done = subprocess.run(
        [*ALONE, sys.executable, "-m", "snakemake", *TINY, "--report", page],
        cwd=finished.folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    text = page.read_text(encoding="utf-8")
    loaded = re.findall(r"""<(?:script|link|img|iframe)[^>]+(?:src|href)=["']?(https?:[^"'> ]+)""", text)
    assert not loaded
    for figure in ("figure_1a.png", "figure_5.png"):
        assert figure in text
    check_menus(text)


def test_a_report_of_no_finished_run_says_how_to_name_one(tmp_path):
    """The default config is not that of the run which is there."""
    workflow = copy_repository(tmp_path)
    last = tmp_path / "results" / "tiny" / "tables" / "provenance.csv"
    last.parent.mkdir(parents=True)
    last.touch()
    status, text = workflow.run("--report", tmp_path / "report.html")
    assert status == 1 and "Traceback" not in text and "marked for report" not in text
    assert "results/demo: no finished run to report" in text and "finished here: tiny." in text
    assert "give --configfile (and --config) as when it ran" in text


def constant(text, name):
    """A constant of the page's scripts."""
    return json.JSONDecoder().raw_decode(text, re.search(rf"var {name} = (?=[{{])", text).end())[0]


def check_menus(text):
    """A menu fails (Snakemake 9.27) where two labels of its entries have two values each: it makes switches of them."""
    results, menus = constant(text, "results"), constant(text, "categories")
    assert {"Figures", "Tables"} == set(menus)
    for menu in menus.values():
        for entries in menu.values():
            labels = [results[path]["labels"] for path in entries]
            assert sum(len({one[key] for one in labels}) == 2 for key in labels[0]) < 2
