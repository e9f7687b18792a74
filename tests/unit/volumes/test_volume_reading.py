"""Volumes are fastMRI's: its own loader reads what is written here, and bad files are named."""

import gc
import re
import weakref

import h5py
import ismrmrd
import numpy as np
import pytest
import torch
from fastmri.data import SliceDataset
from fastmri.data.subsample import create_mask_for_mask_type
from fastmri.data.transforms import VarNetDataTransform
from hypothesis import given
from hypothesis import strategies as st
from support import centred_fft2, complex_normal, object_kspace, write_small_volume

from advmri.acquisition.masks import fastmri_seed, make_mask
from advmri.errors import InputError, UnusableSliceError
from advmri.volumes.folder import file_problem
from advmri.volumes.ismrmrd_header import encode_header
from advmri.volumes.reading import read_kspace, read_slice, read_target, read_volume, rss_image, volume_maximum
from advmri.volumes.writing import write_volume

CROP = (24, 24)


def fastmri_reads(folder, **options):
    return SliceDataset(folder, challenge="multicoil", use_dataset_cache=False, **options)


def assert_fastmri_agrees(path):
    """fastMRI's loader and ours give the same samples, geometry and target for every slice."""
    volume = read_volume(path)
    function = create_mask_for_mask_type("random", [0.16], [4])
    samples = fastmri_reads(path.parent, transform=VarNetDataTransform(function))
    mask = make_mask(volume.columns, 4, 0.16, "random", fastmri_seed(path.stem), volume.padding)
    assert len(samples) == volume.slices
    for number, sample in enumerate(samples):
        kspace = torch.from_numpy(read_kspace(volume, number))
        assert torch.equal(torch.view_as_complex(sample.masked_kspace), kspace * mask.columns)
        assert torch.equal(sample.mask.reshape(-1).bool(), mask.columns)
        assert torch.equal(sample.target, torch.from_numpy(read_target(volume, number)))
        assert sample.crop_size == volume.crop
        assert float(sample.max_value) == volume.maximum == volume_maximum(volume)
        assert (sample.fname, sample.slice_num) == (path.name, number)
    raw = fastmri_reads(path.parent)[0]
    attributes = raw[3]
    assert (attributes["padding_left"], attributes["padding_right"]) == volume.padding
    assert tuple(attributes["recon_size"][:2]) == volume.crop


@pytest.mark.parametrize(("rows", "columns"), [(48, 32), (47, 33)])
def test_fastmris_loader_reads_the_same(tmp_path, rows, columns):
    path = tmp_path / "file1.h5"
    kspace = write_small_volume(path, slices=3, rows=rows, columns=columns, crop=CROP)
    assert_fastmri_agrees(path)
    volume = read_volume(path)
    assert (volume.slices, volume.coils, volume.rows, volume.columns) == kspace.shape
    assert (volume.acquisition, volume.patient) == ("CORPD_FBK", "patient-1")
    for number in range(3):
        assert (read_kspace(volume, number) == kspace[number]).all()
    assert volume.maximum == max(float(read_target(volume, number).max()) for number in range(3))


def test_target_is_the_rss_of_the_kspace(tmp_path):
    kspace = write_small_volume(tmp_path / "a.h5")
    volume = read_volume(tmp_path / "a.h5")
    np.testing.assert_allclose(read_target(volume, 1), rss_image(kspace[1], CROP), rtol=1e-6)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file["reconstruction_rss"], file.attrs["max"]
    bare = read_volume(tmp_path / "a.h5")
    assert bare.crop == CROP and bare.maximum is None
    np.testing.assert_allclose(read_target(bare, 1), rss_image(kspace[1], CROP), rtol=1e-6)
    assert volume_maximum(bare) == pytest.approx(volume.maximum, rel=1e-6)


def test_zero_filled_columns_come_from_the_header(tmp_path):
    """The real files' geometry: fewer columns acquired than there are, the echo off the middle."""
    path = tmp_path / "file1.h5"
    write_small_volume(path, rows=48, columns=32)
    with h5py.File(path, "a") as file:
        header = re.sub(r">\s+<", "><", file["ismrmrd_header"][()].decode())
        old = "<minimum>0</minimum><maximum>31</maximum><center>16</center>"
        assert old in header
        del file["ismrmrd_header"]
        file["ismrmrd_header"] = header.replace(old, "<minimum>0</minimum><maximum>25</maximum><center>11</center>")
    assert read_volume(path).padding == (5, 31)
    assert_fastmri_agrees(path)


@given(st.integers(8, 700), st.integers(8, 400), st.integers(1, 50), st.integers(1, 32))
def test_header_is_valid_ismrmrd(rows, columns, slices, coils):
    crop = (rows // 2, columns // 2)
    header = ismrmrd.xsd.CreateFromDocument(encode_header((rows, columns), crop, slices, coils, (320.0, 240.0)))
    encoding = header.encoding[0]
    size, recon = encoding.encodedSpace.matrixSize, encoding.reconSpace.matrixSize
    assert (size.x, size.y, size.z) == (rows, columns, 1)
    assert (recon.x, recon.y) == crop
    limits = encoding.encodingLimits.kspace_encoding_step_1
    left = size.y // 2 - limits.center
    assert (left, left + limits.maximum + 1) == (0, columns)
    assert header.acquisitionSystemInformation.receiverChannels == coils
    assert encoding.encodingLimits.slice.maximum == slices - 1
    field = encoding.reconSpace.fieldOfView_mm
    assert field.x / recon.x == pytest.approx(320.0 / rows) and field.y / recon.y == pytest.approx(240.0 / columns)


def test_header_is_the_same_bytes_every_time():
    facts = ((48, 32), (24, 24), 3, 4, (280.0, 161.3), (5, 31))
    assert encode_header(*facts) == encode_header(*facts)


def test_header_of_a_written_volume_parses_to_the_same_geometry(tmp_path):
    write_small_volume(tmp_path / "a.h5", rows=50, columns=40, crop=(24, 20))
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file["reconstruction_rss"]  # whose shape would go before the header's
    volume = read_volume(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        encoding = ismrmrd.xsd.CreateFromDocument(file["ismrmrd_header"][()]).encoding[0]
    limits = encoding.encodingLimits.kspace_encoding_step_1
    left = encoding.encodedSpace.matrixSize.y // 2 - limits.center
    assert volume.padding == (left, left + limits.maximum + 1) == (0, 40)
    assert volume.crop == (encoding.reconSpace.matrixSize.x, encoding.reconSpace.matrixSize.y) == (24, 20)


def _real(path, kspace, crop):
    kspace = kspace.astype(np.complex64)
    kspace = kspace * np.float32(1e-3 / rss_image(kspace, crop).max())
    write_volume(path, kspace, crop=crop, acquisition="unknown", patient="p", field_of_view_mm=(1.0, 1.0))
    return kspace


@pytest.mark.shared
def test_real_brain(shared, tmp_path):
    images = np.load(shared / "brain-7coil" / "brain_slice.npz")["arr_0"].transpose(2, 0, 1)
    kspace = _real(tmp_path / "brain.h5", centred_fft2(images)[None], (256, 216))
    assert kspace.shape == (1, 7, 256, 216)
    assert_fastmri_agrees(tmp_path / "brain.h5")
    target = read_target(read_volume(tmp_path / "brain.h5"), 0)
    magnitude = np.sqrt((np.abs(images) ** 2).sum(axis=0))
    np.testing.assert_allclose(target, magnitude * (1e-3 / magnitude.max()), rtol=1e-3, atol=1e-8)


@pytest.mark.shared
def test_real_phantom_with_readout_oversampling(shared, tmp_path):
    kspace = np.load(shared / "phantom-2coil" / "gre_k.npy").transpose(1, 2, 0)[None]
    written = _real(tmp_path / "phantom.h5", kspace, (160, 160))
    assert written.shape == (1, 2, 320, 160)
    assert_fastmri_agrees(tmp_path / "phantom.h5")


def spoil(path, **changes):
    """Write a good volume, then change it."""
    write_small_volume(path)
    with h5py.File(path, "a") as file:
        for name, change in changes.items():
            values = file[name][()]
            del file[name]
            values = change(values)
            if values is not None:
                file[name] = values
    return path


def _with(position, value):
    def change(values):
        values[position] = value
        return values

    return change


BAD = {
    "no kspace": ({"kspace": lambda _: None}, "'kspace'"),
    "kspace of a single coil": ({"kspace": lambda values: values[:, 0]}, "'kspace'"),
    "kspace of magnitudes": ({"kspace": np.abs}, "complex dataset 'kspace'"),
    "no slice": ({"kspace": lambda values: values[:0]}, "'kspace'"),
    "targets of fewer slices": (
        {"reconstruction_rss": lambda values: values[:1]},
        "'reconstruction_rss' float32 (1, 24, 24)",
    ),
    "targets of text": (
        {"reconstruction_rss": lambda values: np.full(values.shape, b"0.1")},
        "'reconstruction_rss' |S3 (2, 24, 24) is not real",
    ),
    "header of numbers": ({"ismrmrd_header": lambda _: np.arange(3)}, "holds no text"),
    "no column acquired": (
        {"ismrmrd_header": lambda text: text.replace(b"<center>16", b"<center>80")},
        "columns -64 to -32 of 32 were acquired",
    ),
    "no header": ({"ismrmrd_header": lambda _: None}, "ismrmrd_header"),
    "header not XML": ({"ismrmrd_header": lambda _: b"<a>"}, "not valid XML"),
    "header without sizes": ({"ismrmrd_header": lambda _: b"<ismrmrdHeader/>"}, "reconSpace"),
    "header with text for a size": (
        {"ismrmrd_header": lambda text: text.replace(b"<maximum>31", b"<maximum>many")},
        "kspace_encoding_step_1/maximum",
    ),
    "crop larger than the image": (
        {"reconstruction_rss": lambda values: np.zeros((2, 24, 40), np.float32)},
        "larger than its k-space",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_unusable_volumes_are_named(tmp_path, case):
    changes, named = BAD[case]
    with pytest.raises(InputError, match=r"bad\.h5") as caught:
        read_volume(spoil(tmp_path / "bad.h5", **changes))
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_with((1, 0, 3, 4), np.nan), "slice 1 of 'kspace' holds values that are not finite"),
        (_with((1, 2, 0, 0), np.inf), "slice 1 of 'kspace' holds values that are not finite"),
        (_with(1, 0), "slice 1 is zero everywhere"),
    ],
)
def test_unusable_slices_are_named(tmp_path, change, named):
    volume = read_volume(spoil(tmp_path / "bad.h5", kspace=change))
    assert read_kspace(volume, 0).any()
    with pytest.raises(UnusableSliceError, match=r"bad\.h5") as caught:
        read_kspace(volume, 1)
    assert named in str(caught.value)


def test_a_dead_coil_is_left_out_and_the_target_stays(tmp_path):
    whole = write_small_volume(tmp_path / "good.h5", coils=4)
    volume = read_volume(spoil(tmp_path / "bad.h5", kspace=_with((1, 1), 0)))
    with h5py.File(tmp_path / "bad.h5") as file:
        dead = file["kspace"][1]
    assert volume.coils == 3 and read_slice(volume, 0).coils == [0, 1, 2]
    scan = read_slice(volume, 1)
    assert scan.coils == [0, 2] and (scan.kspace == dead[[0, 2]]).all()
    np.testing.assert_array_equal(rss_image(scan.kspace, CROP), rss_image(dead, CROP))
    assert read_slice(read_volume(tmp_path / "good.h5"), 1).kspace.shape == whole[1].shape


@pytest.mark.parametrize("maximum", [np.nan, 0.0, -1.0, np.inf, "large"])
def test_the_maximum_is_computed_where_the_file_has_no_usable_one(tmp_path, maximum):
    path = spoil(tmp_path / "bad.h5", kspace=_with((1, 0, 0, 0), np.nan), reconstruction_rss=_with((1, 3, 3), np.nan))
    with h5py.File(path, "a") as file:
        file.attrs["max"] = maximum
        stored = file["reconstruction_rss"][0].max()
    assert volume_maximum(read_volume(path)) == stored


def test_a_volume_without_a_usable_slice_has_no_maximum(tmp_path):
    path = spoil(tmp_path / "bad.h5", kspace=_with(slice(None), 0), reconstruction_rss=lambda _: None)
    with h5py.File(path, "a") as file:
        del file.attrs["max"]
    with pytest.raises(InputError, match=r"bad\.h5: none of its 2 slices"):
        volume_maximum(read_volume(path))


def test_images_beyond_float32_are_named(tmp_path):
    path = spoil(tmp_path / "v.h5", kspace=lambda values: values * np.float32(1e30), reconstruction_rss=lambda _: None)
    with h5py.File(path, "a") as file:
        del file.attrs["max"]
    with pytest.raises(InputError, match=r"v\.h5: its images exceed float32"):
        volume_maximum(read_volume(path))


def test_fixed_length_attributes_are_text(tmp_path):
    write_small_volume(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.attrs["acquisition"], file.attrs["patient_id"] = np.bytes_("CORPDFS_FBK"), np.bytes_("abc")
    volume = read_volume(tmp_path / "a.h5")
    assert (volume.acquisition, volume.patient) == ("CORPDFS_FBK", "abc")


EMPTY = {
    "text": "",
    "spaces": "  ",
    "bytes": np.bytes_(b""),
    "NULs": np.void(b"\0\0\0"),
    "no dataspace": h5py.Empty("S1"),
    "no dataspace, numbers": h5py.Empty("f"),
    "array of none": np.zeros(0, "S4"),
    "array of an empty one": np.array([b""], "S4"),
    "texts of any length": np.array([""], h5py.string_dtype()),
    "array of two empty ones": np.array([b"", b" "], "S4"),
    "not a number": np.nan,
    "array of no number": np.array([np.nan, np.nan]),
}


@pytest.mark.parametrize("value", EMPTY.values(), ids=EMPTY)
def test_an_empty_attribute_counts_as_absent(tmp_path, value):
    """Anonymising leaves such: every volume would be the same patient, and tables take empty cells for missing."""
    write_small_volume(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        for key in ("acquisition", "patient_id", "max"):
            file.attrs[key] = value
        largest = file["reconstruction_rss"][()].max()
    volume = read_volume(tmp_path / "a.h5")
    assert (volume.acquisition, volume.patient, volume.maximum) == ("unknown", "a", None)
    assert volume_maximum(volume) == largest


@pytest.mark.parametrize("value", [np.array([b"abc"]), np.array(["abc"], h5py.string_dtype()), " abc\n"])
def test_attributes_as_other_writers_store_them(tmp_path, value):
    write_small_volume(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.attrs["patient_id"] = value
        file.attrs["max"] = np.array([file.attrs["max"]])
    volume = read_volume(tmp_path / "a.h5")
    assert volume.patient == "abc" and volume.maximum is not None


@pytest.mark.parametrize("kind", ["bytes", "text"])
@pytest.mark.parametrize("shape", [(1,), (1, 1)])
def test_a_header_stored_as_an_array_of_one(tmp_path, kind, shape):
    """As mrpro, MATLAB and h5py's create_dataset(data=[header]) write it."""
    write_small_volume(tmp_path / "a.h5")
    before = read_volume(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        header = file["ismrmrd_header"][()]
        del file["ismrmrd_header"]
        dtype = f"S{len(header)}" if kind == "bytes" else h5py.string_dtype()
        file.create_dataset(
            "ismrmrd_header", data=np.full(shape, header, dtype if kind == "bytes" else object), dtype=dtype
        )
    assert read_volume(tmp_path / "a.h5") == before


@pytest.mark.parametrize("missing", ["kspace", "ismrmrd_header"])
def test_what_was_found_is_named_where_a_dataset_is_missed(tmp_path, missing):
    write_small_volume(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.move(missing, f"dataset/{missing}")
        file["coils"] = h5py.SoftLink("/dataset")
    with pytest.raises(InputError) as caught:
        read_volume(tmp_path / "a.h5")
    message = str(caught.value)
    assert f"group 'dataset' ('{missing}')" in message and "'coils' (link)" in message
    assert "'reconstruction_rss' float32 (2, 24, 24)" in message


def test_kspace_of_another_type_is_told(tmp_path):
    """MATLAB's complex numbers, and magnitudes."""
    path = spoil(tmp_path / "a.h5", kspace=lambda values: np.stack([values.real, values.imag], -1))
    with pytest.raises(InputError, match=r"it holds .*'kspace' float32 \(2, 3, 48, 32, 2\)"):
        read_volume(path)


@pytest.mark.parametrize("size", [512, 4096])
def test_a_user_block_before_the_signature(tmp_path, size):
    """As MATLAB writes its files: the plan and the reader take it alike, and both see a missing end."""
    write_small_volume(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as source, h5py.File(tmp_path / "u.h5", "w", userblock_size=size) as target:
        for name in source:
            source.copy(name, target)
        target.attrs.update(source.attrs)
    assert file_problem(tmp_path / "u.h5") is None
    assert vars(read_volume(tmp_path / "u.h5")) | {"path": None} == vars(read_volume(tmp_path / "a.h5")) | {
        "path": None
    }
    content = (tmp_path / "u.h5").read_bytes()
    (tmp_path / "u.h5").write_bytes(content[:-100])
    assert file_problem(tmp_path / "u.h5") == f"truncated: {len(content) - 100} of {len(content)} bytes"
    (tmp_path / "u.h5").write_bytes(bytes(10_000))
    assert file_problem(tmp_path / "u.h5") == "not an HDF5 file but a file of zeros"


def test_not_hdf5_and_truncated_and_missing(tmp_path):
    (tmp_path / "text.h5").write_text("not HDF5")
    write_small_volume(tmp_path / "whole.h5")
    content = (tmp_path / "whole.h5").read_bytes()
    (tmp_path / "half.h5").write_bytes(content[: len(content) // 2])
    for name in ("text.h5", "half.h5", "nothing.h5"):
        with pytest.raises(InputError, match=name):
            read_volume(tmp_path / name)


def test_damage_inside_a_compressed_slice_is_named(tmp_path):
    write_small_volume(tmp_path / "good.h5")
    path = tmp_path / "bad.h5"
    with h5py.File(tmp_path / "good.h5") as good, h5py.File(path, "w") as file:
        good.copy("ismrmrd_header", file)
        kspace = good["kspace"][()]
        file.create_dataset("kspace", data=kspace, chunks=(1, *kspace.shape[1:]), compression="gzip")
        offset = file["kspace"].id.get_chunk_info(1).byte_offset
    content = bytearray(path.read_bytes())
    content[offset : offset + 200] = bytes(200)
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"bad\.h5: slice 1 cannot be read"):
        read_kspace(read_volume(path), 1)


def test_writing_refuses_a_crop_larger_than_the_kspace(tmp_path, rng):
    with pytest.raises(InputError, match="crop"):
        write_volume(
            tmp_path / "a.h5",
            [object_kspace(rng)],
            crop=(24, 40),
            acquisition="x",
            patient="p",
            field_of_view_mm=(1.0, 1.0),
        )


def test_slices_are_written_as_they_come(tmp_path, rng):
    """One slice in memory at a time: the generator is asked for a slice only when the one before it is in the file."""
    slices = [object_kspace(rng) for _ in range(4)]
    path = tmp_path / "a.h5"
    alive = []

    def one_by_one():
        for one in slices:
            handed = one.copy()
            alive.append(weakref.ref(handed))
            yield handed
            del handed
            gc.collect()
            assert sum(reference() is not None for reference in alive) <= 1

    write_volume(path, one_by_one(), crop=CROP, acquisition="x", patient="p", field_of_view_mm=(1.0, 1.0))
    volume = read_volume(path)
    assert volume.slices == 4 and all((read_kspace(volume, n) == one).all() for n, one in enumerate(slices))
    with h5py.File(path) as file:
        assert file.attrs["norm"] == pytest.approx(np.linalg.norm(file["reconstruction_rss"][()]), rel=1e-5)
        assert file.attrs["max"] == file["reconstruction_rss"][()].max()
    assert_fastmri_agrees(path)


@pytest.mark.parametrize("slices", [[], [(3, 48, 32), (3, 48, 30)], [(48, 32)]])
def test_writing_refuses_what_is_no_volume(tmp_path, rng, slices):
    with pytest.raises(InputError):
        write_volume(
            tmp_path / "a.h5",
            [complex_normal(rng, shape) for shape in slices],
            crop=CROP,
            acquisition="x",
            patient="p",
            field_of_view_mm=(1.0, 1.0),
        )
