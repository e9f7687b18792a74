"""From a row of a table back to volumes, and what is said where a file on the way has changed."""

import argparse
import shutil

import h5py
import pandas as pd
import pytest
from support import attack_run, make_run, run_program, run_with_records

from advmri.errors import InputError
from advmri.provenance.run_record import read_record, record_path, record_text
from advmri.storage.tables import read_table
from advmri.tracing.selection import choose_row, compare_means, rows_behind
from workflow_scripts import collect, provenance_table, score, trace, validate

SETTINGS = {"threat_model": "noise", "optimiser": "pgd", "target": "box", "severities": [0, 0.02], "steps": 1}
ROW = ["severity=0.02", "region=box"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of one attack on one volume, in a folder as the workflow lays it out."""
    folder = tmp_path_factory.mktemp("run")
    paths = make_run(folder, "unet")
    run = folder / "results" / "small"
    job = run / "attacks" / "test" / "m-4x" / "v1" / "slices_000-002.h5"
    attack_run(paths, job, SETTINGS)
    scores = run / "metrics" / "test" / "m-4x" / "v1" / "slices_000-002.csv"
    monkeypatch = pytest.MonkeyPatch()
    run_with_records(monkeypatch, score, attack_file=job, index=paths["index"], output=scores)
    validation = run / "models" / "m-4x" / "validation.csv"
    facts = {"checkpoint": paths["checkpoint"], "model": "m", "acceleration": 4, "device": "cpu"}
    run_with_records(
        monkeypatch, validate, **facts, volumes=[paths["volume"]], masks=[paths["mask"]], output=validation
    )
    run_with_records(
        monkeypatch,
        collect,
        results=run,
        series="test/m-4x",
        jobs="v1/000-002",
        indices=paths["index"],
        annotations=folder / "boxes.csv",
        validation_volumes="v1",
        validations=validation,
        resamples=10,
        **{name: run / "tables" / f"{name}.csv" for name in ("metrics", "summary", "excluded", "quality")},
    )
    return folder


@pytest.fixture
def copied(finished, tmp_path):
    """The same run, to be damaged; attack files name their inputs where they were first."""
    shutil.copytree(finished, tmp_path / "copy")
    return tmp_path / "copy"


def traced(folder, *conditions, table="summary"):
    return trace.trace(folder / "results" / "small" / "tables" / f"{table}.csv", list(conditions), True)


def test_a_mean_leads_to_rows_attack_checkpoint_and_volume(finished):
    report = traced(finished, *ROW)
    text = "\n".join(report.lines)
    assert not report.problems, report.problems
    for name in ("slices_000-002.csv", "slices_000-002.h5", "model.pt", "v1.h5", "mask.h5", "v1.json"):
        assert name in text
    assert "4 rows behind it" in text and "ssim_mean=" in text and "steps 1" in text and "seed 3" in text


def test_one_score_leads_to_its_slice_alone(finished):
    report = traced(finished, *ROW, "slice=1", table="metrics")
    text = "\n".join(report.lines)
    assert "1 row behind it" in text and "slice 1" in text and not report.problems


def test_clean_quality_has_a_validation_behind_it(finished):
    for model, checkpoint in (("zero_filled", False), ("m", True)):
        report = traced(finished, f"model={model}", table="quality")
        text = "\n".join(report.lines)
        assert "validation.csv" in text and "v1.h5" in text and "mask.h5" in text and "attacks" not in text
        assert ("trained on" in text) == checkpoint and not report.problems


def test_another_validated_volume_is_named(finished):
    content = (finished / "v1.h5").read_bytes()
    (finished / "v1.h5").write_bytes(content + b" ")
    try:
        problems = traced(finished, "model=m", table="quality").problems
    finally:
        (finished / "v1.h5").write_bytes(content)
    assert any("v1.h5" in problem and "validation.csv" in problem for problem in problems)


def test_scores_of_another_attack_file_are_named(finished, tmp_path):
    """A whole attack file, of other settings: its own digest is right."""
    (path,) = finished.glob("results/small/attacks/**/*.h5")
    content = path.read_bytes()
    facts = {"volume": finished / "v1.h5", "index": finished / "v1.json", "mask": finished / "mask.h5"}
    attack_run(facts | {"checkpoint": finished / "model.pt"}, tmp_path / path.name, SETTINGS | {"step_size": 0.1})
    path.write_bytes((tmp_path / path.name).read_bytes())
    try:
        problems = traced(finished, *ROW).problems
    finally:
        path.write_bytes(content)
    assert any(path.name in problem and "slices_000-002.csv was made from" in problem for problem in problems)


def test_an_earlier_cut_into_jobs_is_passed_over(copied):
    """Its files stay, and are named like those that hold the slice now."""
    for kind, ending in (("metrics", ".csv"), ("attacks", ".h5")):
        (path,) = copied.glob(f"results/small/{kind}/**/slices_*{ending}")
        shutil.copy(path, path.with_name(f"slices_000-001{ending}"))
    (metrics,) = copied.glob("results/small/tables/metrics.csv")
    record = record_path(metrics)
    moved = read_record(metrics)
    assert moved is not None
    for one in moved["inputs"]["scores"]:
        one["path"] = str(copied / "results" / "small" / "metrics" / "test" / "m-4x" / "v1" / "slices_000-002.csv")
    record.write_text(record_text({key: value for key, value in moved.items() if key != "file"}, metrics))
    text = "\n".join(traced(copied, *ROW).lines)
    assert "slices_000-002.h5" in text and "slices_000-001" not in text
    output = copied / "results" / "small" / "tables" / "provenance.csv"
    run_program(provenance_table, results=copied / "results" / "small", output=output)
    assert not read_table(output).file.str.contains("slices_000-001").any()


def test_a_damaged_record_is_a_disagreement(copied):
    (path,) = copied.glob("results/small/metrics/**/*.csv")
    record_path(path).write_text("{")
    assert any("record of" in problem and "damaged" in problem for problem in traced(copied, *ROW).problems)


def test_a_changed_mean_is_noticed(finished):
    metrics = read_table(finished / "results" / "small" / "tables" / "metrics.csv")
    summary = read_table(finished / "results" / "small" / "tables" / "summary.csv")
    row = choose_row(summary, ROW, finished)
    means = compare_means(row, rows_behind(row, metrics))
    assert {"ssim_mean", "psnr_mean", "nmse_rise_mean"} <= set(means)
    assert all(stored == pytest.approx(mean) for stored, mean in means.values())
    row["ssim_mean"] += 0.01
    stored, mean = compare_means(row, rows_behind(row, metrics))["ssim_mean"]
    assert stored == pytest.approx(mean + 0.01)


def test_an_angle_leads_to_the_attack_that_the_row_names():
    """Another attack may have angles too; figure 4b's rows have no severity."""
    place = {"volume": "v1", "slice": 1, "box": 0, "model": "m", "acceleration": 4}
    rows = [place | {"region": "box", "angle": 5.0, "severity": 5.0, "attack": name} for name in ("rotation", "rigid")]
    rows.append(place | {"region": "box", "angle": float("nan"), "severity": 5.0, "attack": "shift"})
    metrics = pd.DataFrame(rows)
    for name in ("rotation", "shift"):
        found = rows_behind(pd.Series(place | {"angle": 5.0, "attack": name}), metrics)
        assert found.attack.tolist() == [name]
    assert rows_behind(pd.Series(place | {"angle": 5.0}), metrics).empty


@pytest.mark.parametrize("name", ["v1.h5", "mask.h5", "v1.json", "model.pt"])
def test_another_input_is_named(finished, name):
    path = finished / name
    content = path.read_bytes()
    path.write_bytes(content + b" ")
    try:
        problems = traced(finished, *ROW).problems
    finally:
        path.write_bytes(content)
    assert any(name in problem and "not the file" in problem for problem in problems)


def test_damaged_and_missing_attack_files_are_named(copied):
    path = next(copied.glob("results/small/attacks/**/*.h5"))
    with h5py.File(path, "r+") as file:
        file["slice_001/box_0/reconstruction"][1, 0, 0] += 1
    assert any(path.name in problem for problem in traced(copied, *ROW).problems)
    path.unlink()
    assert any("is missing; run" in problem for problem in traced(copied, *ROW).problems)


def test_disagreement_ends_with_an_error(copied):
    next(copied.glob("results/small/attacks/**/*.h5")).unlink()
    table = copied / "results" / "small" / "tables" / "summary.csv"
    with pytest.raises(InputError, match="1 of these do not agree"):
        trace.main(argparse.Namespace(table=table, conditions=ROW, skip_volumes=False))


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (["severity=0.02"], "2 rows fulfil that.*region: box, image"),
        (["model=none"], "no row with model=none.*model is m"),
        (["colour=red"], "is no column=value; its columns are model"),
        (["model"], "is no column=value"),
    ],
)
def test_conditions_that_do_not_fit_say_what_would(finished, conditions, message):
    with pytest.raises(InputError, match=f"(?s){message}"):
        traced(finished, *conditions)


def test_files_outside_a_run_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match="no finished run"):
        trace.trace(tmp_path / "a.csv", [], True)
    with pytest.raises(InputError, match="no such table"):
        trace.trace(tmp_path / "b.png", [], True)
