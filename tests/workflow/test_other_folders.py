"""The workflow started from other folders, and as a module of another workflow: from a copy without git."""

import pytest
import yaml
from snakemake_runs import Workflow
from support import write_csv, write_small_volume

from advmri.provenance.run_record import read_record
from advmri.storage.tables import read_table

OUTER = """
configfile: "study.yaml"

rule all:
    default_target: True
    input:
        {targets}
"""
MODULE = """
module {name}:
    snakefile: "{snakefile}"
    {prefix}
    config: config["advmri"]

use rule * from {name} as {name}_*
"""


def outer(repository, folder, *modules, targets, config):
    """A workflow of someone else in `folder`, with AdvMRI as modules: (name, prefix or None)."""
    text = "".join(
        MODULE.format(name=name, snakefile=repository.folder / "Snakefile", prefix=f'prefix: "{prefix}"' * bool(prefix))
        for name, prefix in modules
    )
    (folder / "Snakefile").write_text(OUTER.replace("\nrule", f"{text}\nrule").format(targets=", ".join(targets)))
    (folder / "study.yaml").write_text(yaml.safe_dump({"other": "of the study's own", "advmri": config}))
    return Workflow(folder)


@pytest.fixture
def tiny(repository):
    return yaml.safe_load((repository.folder / "configs" / "tiny.yaml").read_text())


def test_any_folder_plans_with_the_snakefile_elsewhere(repository, tmp_path):
    words = (
        "--snakefile",
        repository.folder / "Snakefile",
        "--configfile",
        repository.folder / "configs" / "tiny.yaml",
    )
    before = sorted((repository.folder / "results").glob("*"))
    expected = repository.planned("--configfile", "configs/tiny.yaml")
    assert sorted(Workflow(tmp_path).planned(*words), key=repr) == sorted(expected, key=repr)
    inside = tmp_path / "inside"
    inside.mkdir()
    assert len(repository.planned("--directory", inside, "--configfile", "configs/tiny.yaml")) == len(expected)
    assert sorted((repository.folder / "results").glob("*")) == before


def test_the_catalogues_test_case_and_its_snakefile_plan(repository):
    counts = repository.planned_rules("--directory", ".test")
    assert counts["attack"] >= 1 and counts["provenance_table"] == 1
    named = repository.planned_rules("--directory", ".test", "--snakefile", "workflow/Snakefile")
    assert named == counts | {"audit": 1}


def test_a_missing_config_is_one_sentence(repository, tmp_path, tiny):
    status, text = Workflow(tmp_path).run("--dry-run", "--snakefile", repository.folder / "Snakefile")
    assert status != 0 and "config.yaml" in text.splitlines()[-1] and "required" not in text
    study = outer(repository, tmp_path, ("advmri", None), targets=["rules.advmri_all.input"], config={})
    status, text = study.run("--dry-run")
    assert status != 0 and "there is no config: give one" in text and "required" not in text and "Traceback" not in text


def test_another_copy_in_the_folder_is_refused(repository, tmp_path):
    (tmp_path / "workflow_scripts").mkdir()
    (tmp_path / "workflow_scripts" / "__init__.py").touch()
    words = (
        "--snakefile",
        repository.folder / "Snakefile",
        "--configfile",
        repository.folder / "configs" / "tiny.yaml",
    )
    status, text = Workflow(tmp_path).run("--dry-run", *words)
    assert status != 0 and "holds another copy of AdvMRI" in text and "Traceback" not in text


@pytest.mark.parametrize("prefix", [None, "audit"])
def test_a_module_plans_what_the_workflow_does(repository, tmp_path, tiny, prefix):
    study = outer(repository, tmp_path, ("advmri", prefix), targets=["rules.advmri_all.input"], config=tiny)
    rules = {rule.removeprefix("advmri_"): count for rule, count in study.planned_rules().items()}
    assert rules == repository.planned_rules("--configfile", "configs/tiny.yaml")


def test_a_prefix_leaves_given_data_and_a_module_takes_the_studys_network(repository, tmp_path, tiny):
    write_small_volume(tmp_path / "scans" / "multicoil_val" / "v1.h5")
    write_csv(tmp_path / "boxes.csv", [("v1", 0, "No", 4, 6, 9, 8, "tear")])
    (tmp_path / "mine.py").write_text("def make():\n    return None\n")
    (tmp_path / "weights.pt").touch()
    config = tiny | {
        "dataset": {"kind": "fastmri", "name": "scans", "root": "scans", "annotations": "boxes.csv"},
        "models": {"unet": None, "varnet": None, "mine": {"factory": "mine:make", "checkpoint": "weights.pt"}},
    }
    config["models"]["mine"]["trained_on"] = "train"
    targets = ['"audit/results/tiny/tables/summary.csv"']
    study = outer(repository, tmp_path, ("advmri", "audit"), targets=targets, config=config)
    assert study.planned_rules()["advmri_import_checkpoint"] == 1
    status, text = study.run("--dry-run")
    given = [tmp_path / name for name in ("scans/multicoil_val/v1.h5", "boxes.csv", "weights.pt", "mine.py")]
    assert status == 0 and all(f" {path}" in text for path in given), text


def test_modules_with_and_without_prefix_run_and_agree(repository, tmp_path):
    config = yaml.safe_load((repository.folder / ".test" / "config.yaml").read_text())
    modules = ("plain", None), ("within", "within")
    targets = ['"results/test/tables/metrics.csv"', "rules.within_all.input"]
    study = outer(repository, tmp_path, *modules, targets=targets, config=config)
    status, text = study.run()
    assert status == 0, text[-10_000:]
    tables = tmp_path / "within" / "results" / "test" / "tables"
    assert (tables / "metrics.csv").read_bytes() == (
        tmp_path / "results" / "test" / "tables" / "metrics.csv"
    ).read_bytes()
    assert len(read_table(tables / "provenance.csv")) > 20 and (tables / "claims.csv").is_file()
    assert (tables.parent / "figures" / "figure_2.png").is_file()
    record = read_record(tables / "metrics.csv")
    assert record["code"]["git_commit"] is None and len(record["code"]["sha256"]) == 64
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == [
        *("Snakefile", "data", "logs", "results", "study.yaml", "within"),
    ]
    assert study.planned() == []
    status, text = study.run("--report", "report.html")
    assert status == 0, text[-5000:]
    # The captions lie beside the Snakefile.
    assert "in the annotated boxes against the noise level" in (tmp_path / "report.html").read_text()
