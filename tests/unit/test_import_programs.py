"""Checkpoints and k-space from elsewhere: checked, arranged, taken over."""

import numpy as np
import pytest
from support import SMALL_NETWORKS, complex_normal, random_network, run_program

from advmri.errors import InputError
from advmri.reconstruction.checkpoint import Checkpoint, save_checkpoint
from advmri.volumes import read_kspace, read_target, read_volume
from workflow_scripts import import_checkpoint, import_kspace


@pytest.fixture
def checkpoint(tmp_path):
    facts = Checkpoint("unet", SMALL_NETWORKS["unet"], acceleration=4, trained_on="train+val")
    save_checkpoint(tmp_path / "given.pt", facts, random_network("unet"))
    return tmp_path / "given.pt"


def test_a_checkpoint_is_copied_as_it_is(checkpoint, tmp_path):
    run_program(import_checkpoint, checkpoint=checkpoint, architecture="unet", acceleration=4, output=tmp_path / "m.pt")
    assert (tmp_path / "m.pt").read_bytes() == checkpoint.read_bytes()


@pytest.mark.parametrize(
    ("expected", "named"),
    [
        ({"architecture": "varnet", "acceleration": 4}, "its architecture is unet, the config says varnet"),
        ({"architecture": "unet", "acceleration": 8}, "its acceleration is 4, the config says 8"),
    ],
)
def test_another_architecture_or_acceleration_is_refused(checkpoint, tmp_path, expected, named):
    with pytest.raises(InputError, match=named):
        run_program(import_checkpoint, checkpoint=checkpoint, output=tmp_path / "m.pt", **expected)
    assert not (tmp_path / "m.pt").exists()


@pytest.mark.parametrize(("axes", "shape"), [("schw", (2, 3, 20, 16)), ("hwsc", (20, 16, 2, 3)), ("whc", (16, 20, 3))])
def test_kspace_is_arranged_and_scaled(rng, tmp_path, axes, shape):
    array = complex_normal(rng, shape)
    np.save(tmp_path / "k.npy", array)
    run_program(
        import_kspace, array=tmp_path / "k.npy", axes=axes, crop=[10, 12], patient="p", output=tmp_path / "v.h5"
    )
    volume = read_volume(tmp_path / "v.h5")
    slices = 2 if "s" in axes else 1
    assert (volume.slices, volume.coils, volume.rows, volume.columns) == (slices, 3, 20, 16)
    assert volume.crop == (10, 12) and volume.patient == "p"
    assert volume.maximum == pytest.approx(1e-3)
    named = dict(zip(axes, range(len(axes)), strict=True))
    first = array.transpose([named[letter] for letter in ("schw" if "s" in axes else "chw")])
    first = first[0] if "s" in axes else first
    found = read_kspace(volume, 0)
    np.testing.assert_allclose(found / found.flat[0], first / first.flat[0], rtol=1e-4)


def test_coil_images_are_transformed(rng, tmp_path):
    images = complex_normal(rng, (1, 2, 16, 12))
    np.savez(tmp_path / "images.npz", images=images, other=np.ones(3))
    run_program(
        import_kspace,
        array=tmp_path / "images.npz",
        key="images",
        **{"coil-images": []},
        **{"keep-scale": []},
        output=tmp_path / "v.h5",
    )
    target = read_target(read_volume(tmp_path / "v.h5"), 0)
    np.testing.assert_allclose(target, np.sqrt((np.abs(images[0]) ** 2).sum(axis=0)), rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"axes": "schw"}, "does not describe 3 axes"),
        ({"axes": "chh"}, "does not describe 3 axes"),
        ({"axes": "cxw"}, "does not describe 3 axes"),
        ({"axes": "chw", "crop": [30, 30]}, "larger than the k-space"),
    ],
)
def test_unusable_arrays_are_named(rng, tmp_path, options, named):
    np.save(tmp_path / "k.npy", complex_normal(rng, (2, 20, 16)))
    with pytest.raises(InputError, match=named):
        run_program(import_kspace, array=tmp_path / "k.npy", output=tmp_path / "v.h5", **options)
    assert not (tmp_path / "v.h5").exists()


def test_an_axis_named_twice_is_refused(rng, tmp_path):
    np.save(tmp_path / "k.npy", complex_normal(rng, (2, 20, 16, 16)))
    with pytest.raises(InputError, match="'chww' does not describe"):
        run_program(import_kspace, array=tmp_path / "k.npy", axes="chww", output=tmp_path / "v.h5")


def test_magnitudes_are_no_kspace(tmp_path):
    np.save(tmp_path / "k.npy", np.ones((2, 20, 16)))
    with pytest.raises(InputError, match="not complex"):
        run_program(import_kspace, array=tmp_path / "k.npy", axes="chw", output=tmp_path / "v.h5")
