"""An attack file needs nothing of AdvMRI: stock fastMRI modules and h5py give what is stored in it."""

import h5py
import numpy as np
import pytest
import torch
from fastmri import complex_abs, fft2c, ifft2c, rss
from fastmri.data.transforms import center_crop, complex_center_crop, normalize_instance
from fastmri.models import Unet, VarNet
from scipy import ndimage
from support import attack_run, make_run

NOISE = {"threat_model": "noise", "optimiser": "pgd", "severities": [0, 0.01, 0.03], "steps": 3}
CASES = {
    "unet": ("unet", {}),
    "varnet": ("varnet", {}),
    "varnet, readout cropped": ("varnet", {"crop_readout": True}),
}


@pytest.fixture(scope="module", params=CASES)
def attacked(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    architecture, arguments = CASES[request.param]
    paths = make_run(folder, architecture, **arguments)
    attack_run(paths, folder / "box.h5", NOISE | {"target": "box"})
    attack_run(paths, folder / "image.h5", NOISE | {"target": "image"}, slices="001")
    return folder, paths


def crop_rows(kspace, rows):
    """Cut the readout's oversampling off in image space, and transform back."""
    image = ifft2c(kspace)
    first = (image.shape[-3] - rows) // 2
    return fft2c(image[..., first : first + rows, :, :])


def stock_reconstruction(paths, kspace, crop):
    """Reconstruct masked k-space [C, H, W, 2] with fastMRI alone, from what the files say."""
    content = torch.load(paths["checkpoint"], weights_only=True)
    name, sizes = content["architecture"]["name"], dict(content["architecture"]["arguments"])
    with h5py.File(paths["mask"]) as file:
        mask = torch.from_numpy(file["mask"][()])
        centre = int(file.attrs["num_low_frequencies"])
    masked = kspace * mask[None, None, :, None]
    with torch.no_grad():
        if name == "unet":
            network = Unet(1, 1, **sizes).eval()
            network.load_state_dict(content["state_dict"])
            image = rss(complex_abs(complex_center_crop(ifft2c(masked), crop)))
            image, mean, deviation = normalize_instance(image, eps=1e-11)
            return network(image.clamp(-6, 6)[None, None])[0, 0] * deviation + mean
        if sizes.pop("crop_readout", False):
            masked = crop_rows(masked, crop[0])
        network = VarNet(**sizes).eval()
        network.load_state_dict(content["state_dict"])
        return center_crop(network(masked[None], mask[None, None, None, :, None], centre)[0], crop)


def read(folder, paths, name, number):
    """The volume's k-space, the mask's columns, and a slice's group of an attack file, all as arrays."""
    with h5py.File(paths["volume"]) as file:
        kspace = torch.view_as_real(torch.from_numpy(file["kspace"][number]))
        target = file["reconstruction_rss"][number]
    with h5py.File(paths["mask"]) as file:
        columns = np.flatnonzero(file["mask"][()])
    with h5py.File(folder / name) as file:
        group = file[f"slice_{number:03d}"]
        stored = {
            key: {part: values[()] for part, values in item.items()} | dict(item.attrs)
            if isinstance(item, h5py.Group)
            else item[()]
            for key, item in group.items()
        }
    return kspace, target, columns, stored


def perturbed(kspace, columns, perturbation):
    added = kspace.clone()
    added[:, :, columns] += torch.view_as_real(torch.from_numpy(perturbation))
    return added


@pytest.mark.parametrize(("name", "number"), [("box.h5", 0), ("box.h5", 2), ("image.h5", 1)])
def test_stored_reconstruction_and_objective(attacked, name, number):
    folder, paths = attacked
    kspace, target, columns, stored = read(folder, paths, name, number)
    crop = target.shape
    np.testing.assert_allclose(stored["target"], target, rtol=1e-4, atol=1e-9)
    clean = stock_reconstruction(paths, kspace, crop)
    np.testing.assert_allclose(stored["clean"], clean, rtol=1e-3, atol=1e-7)
    attacked_targets = [key for key in stored if key.startswith(("box_", "image"))]
    assert attacked_targets == (["image"] if name == "image.h5" else ["box_0", "box_1"][: 1 + (number == 0)])
    for key in attacked_targets:
        found = stored[key]
        (row0, row1), (column0, column1) = found["rows"], found["columns"]
        region = (slice(row0, row1), slice(column0, column1))
        for position in range(3):
            image = stock_reconstruction(paths, perturbed(kspace, columns, found["perturbation"][position]), crop)
            np.testing.assert_allclose(found["reconstruction"][position], image, rtol=2e-3, atol=2e-7)
            error = np.linalg.norm((image.numpy() - target)[region])
            np.testing.assert_allclose(found["objective"][position].max(), error, rtol=1e-3)
            full = rss(
                complex_abs(
                    complex_center_crop(ifft2c(perturbed(kspace, columns, found["perturbation"][position])), crop)
                )
            )
            np.testing.assert_allclose(found["perturbed_target"][position], full, rtol=1e-3, atol=1e-8)
        assert (np.diff(found["objective"].max(axis=1)) > 0).all()


def test_stored_bound_and_norms(attacked):
    folder, paths = attacked
    kspace, _, _, stored = read(folder, paths, "box.h5", 0)
    norms = np.linalg.norm(kspace.reshape(3, -1), axis=1)
    for key in ("box_0", "box_1"):
        found = stored[key]
        sizes = np.linalg.norm(found["perturbation"].reshape(3, 3, -1), axis=2)
        np.testing.assert_allclose(found["relative_norm"], sizes / norms, rtol=1e-4)
        assert (sizes <= found["severity"][:, None] * norms * (1 + 1e-5)).all()
        np.testing.assert_allclose(found["severity"], [0, 0.01, 0.03])


def test_the_certificate_is_what_stock_modules_find(attacked):
    """Budget, columns, objective and starts, recomputed from the stored noise without AdvMRI."""
    folder, paths = attacked
    kspace, target, columns, stored = read(folder, paths, "box.h5", 0)
    norms = np.linalg.norm(kspace.reshape(3, -1), axis=1)
    for key in ("box_0", "box_1"):
        found = stored[key]
        (row0, row1), (column0, column1) = found["rows"], found["columns"]
        shares = np.linalg.norm(found["perturbation"].reshape(3, 3, -1), axis=2) / norms
        used = shares[1:] / found["severity"][1:, None]
        np.testing.assert_allclose(found["gauge"], [0, *used.max(axis=1)], rtol=1e-4)
        np.testing.assert_allclose(found["budget_used"], [0, *used.mean(axis=1)], rtol=1e-4)
        for position in range(3):
            added = perturbed(kspace, columns, found["perturbation"][position]) - kspace
            outside = np.setdiff1d(np.arange(kspace.shape[2]), columns)
            assert found["largest_unmeasured"][position] == added[:, :, outside].abs().max() == 0
            image = stock_reconstruction(paths, kspace + added, target.shape).numpy()
            error = np.linalg.norm((image - target)[row0:row1, column0:column1])
            np.testing.assert_allclose(found["final_objective"][position], error, rtol=1e-3)
            trace, best = found["objective"][position], found["best_step"][position]
            np.testing.assert_allclose(trace[best], found["final_objective"][position], rtol=1e-3)
            assert trace[best] == trace.max() == found["start_objective"][position, found["best_start"][position]]
        assert not found["zero_gradient"].any() and not found["non_deterministic"].any()


def test_attributes_say_what_it_was_made_from(attacked):
    folder, paths = attacked
    import hashlib

    with h5py.File(folder / "box.h5") as file:
        facts = dict(file.attrs)
    for key, path in (("checkpoint", "checkpoint"), ("data", "volume"), ("mask", "mask")):
        assert facts[f"{key}_sha256"] == hashlib.sha256(paths[path].read_bytes()).hexdigest()
    assert facts["volume"] == "v1" and facts["acceleration"] == 4 and facts["seed"] == 3


MOTIONS = {
    "rotation": {"threat_model": "rotation", "severities": [0, 3], "angle_step": 1},
    "shift": {"threat_model": "shift", "severities": [0, 1.5], "directions": 4},
    "rigid": {"threat_model": "rigid", "severities": [0, 3], "refinement": 6, "target": "image"},
}


def sheared(image, amounts, axis):
    """Shift each line of NumPy images [..., H, W] along an axis by its own number of pixels."""
    frequencies = np.fft.fftfreq(image.shape[axis])
    phases = np.exp(-2j * np.pi * (amounts[:, None] * frequencies if axis == -1 else frequencies[:, None] * amounts))
    return np.fft.ifft(np.fft.fft(image, axis=axis) * phases, axis=axis)


def turned(image, degrees):
    """Three shears about pixel (H // 2, W // 2)."""
    rows, columns = (np.arange(size) - size // 2 for size in image.shape[-2:])
    angle = np.deg2rad(degrees)
    image = sheared(image, -np.tan(angle / 2) * rows, -1)
    image = sheared(image, np.sin(angle) * columns, -2)
    return sheared(image, -np.tan(angle / 2) * rows, -1)


def shifted(image, rows, columns):
    height, width = image.shape[-2:]
    return sheared(sheared(image, np.full(width, rows), -2), np.full(height, columns), -1)


def moved_back(image, angle, shift):
    """What was at the moved place of every pixel, by SciPy's splines."""
    turn, centre = np.deg2rad(angle), np.array(image.shape) // 2
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return ndimage.affine_transform(image, matrix, offset=centre - matrix @ centre + shift, order=5, mode="mirror")


@pytest.mark.parametrize("motion", MOTIONS)
def test_stored_motion(tmp_path, motion):
    """The move and what the network makes of it, by NumPy and fastMRI alone; the border is left out."""
    paths = make_run(tmp_path, "unet")
    attack_run(paths, tmp_path / "moved.h5", MOTIONS[motion], slices="000")
    kspace, target, _, stored = read(tmp_path, paths, "moved.h5", 0)
    images = torch.view_as_complex(ifft2c(kspace)).numpy()
    inside = (slice(6, -6), slice(6, -6))
    for found in (value for key, value in stored.items() if key.startswith(("box_", "image"))):
        (row0, row1), (column0, column1) = found["rows"], found["columns"]
        region = (slice(row0, row1), slice(column0, column1))
        assert (found["reconstruction"][0] == stored["clean"]).all()
        assert found["angle"][1] != 0 or (found["shift"][1] != 0).any()
        for place, (angle, shift) in enumerate(zip(found["angle"], found["shift"], strict=True)):
            coils = torch.view_as_real(torch.from_numpy(shifted(turned(images, angle), *shift).astype(np.complex64)))
            image = stock_reconstruction(paths, fft2c(coils), target.shape).numpy()
            full = rss(complex_abs(complex_center_crop(coils, target.shape))).numpy()
            for name, expected in (("reconstruction", image), ("perturbed_target", full)):
                errors = [
                    np.linalg.norm((found[name][place] - moved_back(expected, sign * angle, sign * shift))[inside])
                    for sign in (1, 0, -1)
                ]
                assert errors[0] < 0.02 * np.linalg.norm(target[inside]), name
                # A disc fully sampled looks much the same when turned: the network tells the direction.
                assert place == 0 or name == "perturbed_target" or 1.5 * errors[0] < min(errors[1:]), name
            error = np.linalg.norm((found["reconstruction"][place] - target)[region])
            np.testing.assert_allclose(found["final_objective"][place], error, rtol=1e-4)
        assert found["final_objective"][1] >= found["grid_objective"][1] > found["final_objective"][0]
