"""The attack program: resumes at the slice where it stopped, and its result does not tell."""

import json
import signal

import h5py
import numpy as np
import pytest
import torch
from support import attack_run, make_run, run_program

from advmri.errors import InputError
from advmri.storage.text_digest import with_digest
from workflow_scripts import attack, score

SETTINGS = {"threat_model": "noise", "optimiser": "pgd", "target": "box", "severities": [0, 0.02], "steps": 2}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run"), "unet")


def contents(path):
    """Every dataset and attribute of an HDF5 file by name."""
    found = {}

    def note(name, item):
        found.update({f"{name}@{key}": np.asarray(value).tolist() for key, value in item.attrs.items()})
        if isinstance(item, h5py.Dataset):
            found[name] = (str(item.dtype), item.chunks, item[()].tobytes())

    with h5py.File(path) as file:
        note("", file)
        file.visititems(note)
    return found


class StoppedError(Exception):
    """As if the job had been killed."""


@pytest.fixture
def counted(monkeypatch):
    """Count attacked slices, and stop before one of them."""

    class Counter:
        attacked: list = []  # noqa: RUF012
        stop_at = None
        signal_at: tuple = (None, None)

    original = attack.attack_slices

    def counting(inputs, numbers, *others):
        if Counter.stop_at in numbers:
            raise StoppedError
        Counter.attacked.extend(numbers)
        if Counter.signal_at[0] in numbers:
            signal.raise_signal(Counter.signal_at[1])
        return original(inputs, numbers, *others)

    Counter.attacked = []
    monkeypatch.setattr(attack, "attack_slices", counting)
    return Counter


def test_goes_on_at_the_slice_where_it_stopped(paths, tmp_path, counted):
    attack_run(paths, tmp_path / "whole" / "a.h5", SETTINGS)
    counted.attacked, counted.stop_at = [], 2
    with pytest.raises(StoppedError):
        attack_run(paths, tmp_path / "a.h5", SETTINGS)
    assert counted.attacked == [0, 1] and not (tmp_path / "a.h5").exists()
    counted.attacked, counted.stop_at = [], None
    attack_run(paths, tmp_path / "a.h5", SETTINGS)
    assert counted.attacked == [2]
    assert contents(tmp_path / "a.h5") == contents(tmp_path / "whole" / "a.h5")
    assert [path.name for path in tmp_path.iterdir() if path.is_file() or path.name.startswith(".")] == ["a.h5"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_asked_to_end_it_finishes_its_slice(paths, tmp_path, counted, number):
    """What a scheduler sends before it kills: the slice that was begun is kept, and no other is begun."""
    before = signal.getsignal(number)
    counted.signal_at = (1, number)
    with pytest.raises(SystemExit) as stopped:
        attack_run(paths, tmp_path / "a.h5", SETTINGS)
    assert stopped.value.code == 143 and counted.attacked == [0, 1] and signal.getsignal(number) == before
    counted.attacked = []
    attack_run(paths, tmp_path / "a.h5", SETTINGS)
    assert counted.attacked == [2]


def test_asked_to_end_in_its_last_slice_it_leaves_the_file_to_the_retry(paths, tmp_path, counted):
    """Snakemake, which got the signal too, would take the job for failed and delete the file."""
    counted.signal_at = (2, signal.SIGTERM)
    with pytest.raises(SystemExit):
        attack_run(paths, tmp_path / "a.h5", SETTINGS)
    assert not (tmp_path / "a.h5").exists()
    counted.attacked = []
    attack_run(paths, tmp_path / "a.h5", SETTINGS)
    assert counted.attacked == []


def test_slices_that_share_batches_resume_as_well(paths, tmp_path, counted):
    """Bundles are cut the same wherever a job stopped, so that the result does not tell."""
    attack_run(paths, tmp_path / "whole" / "a.h5", SETTINGS, slices_per_batch=2)
    assert counted.attacked == [0, 1, 2]
    counted.attacked, counted.stop_at = [], 2
    with pytest.raises(StoppedError):
        attack_run(paths, tmp_path / "a.h5", SETTINGS, slices_per_batch=2)
    (part,) = tmp_path.glob(".a.h5.*.partial/slice_001.h5")
    part.unlink()
    counted.attacked, counted.stop_at = [], None
    attack_run(paths, tmp_path / "a.h5", SETTINGS, slices_per_batch=2)
    assert counted.attacked == [0, 1, 2]
    assert contents(tmp_path / "a.h5") == contents(tmp_path / "whole" / "a.h5")


def test_the_log_has_a_line_per_slice(paths, tmp_path, caplog):
    with caplog.at_level("INFO", logger="advmri"):
        attack_run(paths, tmp_path / "a.h5", SETTINGS)
    lines = [record.getMessage() for record in caplog.records if "done" in record.getMessage()]
    assert len(lines) == 3
    for number, line in enumerate(lines):
        assert f"slice {number} done, {number + 1} of 3 slices" in line
        assert "s left" in line and "largest error +" in line


@pytest.mark.parametrize(
    "change",
    [{"seed": 4}, {"code_digest": "other"}, {"batch_size": 2}, {"settings": SETTINGS | {"steps": 3}}],
    ids=lambda change: next(iter(change)),
)
def test_parts_of_other_settings_are_not_taken(paths, tmp_path, counted, change):
    counted.stop_at = 2
    with pytest.raises(StoppedError):
        attack_run(paths, tmp_path / "a.h5", SETTINGS)
    counted.attacked, counted.stop_at = [], None
    attack_run(paths, tmp_path / "a.h5", **{"settings": SETTINGS} | change)
    assert counted.attacked == [0, 1, 2]
    assert not list(tmp_path.glob(".*"))


def test_parts_with_other_boxes_are_not_taken(paths, tmp_path, counted):
    """Boxes are the index's: the CSV may change while a job lies interrupted."""
    counted.stop_at = 2
    with pytest.raises(StoppedError):
        attack_run(paths, tmp_path / "a.h5", SETTINGS)
    counted.attacked, counted.stop_at = [], None
    index = json.loads(paths["index"].read_text())
    index["annotated"]["1"]["boxes"][0]["row1"] += 1
    (tmp_path / "v1.json").write_text(json.dumps(with_digest(index)))
    attack_run(paths | {"index": tmp_path / "v1.json"}, tmp_path / "a.h5", SETTINGS)
    assert counted.attacked == [0, 1, 2]


def test_a_slice_does_not_depend_on_its_job(paths, tmp_path):
    """Cutting jobs otherwise (slices_per_job) gives the same perturbations."""
    gaussian = {"threat_model": "noise", "optimiser": "gaussian", "target": "box", "severities": [0, 0.02]}
    attack_run(paths, tmp_path / "all.h5", gaussian)
    attack_run(paths, tmp_path / "one.h5", gaussian, slices="001")
    whole, alone = contents(tmp_path / "all.h5"), contents(tmp_path / "one.h5")
    mine = {name for name in whole if name.startswith("slice_001")}
    assert mine == {name for name in alone if name.startswith("slice_")} != set()
    assert all(whole[name] == alone[name] for name in mine)


def test_a_job_whose_boxes_are_all_excluded_is_empty(paths, tmp_path):
    """The plan knows slices, the index knows which boxes are left: both files of such a job are there, empty."""
    index = json.loads(paths["index"].read_text())
    index["annotated"].pop("1")
    (tmp_path / "v1.json").write_text(json.dumps(with_digest(index)))
    attack_run(paths | {"index": tmp_path / "v1.json"}, tmp_path / "a.h5", SETTINGS, slices="001")
    with h5py.File(tmp_path / "a.h5") as file:
        assert len(file) == 0
    run_program(score, attack_file=tmp_path / "a.h5", index=tmp_path / "v1.json", output=tmp_path / "a.csv")
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 1


@pytest.mark.parametrize("threat", [SETTINGS, {"threat_model": "rotation", "severities": [0, 1], "angle_step": 1}])
def test_targets_are_the_index_boxes(paths, tmp_path, threat):
    """Rows are rows and columns columns: the first box is 8 by 9 and off the diagonal."""
    attack_run(paths, tmp_path / "a.h5", threat, slices="000")
    boxes = json.loads(paths["index"].read_text())["annotated"]["0"]["boxes"]
    with h5py.File(tmp_path / "a.h5") as file:
        for box in boxes:
            group = file[f"slice_000/box_{box['number']}"]
            assert group.attrs["rows"].tolist() == [box["row0"], box["row1"]]
            assert group.attrs["columns"].tolist() == [box["column0"], box["column1"]]
    places = [(box["row0"], box["row1"], box["column0"], box["column1"]) for box in boxes]
    assert places == [(10, 18, 4, 13), (15, 22, 12, 17)]


def test_a_network_that_returns_nan_ends_the_attack(paths, tmp_path):
    checkpoint = torch.load(paths["checkpoint"], weights_only=True)
    checkpoint["state_dict"] = {key: value * 0 + 3e38 for key, value in checkpoint["state_dict"].items()}
    torch.save(checkpoint, tmp_path / "nan.pt")
    for threat in (SETTINGS, {"threat_model": "rotation", "target": "image", "severities": [0, 2], "angle_step": 1}):
        with pytest.raises(InputError, match=r"nan\.pt: its network returns NaN or infinity for slice 0"):
            attack_run(paths | {"checkpoint": tmp_path / "nan.pt"}, tmp_path / "a.h5", threat, slices="000")
    assert not (tmp_path / "a.h5").exists()


def test_k_space_beyond_float32_ends_the_attack(paths, tmp_path):
    (tmp_path / "v1.h5").write_bytes(paths["volume"].read_bytes())
    with h5py.File(tmp_path / "v1.h5", "r+") as file:
        file["kspace"][...] *= 1e30
    with pytest.raises(InputError, match=r"v1\.h5"):
        attack_run(paths | {"volume": tmp_path / "v1.h5"}, tmp_path / "a.h5", SETTINGS, slices="000")
    assert not (tmp_path / "a.h5").exists()


def test_rotation_through_the_program(paths, tmp_path):
    rotation = {"threat_model": "rotation", "target": "image", "severities": [0, 2], "angle_step": 1}
    attack_run(paths, tmp_path / "a.h5", rotation, slices="000")
    with h5py.File(tmp_path / "a.h5") as file:
        group = file["slice_000"]
        assert group["image/sweep_angle"][()].tolist() == [-2, -1, 0, 1, 2]
        assert (group["image/reconstruction"][0] == group["clean"][()]).all()
        assert (group["image/perturbed_target"][0] == group["target"][()]).all()
        assert abs(group["image/angle"][1]) <= 2
