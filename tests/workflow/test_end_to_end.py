"""The tiny config from beginning to end: every file opens and agrees with the others; a second run does nothing."""

import json
import re
import subprocess
import sys

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from snakemake_runs import TINY

from advmri.image_quality.metrics import score
from advmri.provenance.run_record import is_same, read_record
from advmri.scores.scoring import columns
from advmri.storage.file_digest import file_sha256
from advmri.storage.tables import read_table

BESIDE = (".sha256", ".provenance.json")
"""Endings of the hidden files that lie beside results: checksums and records."""


@pytest.fixture(scope="module")
def results(finished):
    return finished.folder / "results" / "tiny"


def test_a_second_run_does_nothing(finished):
    status, text = finished.run(*TINY)
    assert status == 0 and "Nothing to be done" in text


def test_make_demo_shows_snakemakes_progress(edited):
    makefile = (edited.folder / "Makefile").read_text()
    words = re.search(r"^RUN := \S+ -m advmri\.cli run (.*)$", makefile, flags=re.MULTILINE)[1].split()
    (edited.folder / "results" / "tiny" / "figures" / "figure_quality.png").unlink()
    status, text = edited.run(*words, *TINY)
    assert status == 0 and "steps (100%) done" in text, text


def test_every_file_opens_and_none_is_half_written(results):
    opened = {".h5": 0, ".csv": 0, ".png": 0, ".svg": 0, ".json": 0, ".pt": 0, ".tsv": 0, ".sha256": 0}
    for path in results.rglob("*"):
        if path.is_dir():
            assert not path.name.startswith("."), f"{path} is left over"
            continue
        opened[path.suffix] += 1
        assert not path.name.startswith(".") or path.name.endswith(BESIDE), f"{path} is left over"
        if path.suffix == ".sha256":
            subprocess.run(["sha256sum", "--quiet", "--check", path.name], cwd=path.parent, check=True)
        elif path.suffix == ".h5":
            with h5py.File(path) as file:
                assert file.attrs
                file.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)
        elif path.suffix in (".csv", ".tsv"):
            assert len(pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",").columns) > 1
        elif path.suffix == ".png":
            Image.open(path).verify()
        elif path.suffix == ".svg":
            assert "</svg>" in path.read_text(encoding="utf-8")[-200:]
        elif path.suffix == ".json":
            json.loads(path.read_text())
        else:
            torch.load(path, weights_only=True)
    assert all(opened.values()), opened


def test_the_provenance_table_names_every_result(results):
    table = read_table(results / "tables" / "provenance.csv").set_index("file")
    made = {
        path.relative_to(results).as_posix()
        for path in results.rglob("*")
        if path.is_file() and not path.name.startswith(".") and path.suffix != ".tsv"
    }
    assert set(table.index) == made - {"tables/provenance.csv"}
    for name in ("tables/summary.csv", "models/unet-4x/model.pt", "figures/figure_1a.png"):
        assert table["sha256"][name] == file_sha256(results / name)
    assert (table.seconds > 0).all() and (table.peak_memory_mb > 10).all()
    assert json.loads(table.inputs["tables/claims.csv"])


def test_metrics_table_has_every_box_severity_and_region(finished, results):
    metrics = pd.read_csv(results / "tables" / "metrics.csv")
    assert list(metrics.columns) == list(columns())
    keys = ["volume", "slice", "box", "model", "acceleration", "attack", "severity", "region"]
    assert not metrics.duplicated(keys).any()
    boxes = sum(
        len(entry["boxes"])
        for path in (results / "index").glob("knee*.json")
        for entry in json.loads(path.read_text())["annotated"].values()
    )
    in_boxes = metrics[metrics.region == "box"]
    counts = in_boxes.groupby(["attack", "model", "severity"]).size()
    assert (counts == boxes).all() and len(counts) == 4 * 2 * 3
    assert metrics[["ssim", "psnr", "nmse", "clean_ssim"]].notna().all(axis=None)


def test_severity_zero_is_the_clean_reconstruction(results):
    metrics = pd.read_csv(results / "tables" / "metrics.csv")
    zero = metrics[metrics.severity == 0]
    for name in ("ssim", "psnr", "nmse"):
        assert (zero[name] == zero[f"clean_{name}"]).all()


def test_attack_files_keep_the_bound_and_their_trace(results):
    files = [path for path in (results / "attacks").rglob("*.h5") if "rotation" not in path.parts]
    assert files
    for path in files:
        with h5py.File(path) as file:
            for slice_group in file.values():
                for target in (item for item in slice_group.values() if isinstance(item, h5py.Group)):
                    severity, objective = target["severity"][()], target["objective"][()]
                    assert (target["relative_norm"][()] <= severity[:, None] * (1 + 1e-5)).all()
                    assert (objective.argmax(axis=1)[1:] == target["best_step"][()][1:]).all()
                    assert (target["reconstruction"][0] == slice_group["clean"][()]).all()


def test_tables_follow_from_the_attack_files(results):
    """One row of metrics.csv, recomputed from the stored images."""
    metrics = pd.read_csv(results / "tables" / "metrics.csv")
    row = metrics[(metrics.attack == "noise-box") & (metrics.region == "box") & (metrics.severity > 0)].iloc[-1]
    folder = results / "attacks" / row.attack / f"{row.model}-{row.acceleration}x" / row.volume
    (path,) = folder.glob("*.h5")
    with h5py.File(path) as file:
        group = file[f"slice_{row.slice:03d}"]
        target = group[f"box_{int(row.box)}"]
        place = tuple(slice(*target.attrs[axis]) for axis in ("rows", "columns"))
        at = int(np.argmin(np.abs(target["severity"][()] - row.severity)))
        images = group["target"][()], target["reconstruction"][at]
        found = score(*images, float(file.attrs["data_range"]), {"box": place})["box"]
    assert row.ssim == pytest.approx(found["ssim"]) and row.psnr == pytest.approx(found["psnr"])


def test_summary_and_quality(results):
    summary = pd.read_csv(results / "tables" / "summary.csv")
    assert set(summary.attack) == {"noise-box", "noise-image", "gaussian", "rotation"}
    assert (summary.n_volumes == 2).all()
    quality = pd.read_csv(results / "tables" / "quality.csv")
    assert set(quality.model) == {"unet", "varnet", "zero_filled"}
    assert not quality.duplicated(["volume", "model", "acceleration"]).any()
    assert len(quality) == 3 * 2


def test_every_file_has_the_record_of_how_it_was_made(results):
    made = [path for path in results.rglob("*") if path.is_file() and not path.name.startswith(".")]
    made = [path for path in made if path.suffix != ".tsv"]
    for path in made:
        record = read_record(path)
        assert record and is_same(path, record["file"]), path
        assert record["arguments"] and record["packages"]["torch"] and record["job"]["peak_memory_mb"] > 10


@pytest.mark.parametrize(
    ("place", "conditions"),
    [
        ("tables/summary.csv", ["model=unet", "attack=noise-box", "severity=0.025", "region=box"]),
        ("tables/claims.csv", ["claim=a", "attack=noise-box", "severity=0.01"]),
        ("figures/figure_1a.png", ["model=varnet", "series=attacked", "severity=0.025"]),
        ("figures/figure_4b.svg", ["model=varnet", "angle=-5"]),
        ("figures/figure_quality.csv", ["model=unet", "volume=knee_val_001"]),
    ],
)
def test_a_number_is_traced_to_its_origins(finished, place, conditions):
    command = [sys.executable, "-m", "workflow_scripts.trace", f"results/tiny/{place}", *conditions]
    done = subprocess.run(command, cwd=finished.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything agrees." in done.stdout and "knee_train_001.h5" in done.stdout


def test_training_leaves_a_history_and_nothing_else(results):
    for model in ("unet-4x", "varnet-4x"):
        names = sorted(path.name for path in (results / "models" / model).iterdir())
        assert names == [
            ".history.csv.provenance.json",
            ".history.csv.sha256",
            ".model.pt.provenance.json",
            ".validation.csv.provenance.json",
            ".validation.csv.sha256",
            "history.csv",
            "model.pt",
            "validation.csv",
        ]
        assert len(pd.read_csv(results / "models" / model / "history.csv")) == 20
