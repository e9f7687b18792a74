"""What an edit runs again: what it touches and what follows from that, nothing else. In copies of a finished run."""

import os
import re
import subprocess

import h5py
import pytest
from rerun_table import CODE, SETTINGS, TABLES, TOTAL, TRAINING, counts_of, documentation
from snakemake_runs import TINY, copy_repository
from support import ROOT

ATTACKS = ("noise-box", "noise-image", "gaussian", "rotation")
VOLUMES, MODELS = 2, 2


def test_the_documentation_has_the_table():
    """`python tests/workflow/rerun_table.py` prints what belongs there."""
    assert set(TOTAL) >= set().union(*(edit.jobs for edit in CODE + SETTINGS))
    text = (ROOT / "docs" / "workflow.md").read_text()
    assert documentation() in text


def test_a_finished_run_has_the_jobs_of_the_table(repository):
    assert repository.planned_rules(*TINY) == TOTAL | {"provenance_table": 1}


def test_touched_files(edited):
    """As after a fresh git checkout: other times, the same content."""
    sources = [
        path for folder in ("advmri", "workflow_scripts", "rules") for path in (edited.folder / folder).rglob("*")
    ]
    data = [*edited.folder.glob("data/**/*.csv"), *edited.folder.glob("results/tiny/index/*.json")]
    touched = [path for path in [*sources, *data, edited.folder / "config.yaml"] if path.is_file()]
    assert len(touched) > 50
    for path in touched:
        os.utime(path)
    assert edited.planned(*TINY) == []


def test_a_source_file_that_nothing_imports(edited):
    (edited.folder / "advmri" / "new_module.py").write_text('"""Imported by nothing."""\n')
    assert edited.planned(*TINY) == []


def test_a_replaced_volume(edited):
    """What was made from it; an audited volume is validated on too."""
    (path,) = (edited.folder / "data").rglob("knee_val_001.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["noise_sigma"] = 1.0
    jobs = edited.planned(*TINY)
    assert {pairs["volume"] for _, pairs in jobs if "volume" in pairs} == {"knee_val_001"}
    counts = {"index_volume": 1, "sampling_mask": 1, "validate": 2, "attack": 8, "score": 8, **TABLES}
    counts["collect_sweeps"] = 1
    assert counts_of(jobs) == counts


def test_a_replaced_training_volume(edited):
    (path,) = (edited.folder / "data").rglob("knee_train_001.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["noise_sigma"] = 1.0
    assert counts_of(edited.planned(*TINY)) == TRAINING


def test_files_of_attacks_are_cut_by_slices_per_job(edited):
    """Both annotated slices of a volume in one job, then in one each; a job of one slice is the same job as before."""
    two = {"dataset": {"simulation": {"lesions_per_volume": 3}}}
    together, apart = (
        edited.planned(*edited.write_config("change.yaml", attack={"slices_per_job": number}, **two))
        for number in (9, 1)
    )
    slices = [{pairs["slices"] for rule, pairs in jobs if rule == "attack"} for jobs in (together, apart)]
    assert not slices[0] & slices[1] and len(slices[1]) > len(slices[0])
    assert edited.planned(*edited.write_config("change.yaml", attack={"slices_per_job": 1})) == []


def test_an_annotation_more(edited):
    """In a CSV of one's own: the volume it belongs to is indexed and attacked anew, the others' results stay."""
    boxes = edited.folder / "own.csv"
    boxes.write_bytes((edited.folder / "data" / "tiny-knees" / "annotations.csv").read_bytes())
    dataset = {"kind": "fastmri", "root": "data/tiny-knees", "annotations": str(boxes)}
    words = edited.write_config("own.yaml", dataset=dataset)
    status, text = edited.run("--touch", *words)
    assert status == 0, text
    assert edited.planned(*words) == []
    number = 0
    taken = {line.split(",")[1] for line in boxes.read_text().splitlines() if line.startswith("knee_val_001,")}
    while str(number) in taken:
        number += 1
    with boxes.open("a") as file:
        file.write(f"knee_val_001,{number},No,20,20,12,12,added\n")
    jobs = edited.planned(*words)
    touched = {pairs["volume"] for _, pairs in jobs if "volume" in pairs}
    assert touched == {"knee_val_001"}
    counts = counts_of(jobs)
    assert counts["index_volume"] == counts["sampling_mask"] == 1 and "train" not in counts


def test_a_fresh_clone_with_older_results(finished, tmp_path):
    """With Snakemake's records nothing runs: sources are newer, of the same content."""
    clone = copy_repository(tmp_path)
    for path in clone.folder.rglob("*"):
        if path.is_file():
            os.utime(path)
    for name in ("results", "data", "logs", ".snakemake"):
        subprocess.run(["cp", "-a", finished.folder / name, clone.folder / name], check=True)
    assert clone.planned(*TINY) == []


def test_another_model_and_another_volume_keep_what_is_there(edited):
    words = edited.write_config(
        "change.yaml",
        models={"small": {"architecture": "unet", "arguments": {"chans": 2}, "training": _training()}},
        dataset={"simulation": {"val_volumes": 3}},
    )
    jobs = edited.planned(*words)
    assert [pairs["model"] for rule, pairs in jobs if rule == "train"] == ["small"]
    new = [pairs for rule, pairs in jobs if rule == "attack"]
    assert all(pairs["model"] == "small" or pairs["volume"] == "knee_val_003" for pairs in new)
    assert len(new) == len(ATTACKS) * (3 * 3 - VOLUMES * MODELS)
    assert [pairs["volume"] for rule, pairs in jobs if rule == "simulate_volume"] == ["knee_val_003"]


def _training():
    return {"steps": 2, "loss": "l1_normalised", "optimiser": "Adam", "learning_rate": 0.001}


def test_the_search_for_convergence_runs_beside_what_is_there(edited):
    words = edited.write_config("change.yaml", convergence={"attack": "noise-box"})
    assert counts_of(edited.planned(*words)) == {"convergence": 2, "convergence_figure": 1}


def test_a_lost_table_is_collected_from_what_is_there(edited):
    (edited.folder / "results/tiny/tables/summary.csv").unlink()
    jobs = edited.planned(*TINY)
    assert (
        set(counts_of(jobs)) <= {"collect_tables", "judge_claims", "showcase", "figure"}
        and ("collect_tables", {}) in jobs
    )


def test_a_code_edit_really_runs_the_scores_again(edited):
    """Not a dry run: the metric's edit arrives in the table, and no attack is computed."""
    path = edited.folder / "advmri" / "image_quality" / "metrics.py"
    changed, edits = re.subn(
        r"return float\(np\.sum\(\(target - image\)", "return 2 * float(np.sum((target - image)", path.read_text()
    )
    assert edits == 1
    path.write_text(changed)
    before = (edited.folder / "results/tiny/tables/metrics.csv").read_text().splitlines()
    attacks = {path: path.stat().st_mtime_ns for path in edited.folder.glob("results/tiny/attacks/**/*.h5")}
    status, text = edited.run(*TINY, "--until", "collect_tables")
    assert status == 0, text
    after = (edited.folder / "results/tiny/tables/metrics.csv").read_text().splitlines()
    column = before[0].split(",").index("nmse")
    pairs = zip(before[1:], after[1:], strict=True)
    assert all(float(new.split(",")[column]) == pytest.approx(2 * float(old.split(",")[column])) for old, new in pairs)
    assert {path: path.stat().st_mtime_ns for path in attacks} == attacks


def test_a_run_writes_under_its_own_folders_only(finished, repository):
    def files(folder):
        made = {"results", "data", "logs", ".snakemake", "__pycache__"}
        paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        return {path for path in paths if not made & set(path.parts)}

    assert files(finished.folder) == files(repository.folder)
