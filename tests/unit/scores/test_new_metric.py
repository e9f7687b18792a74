"""A metric is one entry of the table: scores, summary, clean quality, the printed summary and traces follow it."""

import h5py
import numpy as np
import pandas as pd
import pytest
from support import attack_run, make_run, run_program, run_with_records

from advmri.image_quality.metrics import METRICS
from advmri.scores.scoring import columns
from advmri.scores.summary import summarise
from advmri.tracing.selection import compare_means, rows_behind
from workflow_scripts import collect, score, show_results, trace, validate

SETTINGS = {"threat_model": "noise", "optimiser": "pgd", "target": "box", "severities": [0, 0.02], "steps": 1}
TABLES = ("metrics", "summary", "excluded", "quality")


@pytest.fixture
def finished(extra_metric, monkeypatch, tmp_path):
    """The tables of one attack on one volume, all with the further entry; and the attack file."""
    paths = make_run(tmp_path, "unet")
    run = tmp_path / "results" / "small"
    job = run / "attacks" / "test" / "m-4x" / "v1" / "slices_000-002.h5"
    attack_run(paths, job, SETTINGS)
    scores = run / "metrics" / "test" / "m-4x" / "v1" / "slices_000-002.csv"
    run_with_records(monkeypatch, score, attack_file=job, index=paths["index"], output=scores)
    validation = run / "models" / "m-4x" / "validation.csv"
    options = {"checkpoint": paths["checkpoint"], "model": "m", "acceleration": 4, "device": "cpu"}
    options |= {"volumes": [paths["volume"]], "masks": [paths["mask"]]}
    run_program(validate, **options, output=validation)
    run_with_records(
        monkeypatch,
        collect,
        results=run,
        series="test/m-4x",
        jobs="v1/000-002",
        indices=paths["index"],
        annotations=tmp_path / "boxes.csv",
        validation_volumes="v1",
        validations=validation,
        resamples=10,
        **{name: run / "tables" / f"{name}.csv" for name in TABLES},
    )
    return run, {name: pd.read_csv(run / "tables" / f"{name}.csv") for name in TABLES}, job


def test_the_tables_have_its_columns_after_the_others(finished):
    _, tables, _ = finished
    assert list(tables["metrics"].columns) == list(columns())
    for prefix in ("", "clean_", "fully_sampled_"):
        assert columns()[columns().index(f"{prefix}nmse") + 1] == f"{prefix}mae"
    means = [name.removesuffix("_mean") for name in tables["summary"] if name.endswith("_mean")]
    assert means == [*("ssim", "psnr", "nmse", "mae"), *("ssim_drop", "psnr_drop", "nmse_rise", "mae_rise"), means[-1]]
    assert means[-1] == "fully_sampled_ssim"


def test_a_score_is_what_the_function_says_of_the_attack_file(finished):
    _, tables, job = finished
    rows = tables["metrics"].query("slice == 1 and severity == 0.02 and box == 0").set_index("region")
    with h5py.File(job) as file:
        group, data_range = file["slice_001"], file.attrs["data_range"]
        images = {"": group["box_0/reconstruction"][1], "clean_": group["clean"][()]}
        images["fully_sampled_"] = group["box_0/perturbed_target"][1]
        place = tuple(slice(*group["box_0"].attrs[axis]) for axis in ("rows", "columns"))
        for prefix, image in images.items():
            error = np.abs(group["target"][()].astype(float) - image) / data_range
            assert rows.loc["image", f"{prefix}mae"] == pytest.approx(error.mean())
            assert rows.loc["box", f"{prefix}mae"] == pytest.approx(error[place].mean())


def test_the_summary_has_its_mean_rise_and_intervals(finished):
    metrics = finished[1]["metrics"]
    metrics = metrics.assign(patient=metrics["slice"].map("patient {}".format))
    summary = summarise(metrics, confidence=0.95, resamples=10, seed=1).query("region == 'box' and severity > 0")
    rows = metrics.query("region == 'box' and severity > 0")
    for name, values in (("mae", rows.mae), ("mae_rise", rows.mae - rows.clean_mae)):
        mean, low, high = (summary[f"{name}_{part}"].item() for part in ("mean", "ci_low", "ci_high"))
        assert mean == pytest.approx(values.mean()) and low < mean < high
    assert summary.mae_rise_mean.item() > 0, "the attack makes it worse"


def test_clean_quality_has_it_and_is_printed_with_it(finished, capsys):
    run, tables, _ = finished
    assert (tables["quality"].mae > 0).all() and list(tables["quality"].columns)[-4:] == list(METRICS)
    run_program(show_results, results=run)
    assert f"{tables['quality'].mae.max():.3f}" in capsys.readouterr().out


def test_a_trace_compares_it(finished):
    run, tables, _ = finished
    report = trace.trace(run / "tables" / "summary.csv", ["severity=0.02", "region=box"], True)
    text = "\n".join(report.lines)
    assert not report.problems and "mae_mean=" in text and "mae_rise_mean=" in text
    row = tables["summary"].query("severity == 0.02 and region == 'box'").iloc[0]
    rows = rows_behind(row, tables["metrics"])
    stored, mean = compare_means(pd.Series(row.to_dict() | {"mae_rise_mean": 0.5}), rows)["mae_rise_mean"]
    assert stored == 0.5 and mean == pytest.approx((rows.mae - rows.clean_mae).mean())
