"""The tables over all scores: every row, every unused annotation with its reason, each volume's quality once."""

import numpy as np
import pandas as pd
import pytest
from support import run_program, silence, write_csv

from advmri.errors import InputError
from advmri.scores.scoring import columns
from advmri.volumes.annotations import Box, ExcludedAnnotation
from advmri.volumes.index import SliceIndex, VolumeIndex
from workflow_scripts import collect

ROWS = [
    ("001", 2, "No", 4, 6, 9, 8, "tear"),
    ("001", 2, "No", 4, 6, 9, 0, "flat"),
    ("002", 3, "No", 4, 6, 9, 8, "tear"),
    ("train-volume", 3, "No", 4, 6, 9, 8, "tear"),
    ("002", 0, "Yes", "", "", "", "", "artifact"),
]


def index_of(folder, volume, excluded):
    facts = {"patient": f"p{volume}", "acquisition": "x", "slices": 9, "coils": 1, "rows": 40, "columns": 30}
    box = Box(0, "tear", 4, 12, 6, 15)
    annotated = {2: SliceIndex([box], [0], silence(1), "0")}
    index = VolumeIndex(
        volume=volume,
        crop=(20, 20),
        padding=(0, 30),
        maximum=1.0,
        data_sha256="0",
        data_bytes=0,
        annotated=annotated,
        excluded=excluded,
        **facts,
    )
    (folder / f"{volume}.json").write_text(index.to_json())
    return folder / f"{volume}.json"


def scores_of(path, volume, severities=(0.0, 0.02)):
    rows = [
        dict.fromkeys(columns(), 0.5)
        | {"volume": volume, "patient": f"p{volume}", "slice": 2, "box": 0, "label": "tear", "model": "m"}
        | {"acceleration": 4, "attack": "a", "optimiser": "pgd", "target": "box", "region": "box", "severity": eta}
        for eta in severities
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=columns()).to_csv(path, index=False)


@pytest.fixture
def run(tmp_path):
    """Inputs of two audited volumes, and a function that collects them."""
    excluded = {
        "001": [ExcludedAnnotation(3, "001", 2, "flat", "box has no area (9 x 0)")],
        "002": [ExcludedAnnotation(6, "002", 0, "artifact", "study-level annotation without a box")],
    }
    for volume in ("001", "002"):
        scores_of(tmp_path / "metrics" / "a" / "m-4x" / volume / "slices_002.csv", volume)
    quality = pd.DataFrame(
        [
            {"volume": volume, "patient": "p", "acquisition": "x", "model": model, "acceleration": 4}
            | {"ssim": 0.9, "psnr": 30.0, "nmse": 0.1}
            for model in ("m", "zero_filled")
            for volume in ("001", "002")
        ]
    )
    quality.to_csv(tmp_path / "one.csv", index=False)
    quality.to_csv(tmp_path / "two.csv", index=False)
    tables = {name: tmp_path / f"{name}.csv" for name in ("metrics", "summary", "excluded", "quality")}

    def collect_all(**options):
        run_program(
            collect,
            results=tmp_path,
            series=["a/m-4x"],
            jobs=["001/002", "002/002"],
            indices=[index_of(tmp_path, volume, excluded[volume]) for volume in ("001", "002")],
            annotations=write_csv(tmp_path / "boxes.csv", ROWS),
            validation_volumes=["001", "002", "003"],
            validations=[tmp_path / "one.csv", tmp_path / "two.csv"],
            resamples=100,
            **tables,
            **options,
        )
        return {name: pd.read_csv(path, dtype={"volume": str, "patient": str}) for name, path in tables.items()}

    return collect_all


def test_every_row_is_there_and_names_of_digits_stay_names(run):
    tables = run()
    assert tables["metrics"].volume.tolist() == ["001", "001", "002", "002"]
    assert list(tables["metrics"].columns) == list(columns())
    assert tables["summary"].n_volumes.tolist() == [2, 2]


def test_every_annotation_is_used_or_excluded_with_a_reason(run):
    excluded = run()["excluded"]
    assert excluded.line.tolist() == [3, 5, 6]
    assert excluded.volume.tolist() == ["001", "train-volume", "002"]
    assert excluded.reason.notna().all()
    assert len(excluded) + 2 == len(ROWS)


def test_quality_has_each_volume_once(run):
    quality = run()["quality"]
    assert not quality.duplicated(["volume", "model", "acceleration"]).any() and len(quality) == 4


def test_jobs_without_a_box_are_left_out(run, tmp_path):
    scores_of(tmp_path / "metrics" / "a" / "m-4x" / "001" / "slices_002.csv", "001", severities=())
    assert set(run()["metrics"].volume) == {"002"}


def test_no_box_at_all_is_an_error_and_leaves_no_table(run, tmp_path):
    for volume in ("001", "002"):
        scores_of(tmp_path / "metrics" / "a" / "m-4x" / volume / "slices_002.csv", volume, severities=())
    with pytest.raises(InputError, match="no box was attacked"):
        run()
    assert not (tmp_path / "metrics.csv").exists() and not (tmp_path / "summary.csv").exists()


def test_missing_values_stay_missing(run, tmp_path):
    """Rotations have no norm: the summary's mean over them is empty, not zero."""
    for volume in ("001", "002"):
        path = tmp_path / "metrics" / "a" / "m-4x" / volume / "slices_002.csv"
        pd.read_csv(path, dtype={"volume": str}).assign(thermal_multiple=np.nan).to_csv(path, index=False)
    assert run()["summary"].thermal_multiple.isna().all()


@pytest.mark.parametrize(("models", "kept"), [(["m"], {"m"}), (["zero_filled"], {"m", "zero_filled"})])
def test_the_baseline_has_no_rows_beside_a_model_that_is_the_same(run, models, kept):
    quality = run(zero_filled=models)["quality"]
    assert set(quality.model) == kept and len(quality) == 2 * len(kept)
