"""One slice from Python: the same bits as the workflow's programs, and a network that is given back as it was."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch
from support import attack_run, make_run, object_kspace, random_network, run_program
from torch import nn

from advmri.acquisition.mask_file import read_mask_file
from advmri.acquisition.masks import make_mask
from advmri.attacks.family import FamilySettings
from advmri.errors import InputError
from advmri.reconstruction.weights.checkpoint import load_checkpoint
from advmri.seeds import derive_seed
from advmri.single_slice.audit import AuditedSlice
from advmri.storage.attack_file import open_attack_file
from advmri.volumes.index import read_index
from advmri.volumes.reading import read_volume
from workflow_scripts import score

CROP = (24, 24)
BOX = ((4, 13), (6, 14))
NOISE = {"threat_model": "noise", "target": "box", "severities": [0, 0.01, 0.02], "steps": 3}
ATTACKS = {
    "pgd": NOISE | {"optimiser": "pgd"},
    "apgd": NOISE | {"optimiser": "apgd", "restarts": 2, "warm_start": True, "objective": "ssim"},
    "gaussian": {
        "threat_model": "noise",
        "target": "box",
        "severities": [0, 0.02],
        "optimiser": "gaussian",
        "draws": 2,
    },
    "coloured": NOISE | {"optimiser": "pgd", "colour": "coil_covariance", "bound": "acquisition_l2"},
    "image": NOISE | {"optimiser": "pgd", "target": "image"},
    "rotation": {"threat_model": "rotation", "target": "box", "severities": [0, 2], "angle_step": 1, "refinement": 2},
}


@pytest.fixture(scope="module", params=["unet", "varnet"])
def paths(request, tmp_path_factory):
    return make_run(tmp_path_factory.mktemp(request.param), request.param)


def slice_of(paths, number, **options):
    """The slice that the attack program reads from its files, as a user has it in memory."""
    with h5py.File(paths["volume"]) as file:
        kspace = file["kspace"][number]
    mask, num_low_frequencies = read_mask_file(paths["mask"])
    _, network = load_checkpoint(paths["checkpoint"], torch.device("cpu"))
    volume, index = read_volume(paths["volume"]), read_index(paths["index"])
    facts = {"crop": volume.crop, "num_low_frequencies": num_low_frequencies, "padding": volume.padding}
    return AuditedSlice(kspace, mask, network, **facts | {"data_range": index.maximum} | options)


def bounds(box):
    return (box.row0, box.row1), (box.column0, box.column1)


@pytest.mark.parametrize("name", ATTACKS)
def test_equals_what_the_workflow_writes_bit_by_bit(paths, tmp_path, name):
    settings = ATTACKS[name]
    attack_run(paths, tmp_path / "a.h5", settings, slices="000", attack=name)
    run_program(score, attack_file=tmp_path / "a.h5", index=paths["index"], output=tmp_path / "a.csv")
    rows = np.genfromtxt(tmp_path / "a.csv", delimiter=",", names=True, dtype=None, encoding=None)
    boxes, slice_seed = read_index(paths["index"]).annotated[0].boxes, derive_seed(3, name, "v1", 0)
    audited = slice_of(paths, 0)
    with open_attack_file(tmp_path / "a.h5") as attack:
        group = attack.group(0)
        targets = attack.target_names(0)
        assert targets == (["image"] if name == "image" else ["box_0", "box_1"])
        for number, target in enumerate(targets):
            found = audited.attack(bounds(boxes[number]), seed=slice_seed, box_number=number, batch_size=4, **settings)
            stored = {key: item[()] for key, item in group[target].items()}
            assert found.arrays.keys() == stored.keys()
            if number and name != "rotation":  # the workflow measures it once in a job
                assert np.isnan(stored.pop("gradient_ratio")).all() and found.arrays["gradient_ratio"].shape == (3,)
            for key, values in stored.items():
                assert (found.arrays[key].dtype, found.arrays[key].tobytes()) == (values.dtype, values.tobytes()), key
            for key in ("target", "clean", "coils", "thermal_relative_norm"):
                assert getattr(found, key).tobytes() == group[key][()].tobytes(), key
            assert found.settings.model_dump() == attack.attributes["attack"]
            assert (*found.rows, *found.columns) == (*group[target].attrs["rows"], *group[target].attrs["columns"])
            box = [row for row in rows if row["box"] == number and row["region"] == "box"]
            image = [row for row in rows if (name == "image" or row["box"] == number) and row["region"] == "image"]
            for region, expected in {"box": box, "image": image}.items():
                ours = [row for row in found.scores if row["region"] == region]
                assert len(ours) == len(expected) == len(settings["severities"])
                for one, other in zip(ours, expected, strict=True):
                    shared = set(one) - {"region"}
                    extras = {"angle", "shift_rows"} if name == "rotation" else {"relative_norm", "thermal_multiple"}
                    assert {"ssim", "clean_psnr", "fully_sampled_nmse", "severity", *extras} <= shared
                    assert all(one[key] == other[key] for key in shared)


def small_slice(network, kspace=None, **options):
    kspace = object_kspace(np.random.default_rng(1)) if kspace is None else kspace
    mask = make_mask(32, 4, 0.16, "random", seed=5)
    return AuditedSlice(kspace, mask.columns, network, **{"crop": CROP} | options)


def user_function(kspace, mask, num_low_frequencies, crop):
    """A reconstruction as a user may write it: no class, no weights."""
    assert kspace.dtype == torch.complex64 and mask.dtype == torch.bool and mask.shape == (len(kspace), 32)
    axes = (-2, -1)
    image = torch.fft.fftshift(torch.fft.ifft2(torch.fft.ifftshift(kspace, dim=axes), norm="ortho"), dim=axes)
    top, left = ((size - kept) // 2 for size, kept in zip(image.shape[-2:], crop, strict=True))
    image = image[..., top : top + crop[0], left : left + crop[1]]
    return (image.abs() ** 2).sum(1).sqrt() ** 1.2 * 4


def test_the_noise_does_to_a_function_what_is_reported():
    kspace = object_kspace(np.random.default_rng(2))
    found = small_slice(user_function, kspace).attack(BOX, severities=[0, 0.02, 0.05], steps=4)
    noise, mask = found.noise(), torch.from_numpy(found.mask)
    assert noise.shape == (3, *kspace.shape) and noise.dtype == np.complex64
    assert not noise[0].any() and not noise[..., ~found.mask].any()
    norms = np.linalg.norm(noise, axis=(2, 3)) / np.linalg.norm(kspace, axis=(1, 2))
    assert np.allclose(norms, found.severity[:, None], rtol=1e-4)
    images = user_function(torch.from_numpy(kspace + noise) * mask, mask.expand(3, -1), 5, CROP).numpy()
    assert np.allclose(images, found.reconstruction, atol=1e-5 * images.max())
    place = (..., slice(*BOX[0]), slice(*BOX[1]))
    errors = np.linalg.norm((images - found.target)[place], axis=(1, 2))
    assert np.all(np.diff(errors) > 0) and np.allclose(errors, found.arrays["final_objective"], rtol=1e-3)
    certificate = found.certificate
    assert np.allclose(certificate.gauge, [0, 1, 1], atol=1e-5) and certificate.deterministic
    assert np.allclose(certificate.budget_used, [0, 1, 1], atol=1e-4) and not certificate.largest_unmeasured.any()
    assert found.score("box", 0)["ssim"] == found.score("box", 0)["clean_ssim"] > found.score("box")["ssim"]
    assert found.score("image")["region"] == "image" and found.score()["severity"] == 0.05


def test_numpy_and_torch_are_the_same():
    kspace = object_kspace(np.random.default_rng(2))
    made = small_slice(user_function, kspace).attack(BOX, severities=np.array([0.02]), steps=np.int64(2))
    same = small_slice(user_function, torch.from_numpy(kspace)).attack(BOX, severities=(0.02,), steps=2)
    assert made.noise().tobytes() == same.noise().tobytes() and made.noise().any()
    numbers = AuditedSlice(kspace, made.mask.astype(float), user_function, crop=CROP).attack(
        BOX, severities=[0.02], steps=2
    )
    assert numbers.noise().tobytes() == made.noise().tobytes()


def test_dead_coils_are_left_out_and_put_back():
    kspace = object_kspace(np.random.default_rng(2), coils=4)
    kspace[1] = 0
    found = small_slice(user_function, kspace).attack(BOX, severities=[0.02], steps=2)
    assert found.coils.tolist() == [0, 2, 3] and found.arrays["perturbation"].shape[1] == 3
    assert found.noise().shape == (1, *kspace.shape) and not found.noise()[:, 1].any()
    alive = small_slice(user_function, kspace[[0, 2, 3]]).attack(BOX, severities=[0.02], steps=2)
    assert alive.noise().tobytes() == found.noise()[:, [0, 2, 3]].tobytes()


def test_the_image_is_attacked_where_there_is_no_box():
    found = small_slice(user_function).attack(severities=[0.05], steps=2)
    assert (found.rows, found.columns) == ((0, 24), (0, 24)) and found.settings.target == "image"
    assert {row["region"] for row in found.scores} == {"image"} and "box" not in repr(found)
    both = small_slice(user_function).attack(BOX, target="image", severities=[0.05], steps=2)
    assert both.noise().tobytes() == found.noise().tobytes()
    assert both.score("image") == found.score("image") and both.score("box")["ssim"] > 0
    with pytest.raises(InputError, match="region: 'box' was not scored; choose among image"):
        found.score("box")


def test_whoever_stores_noise_has_a_certificate():
    """What the settings say counts, not their class."""

    class OtherNoise(FamilySettings):
        CERTIFIES_NOISE = True

    found = small_slice(user_function).attack(BOX, severities=[0, 0.02], steps=1)
    other = OtherNoise(threat_model="other", optimiser="any", severities=[0, 0.02])
    same = replace(found, settings=other)
    assert same.certificate.gauge is found.arrays["gauge"] and same.noise().tobytes() == found.noise().tobytes()


def test_a_rotation_has_no_certificate_and_no_noise():
    found = small_slice(user_function).attack(BOX, threat_model="rotation", severities=[0, 3], angle_step=1)
    assert found.certificate is None and 0 < abs(found.arrays["angle"][1]) <= 3
    assert "rotation" in repr(found) and "gauge" not in repr(found)
    with pytest.raises(InputError, match="rotation: adds no noise"):
        found.noise()


@pytest.mark.parametrize(
    ("name", "settings", "array"),
    [
        ("noise", {"severities": [0, 0.05], "steps": 2}, "perturbation"),
        ("rotation", {"threat_model": "rotation", "severities": [0, 2], "angle_step": 1}, "sweep_ssim"),
        ("image", {"target": "image", "threat_model": "rotation", "severities": [2], "angle_step": 1}, "final_ssim"),
    ],
)
def test_what_was_found_can_be_verified(name, settings, array):
    audited = small_slice(user_function)
    found = audited.attack(BOX, **settings)
    assert audited.verify(found) == []
    found.arrays[array][-1] *= 0.5
    assert any(line.startswith((array, "reconstruction")) for line in audited.verify(found)), name


def test_one_line_says_it_all():
    found = small_slice(user_function).attack(BOX, severities=[0, 0.05], steps=3)
    worst = found.score()
    assert repr(found) == (
        f"SliceAttack(noise by pgd in rows 4:13, columns 6:14: SSIM {worst['clean_ssim']:.3f} clean,"
        f" {worst['ssim']:.3f} at severity 0.05; gauge {found.certificate.gauge[1]:.6f}, deterministic)"
    )


class UserNetwork(nn.Module):
    """A network in the state in which users train it."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(3.0))
        self.fixed = nn.Parameter(torch.tensor(1.0), requires_grad=False)
        self.dropout = nn.Dropout(0.5)
        self.normalise = nn.BatchNorm2d(1)

    def forward(self, kspace, mask, num_low_frequencies, crop):
        image = user_function(kspace, mask, num_low_frequencies, crop)
        return self.dropout(self.normalise(image[:, None])[:, 0] * self.factor).relu()


def test_a_network_and_torch_are_given_back_as_they_were():
    network = UserNetwork().train()
    network.normalise.eval()
    state = {key: value.clone() for key, value in network.state_dict().items()}
    mode = torch.get_deterministic_debug_mode()
    with torch.no_grad():
        found = small_slice(network).attack(BOX, severities=[0.02], steps=2)
    assert found.noise().any() and found.certificate.deterministic
    assert network.training and network.dropout.training and not network.normalise.training
    assert network.factor.requires_grad and not network.fixed.requires_grad and network.factor.grad is None
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())
    assert torch.get_deterministic_debug_mode() == mode


def test_a_network_that_was_trained_on_is_attacked_as_it_is_now():
    network = UserNetwork()
    audited = small_slice(network)
    before = audited.attack(BOX, severities=[0.02], steps=1)
    with torch.no_grad():
        network.factor.mul_(2)
    after = audited.attack(BOX, severities=[0.02], steps=1)
    assert np.allclose(after.clean, 2 * before.clean) and after.clean.any()


def test_a_function_that_does_not_repeat_itself_is_named():
    calls = []

    def restless(*given):
        calls.append(1)
        return user_function(*given) * (1 + 1e-3 * len(calls))

    found = small_slice(restless).attack(BOX, severities=[0.02], steps=1)
    assert not found.certificate.deterministic and "NOT deterministic" in repr(found)
    with pytest.raises(InputError, match=r"model restless does not keep the contract.*determinism"):
        small_slice(restless).check_contract()


def test_the_contract_is_tried_at_the_slices_own_size():
    sizes = []

    def noted(kspace, mask, num_low_frequencies, crop):
        sizes.append((tuple(kspace.shape[1:]), crop))
        return user_function(kspace, mask, num_low_frequencies, crop)

    small_slice(noted).check_contract()
    assert set(sizes) == {((3, 48, 32), CROP)}
    small_slice(random_network("unet")).check_contract()


def complex_image(kspace, mask, num_low_frequencies, crop):
    return user_function(kspace, mask, num_low_frequencies, crop) + 0j


def uncropped(kspace, mask, num_low_frequencies, crop):
    return user_function(kspace, mask, num_low_frequencies, kspace.shape[-2:])


def array(kspace, mask, num_low_frequencies, crop):
    return user_function(kspace, mask, num_low_frequencies, crop).detach().numpy()


def undefined(kspace, mask, num_low_frequencies, crop):
    return user_function(kspace, mask, num_low_frequencies, crop) * torch.nan


def detached(kspace, mask, num_low_frequencies, crop):
    return user_function(kspace, mask, num_low_frequencies, crop).detach()


def fragile(kspace, mask, num_low_frequencies, crop):
    """Infinite where the k-space has another energy than without noise."""
    image = user_function(kspace, mask, num_low_frequencies, crop)
    return image / (abs(torch.linalg.vector_norm(kspace) / fragile.norm - 1) < 1e-5)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (complex_image, r"complex_image returns torch.complex64 \[24, 24\] for one slice; it must return float32"),
        (uncropped, r"uncropped returns torch.float32 \[48, 32\] for one slice; it must .* \[1, 24, 24\]"),
        (array, r"array returns a ndarray for one slice"),
        (undefined, "undefined returns NaN or infinity for this slice; train it anew"),
        (detached, "does not depend on k-space by differentiable operations; mend the network"),
        (fragile, "returns NaN or infinity, or such a gradient, at step 1 of a search"),
        ("unet", "network: a str cannot be called; give an nn.Module or a function"),
    ],
)
def test_a_network_that_cannot_be_attacked_is_named(network, message):
    columns = make_mask(32, 4, 0.16, "random", seed=5).columns.numpy()
    fragile.norm = float(np.linalg.norm(object_kspace(np.random.default_rng(1)) * columns))
    with pytest.raises(InputError, match=message):
        small_slice(network).attack(BOX, severities=[0.02], steps=1)


KSPACE = object_kspace(np.random.default_rng(0))
EVERY_SECOND = np.arange(32) % 2 == 0
EVERY_SECOND_ROW = np.arange(48)[:, None] % 2 == 0
NOT_FINITE = np.where(np.arange(KSPACE.size).reshape(KSPACE.shape) == 7, np.nan, KSPACE).astype(np.complex64)
MASK = np.arange(32) % 2 == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kspace": KSPACE[0]}, r"kspace: of shape \[48, 32\]; give the k-space of one slice, \[C, H, W\]"),
        ({"kspace": KSPACE[:0]}, r"kspace: of shape \[0, 48, 32\]"),
        (
            {"kspace": KSPACE.astype(complex)},
            r"kspace: complex128; give complex64, for .* kspace.astype\('complex64'\)",
        ),
        ({"kspace": torch.from_numpy(KSPACE).to(torch.complex128)}, r"kspace: complex128; give complex64"),
        ({"kspace": NOT_FINITE}, "kspace: 1 samples are NaN or infinite; mend the slice"),
        ({"kspace": 0 * KSPACE}, "kspace: zero everywhere; choose a slice that holds data"),
        (
            {"kspace": np.fft.ifftshift(KSPACE, axes=(1, 2))},
            "kspace: the centre of its k-space lies at the corner along",
        ),
        ({"kspace": KSPACE * EVERY_SECOND}, "kspace: 15 of 31 acquired columns are zero in every coil .* undersampled"),
        ({"kspace": KSPACE * EVERY_SECOND_ROW}, "kspace: 24 of 48 acquired rows are zero in every coil"),
        ({"mask": MASK[:-1]}, r"mask: of shape \[31\]; give one value for each of the 32 columns"),
        ({"mask": MASK[None]}, r"mask: of shape \[1, 32\]"),
        ({"mask": MASK * 0.5}, r"mask: holds more than True and False"),
        ({"mask": np.array(["x"] * 32)}, "mask: holds more than True and False"),
        ({"mask": MASK & False}, "mask: measures no column; give at least one that is True"),
        ({"crop": (49, 24)}, r"crop: \(49, 24\); give two whole numbers from 7 \(.*\) to 48 rows and 32 columns"),
        ({"crop": (24, 6)}, r"crop: \(24, 6\)"),
        ({"crop": (24.5, 24)}, r"crop: \(24.5, 24\); give two whole numbers"),
        ({"crop": 24}, r"crop: 24; give two whole numbers, \(h, w\)"),
        ({"num_low_frequencies": 0}, "num_low_frequencies: 0; give a whole number from 1 to the 32 columns"),
        ({"num_low_frequencies": 0.08}, "num_low_frequencies: 0.08; give a whole number"),
        ({"data_range": -1.0}, "data_range: -1.0; give the largest value of the volume's RSS"),
        ({"data_range": float("nan")}, "data_range: nan"),
        ({"padding": (4, 40)}, r"padding: \(4, 40\); give the acquired columns \(left, right\) within the 32"),
        ({"padding": 4}, r"padding: 4; give the acquired columns, \(left, right\)"),
    ],
)
def test_wrong_input_is_one_sentence(given, message):
    arguments = {"kspace": KSPACE, "mask": MASK, "network": user_function, "crop": CROP} | given
    with pytest.raises(InputError, match=message):
        AuditedSlice(**arguments)


@pytest.mark.parametrize(
    ("box", "settings", "message"),
    [
        (((4, 25), (6, 14)), {}, r"box: .* is not inside the image of 24 rows and 24 columns .*; correct it"),
        (((-1, 5), (6, 14)), {}, "is not inside the image"),
        (((5, 5), (6, 14)), {}, "is not inside the image"),
        (((4.5, 9), (6, 14)), {}, "is not inside the image"),
        ((4, 9, 6, 14), {}, r"give \(\(row0, row1\), \(column0, column1\)\), half-open"),
        (None, {"target": "box"}, "box: missing; target: box needs one"),
        (BOX, {"severity": [0.1]}, "settings of the attack: severity: unknown to this attack; .*config.schema.json"),
        (BOX, {"severities": [0.1, 0.05]}, "severities: severities must ascend|severities must ascend"),
        (BOX, {"severities": [2.0]}, "severities: Input should be less than 1"),
        (BOX, {"steps": 0, "step_size": -1}, "steps: Input .* 1; step_size: Input .* 0"),
        (BOX, {"optimiser": "gaussian", "steps": 3}, "steps: unknown to this attack"),
        (BOX, {"threat_model": "gravity"}, "attack: threat_model: 'gravity' is none of noise, rotation, shift, rigid"),
        (BOX, {"optimiser": "annealing"}, "attack: optimiser: 'annealing' is none of pgd, apgd, advrec, gaussian"),
        (BOX, {"threat_model": "rotation", "operator": "wheel"}, "operator: there is no .*wheel.py"),
        (BOX, {"ssim_of_box": "whole"}, "ssim_of_box: 'whole'; choose map or crop"),
        (BOX, {"batch_size": 0}, "batch_size: 0; give a whole number of at least 1"),
    ],
)
def test_a_wrong_attack_is_one_sentence(box, settings, message):
    with pytest.raises(InputError, match=message):
        small_slice(user_function).attack(box, **settings)


def test_what_is_not_given_is_read_from_the_arrays():
    kspace = KSPACE.copy()
    kspace[..., :3] = kspace[..., 30:] = 0
    mask = np.zeros(32, bool)
    mask[[5, 9, 25]] = mask[13:18] = True
    seen = []

    def noted(samples, measured, num_low_frequencies, crop):
        seen.append((num_low_frequencies, crop))
        return user_function(samples, measured, num_low_frequencies, crop)

    audited = AuditedSlice(kspace, mask, noted)
    found = audited.attack(((8, 20), (6, 14)), severities=[0.02], steps=1)
    assert set(seen) == {(4, (48, 32))} and audited.data_range == found.target.max()
    padded = AuditedSlice(kspace, mask, noted, padding=(3, 30), num_low_frequencies=5).attack(
        ((8, 20), (6, 14)), severities=[0.02], steps=1
    )
    assert padded.thermal_relative_norm.tolist() == found.thermal_relative_norm.tolist()
    assert seen[-1] == (5, (48, 32))
    assert json.dumps(found.scores[0])
