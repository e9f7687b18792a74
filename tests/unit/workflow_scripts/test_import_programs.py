"""Checkpoints and k-space from elsewhere: checked, arranged, taken over."""

import numpy as np
import pytest
import torch
from fastmri.data import SliceDataset
from fastmri.data.subsample import create_mask_for_mask_type
from fastmri.data.transforms import VarNetDataTransform
from support import SMALL_NETWORKS, complex_normal, random_network, run_program

from advmri.acquisition.masks import fastmri_seed, make_mask
from advmri.errors import InputError
from advmri.reconstruction.weights.checkpoint import Checkpoint, save_checkpoint
from advmri.volumes.reading import read_kspace, read_target, read_volume
from workflow_scripts import import_checkpoint, import_images, import_kspace


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
        ({"architecture": "varnet", "acceleration": 4}, "found unet with chans 4, num_pool_layers 2, expected varnet"),
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


@pytest.mark.parametrize("acquired", [(0, 16), (3, 16), (0, 11), (2, 15)])
def test_outer_columns_that_are_zero_were_not_acquired(rng, tmp_path, acquired):
    array = complex_normal(rng, (2, 3, 20, 16))
    array[..., : acquired[0]] = array[..., acquired[1] :] = 0
    array[0, ..., 7] = 0
    np.save(tmp_path / "k.npy", array)
    run_program(import_kspace, array=tmp_path / "k.npy", axes="schw", output=tmp_path / "only" / "v.h5")
    assert read_volume(tmp_path / "only" / "v.h5").padding == acquired
    metadata = SliceDataset(tmp_path / "only", "multicoil", use_dataset_cache=False).raw_samples[0].metadata
    assert (metadata["padding_left"], metadata["padding_right"]) == acquired


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
        ({"axes": "chw", "crop": [0, 12]}, "two positive numbers"),
        ({"axes": "chw", "field_of_view_mm": [0, 3]}, "two positive numbers"),
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


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04broken"])
def test_what_is_no_array_is_named(tmp_path, content):
    (tmp_path / "k.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"k\.npy: not a readable"):
        run_program(import_kspace, array=tmp_path / "k.npy", axes="chw", output=tmp_path / "v.h5")


@pytest.mark.parametrize("value", [0, np.nan])
def test_arrays_without_a_scale_are_named(tmp_path, value):
    np.save(tmp_path / "k.npy", np.full((2, 20, 16), value, np.complex64))
    with pytest.raises(InputError, match=r"k\.npy: its values are all zero or not finite"):
        run_program(import_kspace, array=tmp_path / "k.npy", axes="chw", output=tmp_path / "v.h5")


@pytest.mark.parametrize("content", [None, b"text", b"PK\x03\x04broken"])
def test_what_holds_no_images_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "i.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"i\.npy: not a readable"):
        run_program(import_images, images=tmp_path / "i.npy", root=tmp_path, train=1, pixel_mm=1.0)


def test_a_key_that_is_not_there_is_named(rng, tmp_path):
    np.savez(tmp_path / "k.npz", a=complex_normal(rng, (2, 20, 16)))
    with pytest.raises(InputError, match=r"k\.npz: holds a, no 'b'"):
        run_program(import_kspace, array=tmp_path / "k.npz", key="b", axes="chw", output=tmp_path / "v.h5")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("scan", "options", "shape", "crop"),
    [
        ("brain-7coil/brain_slice.npz", {"axes": "hwc", "coil-images": []}, (1, 7, 256, 216), (256, 216)),
        ("phantom-2coil/gre_k.npy", {"axes": "wch", "crop": [160, 160]}, (1, 2, 320, 160), (160, 160)),
    ],
    ids=["brain", "phantom"],
)
@pytest.mark.parametrize("mask_type", ["random", "equispaced_fraction"])
def test_fastmri_reads_the_imported_real_scans_identically(shared, tmp_path, scan, options, shape, crop, mask_type):
    """The documented command, then fastMRI's own dataset and transform: the same numbers as ours, bit by bit."""
    run_program(import_kspace, array=shared / scan, **options, output=tmp_path / "scan.h5")
    volume = read_volume(tmp_path / "scan.h5")
    assert (volume.slices, volume.coils, volume.rows, volume.columns) == shape and volume.crop == crop
    transform = VarNetDataTransform(create_mask_for_mask_type(mask_type, [0.08], [4]))
    (sample,) = SliceDataset(tmp_path, "multicoil", transform=transform, use_dataset_cache=False)
    mask = make_mask(volume.columns, 4, 0.08, mask_type, fastmri_seed("scan"), volume.padding)
    assert torch.equal(
        torch.view_as_complex(sample.masked_kspace), torch.from_numpy(read_kspace(volume, 0)) * mask.columns
    )
    assert torch.equal(sample.target, torch.from_numpy(read_target(volume, 0)))
    assert (sample.num_low_frequencies, sample.crop_size) == (mask.num_low_frequencies, crop)
    assert sample.max_value == volume.maximum == pytest.approx(1e-3)


def test_magnitudes_are_no_kspace(tmp_path):
    np.save(tmp_path / "k.npy", np.ones((2, 20, 16)))
    with pytest.raises(InputError, match="not complex"):
        run_program(import_kspace, array=tmp_path / "k.npy", axes="chw", output=tmp_path / "v.h5")
