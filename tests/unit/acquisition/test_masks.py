"""Masks are, bit by bit, those that fastMRI's transforms draw for the same file."""

import h5py
import numpy as np
import pytest
import torch
from fastmri.data.subsample import create_mask_for_mask_type
from fastmri.data.transforms import VarNetDataTransform, apply_mask

from advmri.acquisition.mask_file import read_mask_file, write_mask_file
from advmri.acquisition.masks import fastmri_seed, make_mask
from advmri.storage.hdf5_digest import content_digest

WIDTH = 368
RATES = [(4, 0.08), (8, 0.04)]


@pytest.fixture(scope="module")
def validation_names(shared):
    names = (shared / "fastmri-manifest" / "knee_multicoil_val.txt").read_text().split()
    names = [name.rpartition("/")[2] for name in names]
    assert len(names) == 199
    return [name if name.endswith(".h5") else f"{name}.h5" for name in names]


@pytest.mark.shared
@pytest.mark.parametrize("padding", [None, (16, 340)])
@pytest.mark.parametrize(("acceleration", "fraction"), RATES)
@pytest.mark.parametrize("mask_type", ["random", "equispaced_fraction"])
def test_equals_fastmri_on_the_real_names(validation_names, mask_type, acceleration, fraction, padding):
    function = create_mask_for_mask_type(mask_type, [fraction], [acceleration])
    for name in validation_names:
        ones = torch.ones(1, 4, WIDTH, 2)
        masked, _, centre = apply_mask(ones, function, seed=tuple(map(ord, name)), padding=padding)
        mask = make_mask(
            WIDTH, acceleration, fraction, mask_type, fastmri_seed(name.removesuffix(".h5")), padding=padding
        )
        assert torch.equal(masked[0, 0, :, 0].bool(), mask.columns)
        assert mask.num_low_frequencies == centre


@pytest.mark.shared
@pytest.mark.parametrize(("acceleration", "fraction"), RATES)
@pytest.mark.parametrize("mask_type", ["random", "equispaced_fraction"])
def test_equals_the_varnet_transform_on_the_real_names(validation_names, mask_type, acceleration, fraction):
    """What E2E-VarNet gets from fastMRI for each validation volume, the columns outside the padding included."""
    transform = VarNetDataTransform(create_mask_for_mask_type(mask_type, [fraction], [acceleration]))
    kspace, target = np.ones((1, 2, WIDTH), np.complex64), np.ones((2, 320), np.float32)
    attributes = {"padding_left": 18, "padding_right": 350, "recon_size": (2, 320, 1), "max": 1.0}
    for name in validation_names:
        sample = transform(kspace, None, target, attributes, name, 0)
        mask = make_mask(WIDTH, acceleration, fraction, mask_type, fastmri_seed(name[:-3]), padding=(18, 350))
        assert torch.equal(sample.mask.reshape(-1).bool(), mask.columns)
        assert torch.equal(torch.view_as_complex(sample.masked_kspace)[0, 0].real.bool(), mask.columns)
        assert sample.num_low_frequencies == mask.num_low_frequencies


@pytest.mark.shared
def test_realised_accelerations_of_equispaced_masks(validation_names):
    for (acceleration, fraction), expected in zip(RATES, (4.00, 8.01), strict=True):
        rates = [
            make_mask(
                WIDTH, acceleration, fraction, "equispaced_fraction", fastmri_seed(name[:-3])
            ).realised_acceleration
            for name in validation_names
        ]
        assert np.mean(rates) == pytest.approx(expected, abs=0.01)


@pytest.mark.shared
def test_realised_accelerations_of_the_real_names(validation_names):
    """The means and ranges measured for the validation split (reference/fastmri-facts.md)."""
    expected = {4: (4.02, 3.29, 5.11), 8: (8.10, 5.66, 12.69)}
    for acceleration, fraction in RATES:
        rates = [
            make_mask(WIDTH, acceleration, fraction, "random", fastmri_seed(name[:-3])).realised_acceleration
            for name in validation_names
        ]
        assert np.round([np.mean(rates), min(rates), max(rates)], 2).tolist() == list(expected[acceleration])


@pytest.mark.parametrize("name", ["file1", "file1000017", "knee_val_001", "another volume"])
@pytest.mark.parametrize("padding", [(5, 60), (0, 63), (1, 40)])
def test_equals_the_varnet_transform(name, padding):
    kspace = np.ones((2, 8, 64), dtype=np.complex64)
    attributes = {"padding_left": padding[0], "padding_right": padding[1], "recon_size": (8, 32, 1), "max": 1.0}
    transform = VarNetDataTransform(create_mask_for_mask_type("random", [0.1], [2]))
    sample = transform(kspace, None, np.ones((8, 32), np.float32), attributes, f"{name}.h5", 0)
    mask = make_mask(64, 2, 0.1, "random", fastmri_seed(name), padding)
    assert torch.equal(sample.mask.reshape(-1).bool(), mask.columns)
    assert sample.num_low_frequencies == mask.num_low_frequencies
    assert not mask.columns[: padding[0]].any() and not mask.columns[padding[1] :].any()


def test_centre_is_fully_sampled_and_where_the_networks_expect_it():
    mask = make_mask(WIDTH, 4, 0.08, "random", seed=1)
    first = (WIDTH - mask.num_low_frequencies + 1) // 2
    assert mask.num_low_frequencies == round(WIDTH * 0.08)
    assert mask.columns[first : first + mask.num_low_frequencies].all()


def test_integer_seeds_give_their_own_masks_and_leave_the_global_state_alone():
    np.random.seed(3)  # noqa: NPY002 - the very state that must not change
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    masks = {tuple(make_mask(WIDTH, 4, 0.08, "random", seed).columns.tolist()) for seed in [*range(10), 2**62]}
    assert len(masks) == 11
    assert torch.equal(
        make_mask(WIDTH, 4, 0.08, "random", 2**62).columns, make_mask(WIDTH, 4, 0.08, "random", 2**62).columns
    )
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_a_mask_of_no_column_is_refused():
    with pytest.raises(ValueError, match=r"none of the columns acquired, \(0, 2\), would be measured"):
        make_mask(368, 8, 0.04, "random", seed=3, padding=(0, 2))


def test_mask_file_round_trip(tmp_path):
    mask = make_mask(64, 4, 0.1, "random", fastmri_seed("file1"))
    write_mask_file(tmp_path / "mask.h5", mask.columns.numpy(), mask.num_low_frequencies, 4, "seed")
    columns, centre = read_mask_file(tmp_path / "mask.h5")
    assert columns.dtype == bool and (columns == mask.columns.numpy()).all() and centre == mask.num_low_frequencies
    with h5py.File(tmp_path / "mask.h5") as file:
        assert dict(file.attrs) == {
            "num_low_frequencies": round(64 * 0.1),
            "acceleration": 4,
            "realised_acceleration": mask.realised_acceleration,
            "seed": "seed",
            "content_sha256": content_digest(file),
        }
        assert file.attrs["realised_acceleration"] == 64 / int(columns.sum())


@pytest.mark.parametrize("mask_type", ["random", "equispaced_fraction"])
@pytest.mark.parametrize("fraction", [0.01, 0.25, 0.3, 0.9])
def test_a_centre_that_leaves_no_room_is_named(mask_type, fraction):
    with pytest.raises(ValueError, match=f"a centre of {fraction} is .* columns; it must hold one, and fewer than 1/4"):
        make_mask(32, 4, fraction, mask_type, seed=1)
