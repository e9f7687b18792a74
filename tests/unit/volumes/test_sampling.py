"""Volumes that are not what the audit takes them for: undersampled, partly zero, centre at the corner, axes swapped."""

import json
import logging

import h5py
import numpy as np
import pytest
from support import (
    centred_fft2,
    complex_normal,
    object_kspace,
    run_program,
    training_options,
    write_csv,
    write_small_volume,
)

from advmri.acquisition.mask_file import read_mask_file
from advmri.errors import InputError
from advmri.volumes.index import read_index
from advmri.volumes.ismrmrd_header import encode_header
from advmri.volumes.reading import read_kspace, read_volume, rss_image
from advmri.volumes.sampling import centre_caution, check_centre, check_sampling, with_acquired_columns, zero_lines
from advmri.volumes.writing import write_volume
from workflow_scripts import index_volume, sampling_mask, train

ROWS, COLUMNS, CROP = 48, 32, (24, 24)
ALL = slice(None)


def changed(path, change, acquired=None, encoded=(ROWS, COLUMNS)):
    """A volume whose k-space [slices, C, H, W] is changed in place or returned anew; its images and maximum follow."""
    write_small_volume(path)
    with h5py.File(path, "a") as file:
        kspace = file["kspace"][()]
        kspace = kspace if (found := change(kspace)) is None else found.astype(np.complex64)
        images = np.stack([rss_image(one, CROP) for one in kspace])
        for name in ("kspace", "reconstruction_rss", "ismrmrd_header"):
            del file[name]
        file["kspace"], file["reconstruction_rss"] = kspace, images
        file["ismrmrd_header"] = encode_header(encoded, CROP, len(kspace), kspace.shape[1], (1.0, 1.0), acquired)
        file.attrs["max"] = images.max()
    return path


def zeroed(*places):
    def change(kspace):
        for place in places:
            kspace[place] = 0

    return change


def indexed(path, **options):
    write_csv(path.with_suffix(".csv"), [(path.stem, number, "No", 4, 6, 9, 8, "tear") for number in (0, 1)])
    files = {"volume": path, "annotations": path.with_suffix(".csv"), "output": path.with_suffix(".json")}
    run_program(index_volume, **files, **options)
    return read_index(path.with_suffix(".json"))


def undersample(kspace):
    """Every second column, and a centre: what fastMRI's test files hold."""
    kept = np.arange(COLUMNS) % 2 == 0
    kept[12:20] = True
    return kspace * kept


def test_an_undersampled_volume_stops_with_its_columns(tmp_path):
    path = changed(tmp_path / "u.h5", undersample)
    with pytest.raises(InputError) as caught:
        indexed(path)
    expected = "u.h5: slice 0: 12 of 32 acquired columns are zero in every coil (1, 3, 5, 7, 9, ..., 31)"
    assert expected in str(caught.value) and not path.with_suffix(".json").exists()
    with pytest.raises(InputError, match="11 of 31 acquired columns"):
        indexed(path, acquired_columns="kspace")


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ((1, ALL, ALL, 5), r"slice 1: 1 of 32 acquired columns are zero in every coil \(5\)"),
        ((0, ALL, ALL, slice(20, 30)), r"slice 0: 10 of 32 .* \(20, 21, 22, 23, 24, ..., 29\)"),
        ((1, ALL, slice(3, 5)), r"slice 1: 2 of 48 acquired rows are zero in every coil \(3, 4\)"),
    ],
)
@pytest.mark.parametrize("acquired", ["header", "kspace"])
def test_gaps_in_one_slice_stop_too(tmp_path, place, named, acquired):
    with pytest.raises(InputError, match=named):
        indexed(changed(tmp_path / "u.h5", zeroed(place)), acquired_columns=acquired)


@pytest.mark.parametrize(("left", "right"), [(6, 0), (0, 3), (4, 5)])
def test_padding_that_the_header_does_not_state(tmp_path, left, right):
    """Partial Fourier, or zero padding. Both ways out of the message lead there."""
    ends = [(ALL, ALL, ALL, slice(0, left)), (ALL, ALL, ALL, slice(COLUMNS - right, COLUMNS))]
    path = changed(tmp_path / "u.h5", zeroed(*ends))
    with pytest.raises(InputError) as caught:
        indexed(path)
    assert f"those outside [{left}, {COLUMNS - right}) are zero in every coil" in str(caught.value)
    assert "set dataset.acquired_columns to kspace" in str(caught.value) and "encodingLimits" in str(caught.value)
    by_kspace = indexed(path, acquired_columns="kspace")
    by_header = indexed(changed(tmp_path / "u.h5", zeroed(*ends), acquired=(left, COLUMNS - right)))
    assert by_kspace.annotated == by_header.annotated
    assert by_kspace.padding == by_header.padding == (left, COLUMNS - right)
    mask = tmp_path / "mask.h5"
    run_program(sampling_mask, index=path.with_suffix(".json"), acceleration=2, centre_fraction=0.16, output=mask)
    measured = read_mask_file(mask)[0]
    assert not measured[:left].any() and not measured[COLUMNS - right :].any() and measured.any()


def test_rows_that_were_not_acquired(tmp_path):
    """An asymmetric echo: its noise is that of the rows that were."""
    path = changed(tmp_path / "u.h5", zeroed((ALL, ALL, slice(0, 12))))
    with pytest.raises(InputError, match=r"rows outside \[12, 48\) of 48 are zero in every coil: an asymmetric echo"):
        indexed(path)
    whole = indexed(changed(tmp_path / "w.h5", lambda kspace: None))
    part = indexed(path, acquired_columns="kspace")
    np.testing.assert_allclose(part.annotated[0].thermal.sigma, whole.annotated[0].thermal.sigma, rtol=0.3)


def test_data_where_the_header_has_none(tmp_path):
    path = changed(tmp_path / "u.h5", lambda kspace: None, acquired=(3, 30))
    with pytest.raises(
        InputError, match=r"columns \[3, 30\) of 32 were acquired, but others hold data \(0, 1, 2, 30, 3"
    ):
        indexed(path)


@pytest.mark.parametrize("axes", [(-2, -1), (-2,), (-1,)])
def test_a_centre_at_the_corner(tmp_path, axes):
    """The target would be the right one, and masks keep the wrong lines. Shifted as the message says, it passes."""
    path = changed(tmp_path / "u.h5", lambda kspace: np.fft.ifftshift(kspace, axes=axes))
    names = " and ".join(name for axis, name in ((-2, "rows"), (-1, "columns")) if axis in axes)
    with pytest.raises(
        InputError, match=f"slice 0: the centre of its k-space lies at the corner along {names}, not in"
    ):
        indexed(path)
    shift = lambda kspace: np.fft.fftshift(np.fft.ifftshift(kspace, axes=axes), axes=axes)  # noqa: E731
    assert indexed(changed(tmp_path / "u.h5", shift)).annotated


def test_a_centre_a_few_columns_off_gets_a_caution(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, logger="advmri"):
        assert indexed(changed(tmp_path / "u.h5", lambda kspace: np.roll(kspace, 5, axis=-1))).annotated
    assert "slice 0: the centre of k-space lies 5 columns right of column 16, around which masks keep" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="advmri"):
        indexed(changed(tmp_path / "w.h5", lambda kspace: None))
    assert not caplog.records


@pytest.mark.parametrize("oversampling", [1, 2])
def test_axes_the_other_way_round_than_the_header(tmp_path, oversampling):
    """Also where the readout's oversampling has been removed, of which the header still tells."""
    encoded = (oversampling * ROWS, COLUMNS)
    path = changed(tmp_path / "u.h5", lambda kspace: kspace.transpose(0, 1, 3, 2), encoded=encoded)
    said = rf"32 rows and 48 columns, its header \(encodedSpace\) {encoded[0]} readout samples"
    with pytest.raises(InputError, match=said):
        read_volume(path)
    assert read_volume(changed(tmp_path / "o.h5", lambda kspace: None, encoded=encoded)).rows == ROWS
    assert read_volume(changed(tmp_path / "u.h5", lambda kspace: None)).rows == ROWS


def test_what_a_header_says_otherwise_is_said(tmp_path, caplog):
    """Nothing depends on it: cautions, not errors."""
    path = changed(tmp_path / "u.h5", lambda kspace: None, encoded=(64, COLUMNS))
    with h5py.File(path, "a") as file:
        header = file["ismrmrd_header"][()]
        del file["ismrmrd_header"]
        header = header.replace(b"receiverChannels>3", b"receiverChannels>8").replace(b"<x>24</x>", b"<x>20</x>")
        file["ismrmrd_header"] = header
    with caplog.at_level(logging.WARNING, logger="advmri"):
        assert indexed(path).crop == CROP
    for said in (
        "its header says 64 x 32 encoded samples, its k-space has 48 x 32",
        "its header says (20, 24) for the reconstruction, its images have (24, 24), which is used",
        "its header says 8 coils, its k-space has 3",
    ):
        assert f"u.h5: {said}" in caplog.text


def test_a_crop_of_other_pixels_than_k_spaces_gets_a_caution(tmp_path):
    """As ISMRMRD's generator writes without oversampling: half the matrix for the same field of view."""
    path = changed(tmp_path / "u.h5", lambda kspace: None)
    assert read_volume(path).cautions == ()
    with h5py.File(path, "a") as file:
        header = file["ismrmrd_header"][()]
        del file["ismrmrd_header"]
        file["ismrmrd_header"] = header.replace(b"<x>0.5</x>", b"<x>1.0</x>")
    (caution,) = read_volume(path).cautions
    assert "pixels of 2 times k-space's along rows" in caution


def test_a_header_without_what_only_cautions_need(tmp_path):
    path = changed(tmp_path / "u.h5", lambda kspace: None)
    with h5py.File(path, "a") as file:
        header = file["ismrmrd_header"][()]
        del file["ismrmrd_header"]
        header = header.replace(b"receiverChannels", b"other").replace(b"<x>48</x>", b"")
        file["ismrmrd_header"] = header
    assert read_volume(path).cautions == ()


def test_training_volumes_are_checked_too(tmp_path):
    """Before the first step; with the setting, masks leave out what was not acquired."""
    path = changed(tmp_path / "t.h5", zeroed((ALL, ALL, ALL, slice(0, 4))))
    settings = {"steps": 2, "batch_size": 1, "loss": "l1_normalised", "optimiser": "Adam", "learning_rate": 1e-3}
    options = training_options(tmp_path, [path], "unet", settings)
    with pytest.raises(InputError, match=r"t\.h5: slice 1: .* those outside \[4, 32\) are zero in every coil"):
        run_program(train, **options)
    assert not (tmp_path / "model.pt").exists()
    run_program(train, **options, acquired_columns="kspace")
    assert (tmp_path / "model.pt").is_file()
    with pytest.raises(InputError, match="12 of 32 acquired columns"):
        run_program(train, **options | {"volumes": [changed(tmp_path / "u.h5", undersample)]})
    assert json.loads(options["arguments"])


def test_noise_alone_and_dead_coils_pass(tmp_path, rng):
    volume = read_volume(changed(tmp_path / "u.h5", zeroed((0, 1))))
    check_sampling(volume, 0, read_kspace(volume, 0))
    check_centre("noise", complex_normal(rng, (3, ROWS, COLUMNS)))
    check_centre("nothing", np.zeros((3, ROWS, COLUMNS), np.complex64))


def test_padding_that_went_through_images_counts_as_zero(rng):
    """Coil images in complex64 and back: rounding is not data."""
    kspace = object_kspace(rng, 4, 256, 200, sigma=1e-6)
    kspace[:, :, :30] = 0
    axes = (-2, -1)
    images = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace, axes=axes)), axes=axes).astype(np.complex64)
    back = centred_fft2(images).astype(np.complex64)
    assert back[:, :, :30].any() and np.flatnonzero(zero_lines(back, 2)).tolist() == list(range(30))


def test_the_settings_padding_never_leaves_the_headers(tmp_path):
    path = changed(tmp_path / "u.h5", zeroed((ALL, ALL, ALL, slice(0, 4))), acquired=(2, COLUMNS))
    assert with_acquired_columns(read_volume(path), "header").padding == (2, COLUMNS)
    assert with_acquired_columns(read_volume(path), "kspace").padding == (4, COLUMNS)


OPTIONS = {"crop": CROP, "acquisition": "x", "patient": "p", "field_of_view_mm": (1.0, 1.0)}


def test_writing_refuses_what_indexing_would(tmp_path, rng):
    kspace = object_kspace(rng)[None]
    with pytest.raises(InputError, match="slice 0: 11 of 31 acquired columns are zero in every coil"):
        write_volume(tmp_path / "a.h5", undersample(kspace), **OPTIONS)
    with pytest.raises(
        InputError, match="slice 0: the centre of its k-space lies at the corner along rows and columns"
    ):
        write_volume(tmp_path / "a.h5", np.fft.ifftshift(kspace, axes=(-2, -1)), **OPTIONS)


PADDED = zeroed((ALL, ALL, ALL, slice(0, 4)), (ALL, ALL, ALL, slice(29, None)))


def through_images(kspace):
    """What coil images in complex64 leave of zeros: rounding."""
    axes = (-2, -1)
    images = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace, axes=axes), norm="ortho"), axes=axes)
    return centred_fft2(images.astype(np.complex64)).astype(np.complex64)


@pytest.mark.parametrize("rounded", [False, True])
def test_written_padding_is_in_the_header(tmp_path, rng, rounded):
    """A slice that holds nothing, or nothing finite, says nothing of it: indexing leaves such a slice out."""
    kspace = np.stack([object_kspace(rng) for _ in range(4)])
    PADDED(kspace)
    kspace = through_images(kspace) if rounded else kspace
    kspace[0], kspace[2, 0, 0, 0] = 0, np.nan
    assert kspace[1, ..., 0].any() == rounded
    write_volume(tmp_path / "a.h5", kspace, **OPTIONS)
    assert read_volume(tmp_path / "a.h5").padding == (4, 29)
    for number in (1, 3):
        check_sampling(read_volume(tmp_path / "a.h5"), number, kspace[number])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (zeroed((1, ALL, ALL, 5)), r"slice 1: 1 of 32 acquired columns are zero in every coil \(5\): an undersampled"),
        (zeroed((1, ALL, 7)), r"slice 1: 1 of 48 acquired rows are zero in every coil \(7\): an undersampled"),
        (
            zeroed((1, ALL, ALL, slice(0, 3))),
            r"slice 1: columns outside \[3, 32\) are zero in every coil, in the slices before those outside \[0, 32\):"
            " a volume has one range of acquired columns; import such slices as a volume of their own",
        ),
    ],
)
@pytest.mark.parametrize("rounded", [False, True])
def test_every_slice_is_looked_at_when_it_is_written(tmp_path, rng, change, named, rounded):
    kspace = np.stack([object_kspace(rng) for _ in range(2)])
    change(kspace)
    with pytest.raises(InputError, match=named):
        write_volume(tmp_path / "a.h5", through_images(kspace) if rounded else kspace, **OPTIONS)


@pytest.mark.parametrize("middle", [np.nan, 0])
def test_the_usable_slice_nearest_the_middle_says_what_was_acquired(tmp_path, middle):
    def change(kspace):
        kspace[0, ..., :4], kspace[1] = 0, middle

    volume = indexed(changed(tmp_path / "u.h5", change), acquired_columns="kspace")
    assert volume.padding == (4, COLUMNS) and list(volume.annotated) == [0] and len(volume.excluded) == 1


def test_a_volume_without_a_usable_slice_keeps_the_headers_padding(tmp_path):
    path = changed(tmp_path / "u.h5", zeroed(ALL), acquired=(2, COLUMNS))
    assert with_acquired_columns(read_volume(path), "kspace").padding == (2, COLUMNS)


@pytest.mark.shared
def test_real_scans_pass_and_are_found_out(shared):
    """A brain and a phantom: the middle is where the energy is, to a sample."""
    brain = centred_fft2(np.load(shared / "brain-7coil" / "brain_slice.npz")["arr_0"].transpose(2, 0, 1))
    phantom = np.load(shared / "phantom-2coil" / "gre_k.npy").transpose(1, 2, 0)
    for kspace in (brain.astype(np.complex64), phantom):
        check_centre("real", kspace)
        assert centre_caution(kspace) is None
        assert not zero_lines(kspace, 1).any() and not zero_lines(kspace, 2).any()
        with pytest.raises(InputError, match="at the corner along rows and columns"):
            check_centre("real", np.fft.ifftshift(kspace, axes=(-2, -1)))
        assert centre_caution(np.roll(kspace, -9, axis=2)).startswith("the centre of k-space lies 9 columns left")
