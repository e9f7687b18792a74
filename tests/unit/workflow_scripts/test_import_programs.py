"""Checkpoints and k-space from elsewhere: checked, arranged, taken over."""

import re

import numpy as np
import pytest
import torch
from fastmri.data import SliceDataset
from fastmri.data.subsample import create_mask_for_mask_type
from fastmri.data.transforms import VarNetDataTransform
from support import SMALL_NETWORKS, centred_fft2, complex_normal, object_kspace, random_network, run_program

from advmri.acquisition.masks import fastmri_seed, make_mask
from advmri.errors import InputError
from advmri.reconstruction.weights.checkpoint import Checkpoint, save_checkpoint
from advmri.volumes.import_cautions import kspace_cautions
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


def log_of(caplog):
    """The lines of a program's log, and those among them that caution."""
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    return "\n".join(line for _, line in lines), [line for level, line in lines if level == "WARNING"]


def test_an_import_says_what_it_wrote_and_where_an_audit_looks_for_it(rng, tmp_path, caplog):
    np.save(tmp_path / "k.npy", object_kspace(rng, 3, 48, 32))
    for folder in ("anywhere", "multicoil_val"):
        caplog.clear()
        with caplog.at_level("INFO", "advmri"):
            run_program(import_kspace, array=tmp_path / "k.npy", axes="chw", output=tmp_path / folder / "scan_1.h5")
        said, cautions = log_of(caplog)
        assert f"{folder}/scan_1.h5: 1 slice(s) of 3 coils, 48 rows (readout) x 32 columns" in said and not cautions
        assert "patient scan_1" in said and "have scan_1 in the CSV's column file" in said
        assert ("takes it from multicoil_val/" in said) == (folder == "anywhere")


@pytest.mark.parametrize(
    ("kind", "axes", "cautioned"),
    [
        ("kspace", "chw", None),
        ("kspace", "hcw", "48 coils of 3 x 32 samples: more coils than lines; --axes names"),
        ("images", "chw", "spread over the array as over an image.*give --coil-images"),
        ("kspace as images", "chw", "as if the array held k-space already; if so, leave --coil-images out"),
        ("noise", "chw", None),
        ("asymmetric echo", "chw", r"slice 0: rows outside \[9, 48\) are zero .* dataset.acquired_columns to kspace"),
    ],
)
def test_arrays_that_look_like_something_else_get_a_caution(rng, tmp_path, caplog, kind, axes, cautioned):
    kspace = object_kspace(rng, 3, 48, 32)
    arrays = {"images": centred_fft2(kspace).astype(np.complex64), "noise": complex_normal(rng, (3, 48, 32))}
    arrays["asymmetric echo"] = np.where(np.arange(48)[:, None] < 9, 0, kspace)
    np.save(tmp_path / "k.npy", arrays.get(kind, kspace))
    options = {"coil-images": []} if kind == "kspace as images" else {}
    with caplog.at_level("INFO", "advmri"):
        run_program(import_kspace, array=tmp_path / "k.npy", axes=axes, output=tmp_path / "v.h5", **options)
    _, cautions = log_of(caplog)
    assert len(cautions) == (cautioned is not None) and (not cautions or re.search(cautioned, cautions[0]))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("scan", "axes", "images"),
    [("brain-7coil/brain_slice.npz", "hwc", True), ("phantom-2coil/gre_k.npy", "wch", False)],
)
def test_real_scans_given_the_right_way_get_no_caution(shared, scan, axes, images):
    loaded = np.load(shared / scan)
    array = import_kspace.arrange(loaded["arr_0"] if scan.endswith("npz") else loaded, axes)[0]
    for given_as_images in (True, False):
        kspace = centred_fft2(array) if given_as_images else array
        assert bool(kspace_cautions(kspace, given_as_images)) == (given_as_images != images)


def write_images(path, count=6, shape=(40, 36)):
    """Images with a disc each, as magnitudes."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij")
    np.save(path, np.stack([(y**2 + x**2 < 0.3 + 0.1 * number) * 9.0 for number in range(count)]))
    return {"images": path, "root": path.parent / "data", "pixel_mm": 2.0, "coils": 3}


def volumes_in(root):
    return {path.relative_to(root).as_posix(): read_volume(path).patient for path in sorted(root.rglob("*.h5"))}


def test_which_image_became_which_volume_is_said(tmp_path, caplog):
    options = write_images(tmp_path / "i.npy")
    with caplog.at_level("INFO", "advmri"):
        run_program(import_images, **options, train=4, prefix="knee")
    said, cautions = log_of(caplog)
    assert not cautions and "4 to train on" in said and "2 to audit" in said
    for number in range(6):
        place = options["root"] / f"multicoil_{'train' if number < 4 else 'val'}" / f"knee_{number + 1:03d}.h5"
        assert f"image {number}, patient knee_{number + 1:03d}: {place}" in said and place.is_file()
    assert not read_volume(place).flip_up_down


def test_a_split_that_leaves_nothing_to_audit_is_said_or_refused(tmp_path, caplog):
    options = write_images(tmp_path / "i.npy")
    for train in (9, -1):
        with pytest.raises(InputError, match=f"--train {train}: there are 6 images"):
            run_program(import_images, **options, train=train)
    assert not options["root"].exists()
    with caplog.at_level("INFO", "advmri"):
        run_program(import_images, **options, train=6)
    assert log_of(caplog)[1] == ["no image is left to audit: all of them are for training"]
    with pytest.raises(InputError, match=r"multicoil_train/image_006\.h5: is there already, and image_006 is for val"):
        run_program(import_images, **options, train=5)


NAMES = "image,volume,patient,split\n4,left,ann,val\n\n0,right,ann,val\n2,ben,,train\n"


def test_images_and_patients_are_named_in_a_csv(tmp_path, caplog):
    options = write_images(tmp_path / "i.npy")
    (tmp_path / "names.csv").write_text(NAMES)
    with caplog.at_level("INFO", "advmri"):
        run_program(import_images, **options, names=tmp_path / "names.csv")
    expected = {"multicoil_train/ben.h5": "ben", "multicoil_val/left.h5": "ann", "multicoil_val/right.h5": "ann"}
    assert volumes_in(options["root"]) == expected
    said, _ = log_of(caplog)
    assert "image 4, patient ann:" in said and "left out: image(s) 1, 3, 5" in said
    found = read_target(read_volume(options["root"] / "multicoil_val" / "left.h5"), 0)
    assert np.corrcoef(found.ravel(), np.load(options["images"])[4].ravel())[0, 1] > 0.9


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("image,volume", "image;volume"), r"column\(s\) image, volume missing"),
        (("2,ben", "6,ben"), r"line 5: image '6' is none of 0 to 5"),
        (("2,ben", "two,ben"), r"line 5: image 'two' is none"),
        (("2,ben", "4,ben"), "image 4 is named twice"),
        (("ben,", "left,"), "volume left is named twice"),
        (("ben,", "a/b,"), r"line 5: the volume's name 'a/b' is empty, hidden, or holds a slash"),
        (("ben,", "{b},"), "'{b}' holds braces"),
        (("train", "test"), "line 5: split 'test' is neither train nor val"),
        (("ben,,train", "ben,ann,train"), "patient 'ann' is in train and in val"),
    ],
)
def test_names_that_cannot_be_used_are_named(tmp_path, change, named):
    options = write_images(tmp_path / "i.npy")
    (tmp_path / "names.csv").write_text(NAMES.replace(*change))
    with pytest.raises(InputError, match=named):
        run_program(import_images, **options, names=tmp_path / "names.csv")
    assert not options["root"].exists()


@pytest.mark.parametrize(
    ("count", "shape", "pixel_mm", "cautioned"),
    [
        (2, (40, 36), 2.0, None),
        (40, (40, 6), 0.5, "40 images of 40 x 6 pixels: the array's first axis must count the images"),
        (1, (40, 36), 5.0, "40 x 36 pixels of 5 mm show 200 x 180 mm, more than lies within the simulated loops"),
    ],
)
def test_images_that_look_wrong_get_a_caution(count, shape, pixel_mm, cautioned):
    found = import_images.cautions((count, *shape), pixel_mm)
    assert len(found) == (cautioned is not None) and (not found or cautioned in found[0])


def test_images_without_a_pixel_size_or_content_are_refused(tmp_path):
    options = write_images(tmp_path / "i.npy", count=2)
    with pytest.raises(InputError, match="--pixel-mm 0: the side of a pixel in mm"):
        run_program(import_images, **options | {"pixel_mm": 0}, train=1)
    images = np.load(options["images"])
    for value in (0, np.nan):
        images[1] = value
        np.save(options["images"], images)
        with pytest.raises(InputError, match=r"i\.npy: image 1 holds values that are not finite, or none above zero"):
            run_program(import_images, **options, train=1)


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
