"""Mistakes of the user, met by Snakemake itself: one clear message, no traceback, nothing under its final name."""

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from snakemake_runs import copy_workflow
from support import SMALL_NETWORKS, compress, random_network, write_csv, write_small_volume

from advmri.reconstruction.weights.checkpoint import Checkpoint, save_checkpoint
from advmri.volumes.annotations import read_annotations

BOXES = [("v1", 0, "No", 4, 6, 9, 8, "tear")]


@pytest.fixture
def data(tmp_path):
    """Real data of one volume in each split, and the config that names them."""
    for split, volume in (("train", "t1"), ("val", "v1")):
        write_small_volume(tmp_path / f"multicoil_{split}" / f"{volume}.h5")
    write_csv(tmp_path / "boxes.csv", BOXES)
    return tmp_path


def write_config(folder, dataset=None, **entries):
    """Write a config that names the data, and return the words that add it to the tiny one."""
    named = {"kind": "fastmri", "root": str(folder), "annotations": str(folder / "boxes.csv")}
    (folder / "bad.yaml").write_text(yaml.safe_dump({"name": "bad", "dataset": named | (dataset or {})} | entries))
    return ("--configfile", "configs/tiny.yaml", folder / "bad.yaml")


def fails(workflow, folder, *targets, dataset=None, **entries):
    """Run, expect failure, and return what was printed and the results that are there."""
    status, text = workflow.run(*targets, *write_config(folder, dataset, **entries))
    assert status != 0, text
    assert "Traceback" not in text
    made = [path for path in (workflow.folder / "results" / "bad").rglob("*") if path.is_file()]
    return text, made


def test_good_data_are_accepted(repository, data):
    counts = repository.planned_rules(*write_config(data))
    assert counts["index_volume"] == 1 and "simulate_volume" not in counts and counts["attack"] == 8


def test_wrong_config_keys(repository, tmp_path):
    (tmp_path / "bad.yaml").write_text("nmae: x\nattack: {slices: 3}\nseed: -1\n")
    status, text = repository.run("--configfile", tmp_path / "bad.yaml")
    assert status != 0 and "Traceback" not in text
    for line in ("nmae: unknown key", "attack.slices: unknown key", "seed: Input should be greater"):
        assert line in text


def test_missing_folder(repository, data):
    text, made = fails(repository, data, dataset={"root": str(data / "nowhere")})
    assert "nowhere/multicoil_val: there is no such folder" in text and made == []


def test_volume_that_is_not_hdf5(repository, data):
    (data / "multicoil_val" / "v1.h5").write_text("not HDF5")
    text, made = fails(repository, data)
    assert "multicoil_val/v1.h5: not an HDF5 file" in text and made == []


def test_csv_with_a_missing_column(repository, data):
    (data / "boxes.csv").write_text("file,slice,x,y,width,height,label\nv1,0,1,1,5,5,tear\n")
    text, made = fails(repository, data)
    assert "boxes.csv: column(s) study_level missing" in text and made == []


def test_csv_that_is_not_there(repository, data):
    text, made = fails(repository, data, dataset={"annotations": str(data / "nothing.csv")})
    assert "nothing.csv: there is no such annotation file" in text and made == []


def test_boxes_of_other_volumes_only(repository, data):
    write_csv(data / "boxes.csv", [("w9", 0, "No", 4, 6, 9, 8, "tear")])
    text, made = fails(repository, data)
    assert "no box belongs to a volume" in text and made == []


@pytest.mark.parametrize("split", ["train", "val"])
def test_truncated_volume(repository, data, split):
    """Its length tells before any job starts."""
    (path,) = (data / f"multicoil_{split}").glob("*.h5")
    path.write_bytes(path.read_bytes()[:9000])
    text, made = fails(repository, data)
    assert f"{path.name}: truncated: 9000 of" in text and made == []


def test_a_filter_that_is_not_installed_stops_the_plan(repository, data):
    compress(data / "multicoil_val" / "v1.h5", "kspace", 40000)
    text, made = fails(repository, data, "--dry-run")
    assert "v1.h5: 'kspace' is compressed with HDF5 filter 40000" in text and made == []


@pytest.mark.parametrize("split", ["train", "val"])
def test_empty_split(repository, data, split):
    (path,) = (data / f"multicoil_{split}").glob("*.h5")
    path.unlink()
    text, made = fails(repository, data)
    assert f"multicoil_{split}: holds no *.h5 volume" in text and made == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ismrmrd_header", None, "there is no dataset 'ismrmrd_header'"),
        ("reconstruction_rss", np.zeros((2, 24, 40), np.float32), "its reconstruction size (24, 40) is larger than"),
    ],
    ids=["no header", "crop larger than the image"],
)
def test_volumes_that_only_the_job_can_judge(repository, data, name, content, message):
    """The message is the job's, in its log and on the screen."""
    with h5py.File(data / "multicoil_val" / "v1.h5", "a") as file:
        del file[name]
        if content is not None:
            file[name] = content
    text, made = fails(repository, data, "results/bad/index/v1.json")
    assert f"v1.h5: {message}" in text and made == []
    log = repository.folder / "logs" / "bad" / "index_volume" / "v1.log"
    assert log.read_text().startswith("error: ") and len(log.read_text().splitlines()) == 1


def test_volumes_in_the_csv_that_are_not_on_disk(repository, data):
    write_csv(data / "boxes.csv", [*BOXES, ("w9", 0, "No", 4, 6, 9, 8, "tear")])
    status, text = repository.run("--dry-run", *write_config(data))
    assert status == 0 and "note: " in text
    assert "1 of 2 annotated volumes are in neither folder" in text and "'w9'" in text


@pytest.mark.shared
def test_the_published_annotations_by_their_keyword(repository, data, tmp_path, shared):
    """The real CSV where `annotations: fastmri+` looks for it; a file that is not the published one is refused."""
    workflow = copy_workflow(repository, tmp_path / "workflow")
    place = workflow.folder / "data" / "fastmri-plus" / "knee.csv"
    place.parent.mkdir(parents=True)
    place.write_bytes((shared / "fastmri-plus" / "knee.csv").read_bytes())
    write_small_volume(data / "multicoil_val" / "file1000026.h5")
    words = write_config(data, dataset={"annotations": "fastmri+"})
    slices = {row.slice for row in read_annotations(place) if row.volume == "file1000026" and row.has_area}
    status, text = workflow.run("--dry-run", *words)
    assert status == 0 and "968 of 969 annotated volumes are in neither folder" in text
    planned = [pairs["volume"] for rule, pairs in workflow.planned(*words) if rule == "index_volume"]
    assert planned == ["file1000026"] and slices
    place.write_bytes(place.read_bytes()[:-1])
    status, text = workflow.run("--dry-run", *words)
    assert status != 0 and "knee.csv: not the published fastMRI+ file" in text and "Traceback" not in text


def test_names_that_cannot_be_used(repository, data):
    for name in ("-rf", "a{b}", "two\nlines"):
        write_small_volume(data / "multicoil_val" / f"{name}.h5")
    text, made = fails(repository, data)
    assert "'-rf.h5' begins with a dash" in text and "'a{b}.h5' holds braces" in text
    assert "'two\\nlines.h5' holds characters that do not print" in text and made == []


def test_hostile_names_and_damaged_slices_pass_through_to_the_tables(edited_data):
    """Names from a file listing and labels from a CSV are text wherever they go; what cannot be used is named."""
    workflow, folder, words = edited_data
    status, text = workflow.run(*words)
    assert status == 0, text[-5000:]
    tables = workflow.folder / "results" / "bad" / "tables"
    metrics = pd.read_csv(tables / "metrics.csv")
    assert set(metrics.volume) == {HOSTILE} and set(metrics.label) == {LABEL} and set(metrics.slice) == {0, 2}
    assert metrics[["ssim", "psnr", "nmse", "clean_ssim"]].notna().all().all()
    reasons = pd.read_csv(tables / "excluded.csv").set_index("line").reason
    assert reasons.to_dict() == {
        3: "slice 1 of 'kspace' holds values that are not finite.",
        5: "no volume of this name in multicoil_val",
    }
    assert not list(workflow.folder.rglob("pwned*")) and not list(folder.rglob("pwned*"))
    made = {path for path in workflow.folder.rglob("*") if HOSTILE in path.name}
    assert {path.relative_to(workflow.folder).parts[0] for path in made} <= {"results", "logs"}
    assert (workflow.folder / "results" / "bad" / "figures" / "figure_2.png").is_file()


HOSTILE = """a b'c"d$(touch pwned);&touch pwned2 `touch pwned3` $x$ ö"""
LABEL = """../Tear "1", $\\frac {x} '$(touch pwned4)$ <b>"""


@pytest.fixture
def edited_data(repository, tmp_path):
    """An own copy of the workflow, a volume of a hostile name with a dead coil and a NaN slice, one small network."""
    workflow = copy_workflow(repository, tmp_path / "workflow")
    folder = tmp_path / "data of a user"
    path = folder / "multicoil_val" / f"{HOSTILE}.h5"
    write_small_volume(path, slices=3)
    with h5py.File(path, "a") as file:
        file["kspace"][1, 0, 0, 0] = np.nan
        file["kspace"][2, 1] = 0
        del file["reconstruction_rss"], file.attrs["max"]  # made of all coils
    quoted = '"' + HOSTILE.replace('"', '""') + '"'
    label = '"' + LABEL.replace('"', '""') + '"'
    boxes = [(quoted, number, "No", 4, 6, 9, 8, label) for number in range(3)]
    write_csv(folder / "boxes.csv", [*boxes, ("../../etc/gone", 0, "No", 4, 6, 9, 8, "tear")])
    facts = Checkpoint("unet", SMALL_NETWORKS["unet"], acceleration=4, trained_on="train")
    save_checkpoint(folder / "m.pt", facts, random_network("unet"))
    words = write_config(
        folder,
        models={"unet": {"training": None, "checkpoint": str(folder / "m.pt")}, "varnet": None},
        attacks={"noise-image": None, "gaussian": None, "rotation": None},
        figures={"image_attack": None, "control_attack": None, "rotation_attack": None},
    )
    return workflow, folder, words


def test_missing_checkpoint(repository, data):
    given = {"training": None, "checkpoint": str(data / "nothing-{acceleration}x.pt")}
    text, made = fails(repository, data, models={"unet": given})
    assert "nothing-4x.pt" in text and made == []
