"""The plan of jobs, known before anything runs."""

import os
import shlex
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support import BLOSC, ROOT, compress, write_csv, write_small_volume

from advmri.config.planning import Plan
from advmri.config.validate import validate_config
from advmri.errors import InputError
from advmri.storage.slice_jobs import job_name, job_range
from advmri.volumes import hdf5_filters
from advmri.volumes.folder import file_problem, volume_names_in


def plan_of(**dataset):
    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    content["dataset"] = dataset
    return Plan(validate_config(content))


@pytest.fixture
def folder(tmp_path):
    for number in (3, 1, 2):
        write_small_volume(tmp_path / "multicoil_val" / f"v{number}.h5", slices=1)
        write_small_volume(tmp_path / "multicoil_train" / f"t{number}.h5", slices=1)
    boxes = [(f"v{volume}", number, "No", 1, 1, 5, 5, "tear") for volume, number in [(3, 7), (1, 4), (3, 2), (3, 9)]]
    write_csv(tmp_path / "boxes.csv", boxes)
    return {"name": "real", "kind": "fastmri", "root": str(tmp_path), "annotations": str(tmp_path / "boxes.csv")}


def test_annotated_volumes_and_slices_of_real_data(folder):
    plan = plan_of(**folder)
    assert plan.training_volumes == ["t1", "t2", "t3"]
    assert plan.audited_slices == {"v1": [4], "v3": [2, 7, 9]}
    assert plan_of(**folder, audited_volumes=1, training_volumes=2).audited_volumes == ["v1"]
    assert plan_of(**folder, audited_volumes=1, training_volumes=2).training_volumes == ["t1", "t2"]


@pytest.mark.parametrize(("size", "jobs"), [(1, ["002", "007", "009"]), (2, ["002-007", "009"]), (5, ["002-009"])])
def test_slices_are_bundled(folder, size, jobs):
    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    content |= {"dataset": folder, "attack": {"slices_per_job": size}}
    plan = Plan(validate_config(content))
    assert plan.slice_jobs("v3") == jobs
    covered = [number for job in jobs for number in plan.audited_slices["v3"] if _within(number, job)]
    assert covered == [2, 7, 9]


def _within(number, job):
    first, last = job_range(job)
    return first <= number <= last


def test_boxes_of_one_volume_have_a_digest_of_their_own(folder, tmp_path):
    first = {volume: plan_of(**folder).boxes_digest(volume) for volume in ("v1", "v3")}
    with (tmp_path / "boxes.csv").open("a") as file:
        file.write("v1,8,No,1,1,5,5,tear\n")
    second = {volume: plan_of(**folder).boxes_digest(volume) for volume in ("v1", "v3")}
    assert first["v3"] == second["v3"] and first["v1"] != second["v1"]


def test_job_names_and_ranges():
    assert (job_name([7]), job_name([2, 5, 31])) == ("007", "002-031")
    assert (job_range("007"), job_range("002-031")) == ((7, 7), (2, 31))


def test_no_training_volumes_where_every_model_is_given(folder):
    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    content["dataset"] = folder
    content["models"] = {"unet": {"architecture": "unet", "checkpoint": "unet-{acceleration}x.pt"}}
    assert Plan(validate_config(content)).training_volumes == []


def test_missing_folders_and_boxes_are_named(folder, tmp_path):
    with pytest.raises(InputError, match=r"nowhere.multicoil_val.*dataset\.root"):
        plan_of(**folder | {"root": str(tmp_path / "nowhere")}).audited_slices  # noqa: B018 - computed on access
    with pytest.raises(InputError, match=r"nothing\.csv"):
        plan_of(**folder | {"annotations": str(tmp_path / "nothing.csv")}).audited_slices  # noqa: B018
    write_csv(tmp_path / "other.csv", [("w", 1, "No", 1, 1, 5, 5, "tear")])
    with pytest.raises(InputError, match=r"other\.csv: no box belongs to a volume"):
        plan_of(**folder | {"annotations": str(tmp_path / "other.csv")}).audited_slices  # noqa: B018
    (tmp_path / "empty" / "multicoil_val").mkdir(parents=True)
    with pytest.raises(InputError, match=r"multicoil_val: holds no"):
        plan_of(**folder | {"root": str(tmp_path / "empty")}).audited_slices  # noqa: B018


def test_files_that_are_not_hdf5_are_all_named(folder, tmp_path):
    plan_of(**folder).check_files()
    for name in ("multicoil_val/v3", "multicoil_train/t1"):
        (tmp_path / f"{name}.h5").write_text("no")
    with pytest.raises(InputError, match=r"t1\.h5") as caught:
        plan_of(**folder).check_files()
    assert "v3.h5" in str(caught.value) and "v1.h5" not in str(caught.value)


def test_truncated_files_are_named_with_their_lengths(folder, tmp_path):
    path = tmp_path / "multicoil_val" / "v1.h5"
    content = path.read_bytes()
    path.write_bytes(content[:-1000])
    with pytest.raises(InputError, match=rf"v1\.h5: truncated: {len(content) - 1000} of {len(content)} bytes"):
        plan_of(**folder).check_files()
    path.write_bytes(content[:20])
    with pytest.raises(InputError, match=r"v1\.h5: truncated$"):
        plan_of(**folder).check_files()


@pytest.mark.parametrize("version", ["earliest", "v108", "v110", "latest"])
def test_files_of_every_format_version_pass_and_fail_as_they_should(tmp_path, version):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver=(version, "latest")) as file:
        file["kspace"] = np.zeros(5000)
    assert file_problem(path) is None
    path.write_bytes(path.read_bytes()[:-8])
    assert file_problem(path).startswith("truncated")


def test_annotated_volumes_that_are_not_on_disk_are_noted(folder, tmp_path):
    assert plan_of(**folder).notes() == []
    with (tmp_path / "boxes.csv").open("a") as file:
        file.write("gone,8,No,1,1,5,5,tear\nt1,8,No,1,1,5,5,tear\nno-box,0,Yes,,,,,artifact\n")
    (note,) = plan_of(**folder).notes()
    assert "1 of 4 annotated volumes" in note and "'gone'" in note and "'t1'" not in note


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("-rf", "begins with a dash"),
        ("a{b}", "holds braces"),
        ("100%j", "holds a percent sign"),
        ("two\nlines", "do not print"),
        ("tab\t", "do not print"),
        ("\x7f", "do not print"),
        (os.fsdecode(b"\xff"), "not valid UTF-8"),
        ("x" * 210, "longer than 200 bytes"),
    ],
)
def test_names_that_cannot_be_used_are_refused(tmp_path, name, problem):
    (tmp_path / f"{name}.h5").write_text("")
    (tmp_path / "good.h5").write_text("")
    with pytest.raises(InputError, match=problem) as caught:
        volume_names_in(tmp_path)
    assert "good" not in str(caught.value) and str(caught.value).isascii()


def test_other_names_are_kept_and_hidden_files_are_no_volumes(tmp_path):
    names = ["$(touch x)", "; rm -rf x", "a b", "it's", "knä", 'q"', "v1", "~", "$HOME", "*"]
    for name in [*names, "._v1", "..", "."]:
        (tmp_path / f"{name}.h5").write_text("")
    assert volume_names_in(tmp_path) == sorted(names)


@given(st.text(st.characters(blacklist_characters="/\0"), min_size=1, max_size=20))
def test_no_accepted_name_leads_out_of_a_folder(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("names")
    try:
        (folder / f"{name}.h5").write_text("")
        (found,) = volume_names_in(folder)
    except (InputError, UnicodeEncodeError):
        return
    inside = folder / "results" / found / "slices_000.h5"
    assert Path(os.path.normpath(inside)) == inside
    assert shlex.split(shlex.quote(found)) == [found]


def test_simulated_plan_needs_no_file():
    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    plan = Plan(validate_config(content))
    assert len(plan.training_volumes) == content["dataset"]["simulation"]["train_volumes"]
    assert plan.audited_volumes and all(plan.audited_slices.values())
    assert Plan(validate_config(content)).audited_slices == plan.audited_slices


def test_patterns_are_filled_in_for_every_attack_job(folder):
    plan = plan_of(**folder)
    assert plan.jobs == [f"{volume}/{job}" for volume in ("v1", "v3") for job in plan.slice_jobs(volume)]
    pattern = "{attack}/{model}-{acceleration}x/{volume}/{slices}"
    config = plan.config
    every = len(config.attacks) * len(config.models) * len(config.accelerations) * len(plan.jobs)
    assert len(set(plan.attack_jobs(pattern))) == len(plan.attack_jobs(pattern)) == every
    few = plan.attack_jobs(pattern, ["rotation"], [8])
    assert few == [f"rotation/{model}-8x/{job}" for model in config.models for job in plan.jobs]


def test_names_with_the_ending_of_their_files_get_a_hint(folder, tmp_path):
    """The column `file` is without .h5; the hint, followed, finds the boxes."""
    boxes = [(f"v{number}.h5", 4, "No", 1, 1, 5, 5, "tear") for number in (1, 3)]
    write_csv(tmp_path / "boxes.csv", boxes)
    with pytest.raises(InputError, match=r"no box belongs to a volume in .*multicoil_val \('v1\.h5': write it without"):
        _ = plan_of(**folder).audited_slices
    write_csv(tmp_path / "boxes.csv", [("v1", *boxes[0][1:]), boxes[1]])
    assert plan_of(**folder).audited_volumes == ["v1"]
    (note,) = plan_of(**folder).notes()
    assert "1 of 2 annotated volumes are in neither folder" in note and "('v3.h5': write it without .h5)" in note
    write_csv(tmp_path / "boxes.csv", [("v1", *boxes[0][1:]), ("v3", *boxes[1][1:])])
    assert plan_of(**folder).audited_volumes == ["v1", "v3"] and not plan_of(**folder).notes()


@pytest.mark.parametrize("ending", [".hdf5", ".H5", ".HDF5"])
def test_volumes_with_another_ending_get_a_hint(folder, tmp_path, ending):
    path = tmp_path / "multicoil_val" / "v2.h5"
    path.rename(path.with_suffix(ending))
    (note,) = plan_of(**folder).notes()
    assert f"multicoil_val: some files are left out; volumes end in .h5: rename 'v2{ending}'." in note
    for other in ("v1.h5", "v3.h5"):
        (tmp_path / "multicoil_val" / other).rename(tmp_path / "multicoil_val" / f"{other[:2]}{ending}")
    with pytest.raises(InputError, match=r"holds no \*\.h5 volume; volumes end in \.h5: rename 'v1.* and 2 more\."):
        volume_names_in(tmp_path / "multicoil_val")


def test_volumes_that_cannot_be_read_are_not_to_be_removed(folder, tmp_path, monkeypatch):
    """All at once, apart from those that were read and are no HDF5."""
    (tmp_path / "multicoil_train" / "t1.h5").write_text("text")
    original = Path.open

    def refusing(self, *arguments, **options):
        if self.name in ("t2.h5", "v3.h5"):
            raise PermissionError(13, "Permission denied", str(self))
        return original(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refusing)
    plan = plan_of(**folder)
    assert plan.audited_volumes and plan.training_volumes
    with pytest.raises(InputError) as caught:
        plan.check_files()
    unread, _, problems = str(caught.value).partition("these volumes are no whole HDF5 files; restore or remove them:")
    assert "t2.h5: you have no permission" in unread and "v3.h5: you have no permission" in unread
    assert "remove" not in unread and "t1.h5: not an HDF5 file" in problems and "t2" not in problems


def test_limits_beyond_what_is_there_are_noted(folder):
    notes = plan_of(**folder, audited_volumes=50, training_volumes=50).notes()
    assert [note for note in notes if note.startswith("dataset.")] == [
        "dataset.audited_volumes: 50 are asked for, 2 are there.",
        "dataset.training_volumes: 50 are asked for, 3 are there.",
    ]


def test_no_volume_left_to_train_on_stops_the_plan(folder):
    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    content["models"]["unet"]["training"]["holdout_volumes"] = 3
    plan = Plan(validate_config(content | {"dataset": folder}))
    with pytest.raises(InputError, match=r"unet\.training\.holdout_volumes: 3 of the 3 volumes in .*multicoil_train"):
        plan.training_volumes.copy()


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_filter_that_is_not_installed_stops_the_plan(folder, tmp_path, monkeypatch, split):
    """With its number and the package that has it; nothing is loaded where no volume has an unusual one."""
    plan_of(**folder).check_filters()
    monkeypatch.setitem(sys.modules, hdf5_filters.PLUGINS, None)
    compress(tmp_path / f"multicoil_{split}" / f"{split[0]}3.h5", "kspace", BLOSC)
    with pytest.raises(InputError, match=rf"3\.h5: 'kspace' is .* filter {BLOSC} \(blosc\).*pip install hdf5plugin"):
        plan_of(**folder).check_filters()
    monkeypatch.setattr(hdf5_filters, "_missing", lambda dataset: [])
    plan_of(**folder).check_filters()


def test_volumes_that_are_not_read_may_have_any_filter(folder, tmp_path):
    compress(tmp_path / "multicoil_val" / "v2.h5", "kspace", BLOSC)
    plan_of(**folder).check_filters()
