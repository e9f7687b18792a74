"""Slices and coils that cannot be used: the audit of the others goes on, and nothing is lost without a word."""

import logging

import h5py
import numpy as np
import pandas as pd
import pytest
from support import attack_run, make_run, run_program, write_csv, write_small_volume

from advmri.errors import InputError
from advmri.volumes.index import read_index
from workflow_scripts import index_volume, score, validate

NOISE = {"threat_model": "noise", "optimiser": "pgd", "target": "box", "severities": [0, 0.02], "steps": 2}
ROTATION = {"threat_model": "rotation", "target": "box", "severities": [0, 2], "angle_step": 1}


def change(path, position, value):
    with h5py.File(path, "a") as file:
        file["kspace"][position] = value


def reindexed(paths, tmp_path, caplog):
    """Write the volume's index anew and return it."""
    with caplog.at_level(logging.INFO, logger="advmri"):
        run_program(index_volume, volume=paths["volume"], annotations=tmp_path / "boxes.csv", output=paths["index"])
    return read_index(paths["index"])


@pytest.mark.parametrize(
    ("position", "value", "reason"),
    [((1, 0, 3, 4), np.nan, "slice 1 of 'kspace' holds values that are not finite"), (1, 0, "slice 1 is zero")],
)
def test_an_unusable_slice_is_left_out_with_its_reason(tmp_path, caplog, position, value, reason):
    paths = make_run(tmp_path, "unet")
    change(paths["volume"], position, value)
    index = reindexed(paths, tmp_path, caplog)
    assert list(index.annotated) == [0, 2]
    assert [(entry.line, entry.slice) for entry in index.excluded] == [(3, 1)]
    assert index.excluded[0].reason.startswith(reason)
    assert f"left out: {paths['volume']}: {reason}" in caplog.text

    attack_run(paths, tmp_path / "attack.h5", NOISE)
    run_program(score, attack_file=tmp_path / "attack.h5", index=paths["index"], output=tmp_path / "scores.csv")
    assert set(pd.read_csv(tmp_path / "scores.csv").slice) == {0, 2}

    options = {"checkpoint": paths["checkpoint"], "model": "unet", "acceleration": 4, "device": "cpu"}
    run_program(validate, **options, volumes=[paths["volume"]], masks=[paths["mask"]], output=tmp_path / "v.csv")
    quality = pd.read_csv(tmp_path / "v.csv")
    assert (quality.slices == 2).all() and np.isfinite(quality[["ssim", "psnr", "nmse"]]).all().all()


def test_a_job_of_nothing_but_unusable_slices_is_empty(tmp_path, caplog):
    paths = make_run(tmp_path, "unet")
    change(paths["volume"], 1, 0)
    reindexed(paths, tmp_path, caplog)
    attack_run(paths, tmp_path / "attack.h5", NOISE, slices="001")
    run_program(score, attack_file=tmp_path / "attack.h5", index=paths["index"], output=tmp_path / "scores.csv")
    assert pd.read_csv(tmp_path / "scores.csv").empty


@pytest.mark.parametrize("settings", [NOISE, ROTATION], ids=["noise", "rotation"])
@pytest.mark.parametrize("architecture", ["unet", "varnet"])
def test_a_dead_coil_never_makes_a_result_nan(tmp_path, caplog, architecture, settings):
    paths = make_run(tmp_path, architecture)
    change(paths["volume"], (1, 1), 0)
    with h5py.File(paths["volume"], "a") as file:  # made of all coils
        del file["reconstruction_rss"], file.attrs["max"]
    index = reindexed(paths, tmp_path, caplog)
    assert "slice 1: coils [1] of 3 are zero everywhere" in caplog.text
    assert [index.annotated[number].coils for number in (0, 1, 2)] == [[0, 1, 2], [0, 2], [0, 1, 2]]
    attack_run(paths, tmp_path / "attack.h5", settings, slices="000-001")
    with h5py.File(tmp_path / "attack.h5") as file:
        assert file["slice_001/coils"][()].tolist() == [0, 2]
        assert file["slice_000/coils"][()].tolist() == [0, 1, 2]
        if settings is NOISE:
            assert file["slice_001/box_0/perturbation"].shape[1] == 2

        def finite(name, item):
            measured_once = name.endswith("/gradient_ratio") and name != "slice_000/box_0/gradient_ratio"
            if isinstance(item, h5py.Dataset) and not measured_once:
                assert np.isfinite(item[()]).all(), name

        file.visititems(finite)
    run_program(score, attack_file=tmp_path / "attack.h5", index=paths["index"], output=tmp_path / "scores.csv")
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert np.isfinite(scores[["ssim", "psnr", "nmse", "clean_ssim"]]).all().all()


def test_without_the_care_a_dead_coil_would_give_nan(tmp_path):
    """Why dead coils are left out: the networks alone cannot take one. Fails once fastMRI's can."""
    import torch
    from support import object_kspace, small_scan

    kspace = object_kspace(np.random.default_rng(0))
    kspace[1] = 0
    assert not torch.isfinite(small_scan("varnet", kspace=kspace).clean()).all()


BAD_VOLUMES = {
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:9000]), "not a readable HDF5 file"),
    "no header": (lambda path: _edit(path, "ismrmrd_header", None), "there is no dataset 'ismrmrd_header'"),
    "crop larger than the image": (
        lambda path: _edit(path, "reconstruction_rss", np.zeros((2, 24, 40), np.float32)),
        "its reconstruction size (24, 40) is larger than its k-space (48, 32)",
    ),
}


def _edit(path, name, content):
    with h5py.File(path, "a") as file:
        del file[name]
        if content is not None:
            file[name] = content


@pytest.mark.parametrize("case", BAD_VOLUMES)
def test_unusable_volumes_leave_no_index(tmp_path, case):
    spoil, message = BAD_VOLUMES[case]
    write_small_volume(tmp_path / "v1.h5")
    spoil(tmp_path / "v1.h5")
    write_csv(tmp_path / "boxes.csv", [("v1", 0, "No", 4, 6, 9, 8, "tear")])
    with pytest.raises(InputError, match=r"v1\.h5") as caught:
        run_program(
            index_volume, volume=tmp_path / "v1.h5", annotations=tmp_path / "boxes.csv", output=tmp_path / "v1.json"
        )
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "v1.json").exists()
