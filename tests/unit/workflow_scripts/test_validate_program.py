"""Clean quality is fastMRI's own evaluation of whole volumes, with stock transforms and networks."""

from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from fastmri import evaluate
from fastmri.data import SliceDataset
from fastmri.data.subsample import create_mask_for_mask_type
from fastmri.data.transforms import UnetDataTransform
from fastmri.models import Unet
from support import image_of_other_kspace, make_run, run_program, wrong_maximum

from advmri.errors import InputError
from advmri.scores.cautions import cautions_on
from advmri.storage.tables import read_table
from advmri.volumes.likeness import TrainingData
from advmri.volumes.reading import read_volume
from workflow_scripts import validate


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    paths = make_run(folder, "unet")
    options = {"checkpoint": paths["checkpoint"], "model": "unet", "acceleration": 4, "device": "cpu"}
    run_program(validate, **options, volumes=[paths["volume"]], masks=[paths["mask"]], output=folder / "v.csv")
    return paths, pd.read_csv(folder / "v.csv").set_index("model")


def stock_images(paths):
    """Targets, zero-filled images and U-Net outputs of the volume, by fastMRI alone."""
    transform = UnetDataTransform("multicoil", create_mask_for_mask_type("random", [0.16], [4]))
    content = torch.load(paths["checkpoint"], weights_only=True)
    network = Unet(1, 1, **content["architecture"]["arguments"]).eval()
    network.load_state_dict(content["state_dict"])
    raw = SliceDataset(paths["volume"].parent, "multicoil", use_dataset_cache=False)
    samples = SliceDataset(paths["volume"].parent, "multicoil", transform=transform, use_dataset_cache=False)
    targets, zero_filled, images = [], [], []
    with torch.no_grad():
        for (_, _, target, *_), sample in zip(raw, samples, strict=True):
            targets.append(target)
            zero_filled.append((sample.image * sample.std + sample.mean).numpy())
            images.append((network(sample.image[None, None])[0, 0] * sample.std + sample.mean).numpy())
    return np.stack(targets), {"zero_filled": np.stack(zero_filled), "unet": np.stack(images)}, float(sample.max_value)


def test_scores_are_fastmris(run, tmp_path):
    paths, found = run
    folder = tmp_path / "only"
    folder.mkdir()
    (folder / "v1.h5").write_bytes(paths["volume"].read_bytes())
    targets, images, maximum = stock_images(paths | {"volume": folder / "v1.h5"})
    for name, values in images.items():
        assert found.ssim[name] == pytest.approx(float(evaluate.ssim(targets, values, maximum)[0]), rel=1e-3)
        assert found.psnr[name] == pytest.approx(float(evaluate.psnr(targets, values, maximum)), rel=1e-3)
        assert found.nmse[name] == pytest.approx(float(evaluate.nmse(targets, values)), rel=1e-3)


def test_rows(run):
    _, found = run
    assert list(found.index) == ["unet", "zero_filled"]
    assert (found.volume == "v1").all() and (found.patient == "patient-1").all() and (found.acceleration == 4).all()


def test_zero_filling_of_the_same_volume_stands_beside_the_network(run):
    """Whether or not it is one of the run's models; the baseline has nothing beside it."""
    _, found = run
    assert found.zero_filled_ssim["unet"] == found.ssim["zero_filled"] and np.isnan(
        found.zero_filled_ssim["zero_filled"]
    )


def test_a_checkpoint_that_does_not_say_its_data_is_not_known_and_no_alarm(run):
    _, found = run
    assert found.trained_with["unet"] == "not known" and found.unlike_training.isna().all()
    assert not any("trained on" in caution.text for caution in cautions_on(found.reset_index()))


@pytest.mark.parametrize(
    ("change", "unlike"), [({}, None), ({"coils": 15}, '{"coils": "3"}'), ({"rows": 640}, '{"matrix": "48 x 32"}')]
)
def test_what_differs_from_the_training_is_told(run, tmp_path, change, unlike):
    paths, _ = run
    content = torch.load(paths["checkpoint"], weights_only=True)
    data = TrainingData.of([replace(read_volume(paths["volume"]), **change)])
    torch.save(content | {"training": {"data": data.record()}}, tmp_path / "model.pt")
    options = {"checkpoint": tmp_path / "model.pt", "model": "unet", "acceleration": 4, "device": "cpu"}
    run_program(validate, **options, volumes=[paths["volume"]], masks=[paths["mask"]], output=tmp_path / "v.csv")
    row = read_table(tmp_path / "v.csv").set_index("model").loc["unet"]
    assert row.trained_with == str(data)
    assert pd.isna(row.unlike_training) if unlike is None else row.unlike_training == unlike


@pytest.mark.parametrize("spoil", [wrong_maximum, image_of_other_kspace(2)])
def test_volumes_that_disagree_with_themselves_end_the_validation(run, tmp_path, spoil):
    """Volumes without annotations, which are not indexed, too."""
    paths, _ = run
    (tmp_path / "v1.h5").write_bytes(paths["volume"].read_bytes())
    with h5py.File(tmp_path / "v1.h5", "r+") as file:
        spoil(file)
    options = {"checkpoint": paths["checkpoint"], "model": "unet", "acceleration": 4, "device": "cpu"}
    with pytest.raises(InputError, match=r"v1\.h5: .*('max'|'reconstruction_rss' of slice 2)"):
        run_program(validate, **options, volumes=[tmp_path / "v1.h5"], masks=[paths["mask"]], output=tmp_path / "v.csv")
    assert not (tmp_path / "v.csv").exists()
