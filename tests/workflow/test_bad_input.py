"""Mistakes of the user, met by Snakemake itself: one clear message, no traceback, nothing under its final name."""

import pytest
import yaml
from support import write_csv, write_small_volume

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


def test_truncated_volume(repository, data):
    """Not seen before the job that reads it: the message is the job's, in its log and on the screen."""
    path = data / "multicoil_val" / "v1.h5"
    path.write_bytes(path.read_bytes()[:9000])
    text, made = fails(repository, data, "results/bad/index/v1.json")
    assert "v1.h5: not a readable HDF5 file" in text and made == []
    log = repository.folder / "logs" / "bad" / "index_volume" / "v1.log"
    assert log.read_text().startswith("error: ") and len(log.read_text().splitlines()) == 1


def test_missing_checkpoint(repository, data):
    given = {"training": None, "checkpoint": str(data / "nothing-{acceleration}x.pt")}
    text, made = fails(repository, data, models={"unet": given})
    assert "nothing-4x.pt" in text and made == []
