"""`attack --verify FILE` passes what is whole and names what was changed, wherever in the file."""

import json
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
from support import ROOT, attack_run, make_run, run_program

from advmri.errors import InputError
from advmri.storage.hdf5_digest import DIGEST, attributes_digest, content_digest
from advmri.storage.text_digest import with_digest
from workflow_scripts import verify_attack

NOISE = {"threat_model": "noise", "optimiser": "apgd", "severities": [0, 0.01, 0.03], "steps": 2, "restarts": 2}
CASES = {
    "noise": ("unet", NOISE),
    "warm, coloured": ("varnet", NOISE | {"warm_start": True, "colour": "coil_covariance", "bound": "sample_linf"}),
    "control": (
        "unet",
        {"threat_model": "noise", "optimiser": "gaussian", "severities": [0, 0.01, 0.03], "target": "image"},
    ),
    "stopped early": ("unet", NOISE | {"steps": 8, "stop_gain": 0.5, "objective": "ssim"}),
    "bfloat16": ("varnet", NOISE | {"optimiser": "pgd", "search_precision": "bfloat16"}),
    "rotation": ("unet", {"threat_model": "rotation", "severities": [0, 2], "angle_step": 1}),
    "published rotation": (
        "varnet",
        {"threat_model": "rotation", "severities": [0, 2], "angle_step": 1, "operator": "published"},
    ),
    "shift": ("unet", {"threat_model": "shift", "severities": [0, 2], "target": "image", "selection": "ssim"}),
}


@pytest.fixture(scope="module", params=CASES)
def whole(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    architecture, settings = CASES[request.param]
    paths = make_run(folder, architecture, slices=2)
    attack_run(paths, folder / "a.h5", settings)
    return folder, paths


@pytest.fixture(scope="module")
def noise_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    paths = make_run(folder, "unet", slices=2)
    attack_run(paths, folder / "a.h5", NOISE)
    return folder, paths


def mismatches(path, caplog, **options):
    caplog.clear()
    try:
        run_program(verify_attack, verify=path, device="cpu", **options)
    except InputError as error:
        if "listed above" not in str(error):
            raise
        return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    return []


def test_a_whole_file_passes(whole, caplog):
    folder, _ = whole
    with caplog.at_level("INFO", logger="advmri"):
        assert mismatches(folder / "a.h5", caplog) == []
    assert "2 slices agree" in caplog.text


def sealed(file, name):
    """Make the checksums right again, as whoever changes a file on purpose would."""
    group = file[name.split("/")[0]]
    group.attrs[DIGEST] = content_digest(group)
    file.attrs[DIGEST] = attributes_digest(file)


def changed(folder, tmp_path, name, change, seal):
    copy = tmp_path / "changed.h5"
    shutil.copy(folder / "a.h5", copy)
    with h5py.File(copy, "r+") as file:
        values = file[name][()]
        file[name][...] = change(values)
        if seal:
            sealed(file, name)
    return copy


@pytest.mark.parametrize("name", ["target", "clean", "coils", "thermal_relative_norm"])
def test_every_dataset_of_the_slice_is_recomputed(noise_run, tmp_path, caplog, name):
    copy = changed(noise_run[0], tmp_path, f"slice_001/{name}", lambda values: values * 2, seal=True)
    assert any(f"slice_001/{name}: differs" in line for line in mismatches(copy, caplog))


RECOMPUTED = [
    "severity",
    "perturbation",
    "reconstruction",
    "perturbed_target",
    "relative_norm",
    "relative_norm_measured",
    "gauge",
    "budget_used",
    "final_objective",
    "objective",
]


@pytest.mark.parametrize("name", RECOMPUTED)
def test_every_dataset_of_the_target_is_recomputed(noise_run, tmp_path, caplog, name):
    copy = changed(noise_run[0], tmp_path, f"slice_000/box_1/{name}", lambda values: values * 1.01, seal=True)
    lines = mismatches(copy, caplog)
    assert lines and all("slice_000/box_1/" in line for line in lines)


def test_noise_beyond_its_budget_is_named(noise_run, tmp_path, caplog):
    copy = changed(noise_run[0], tmp_path, "slice_000/box_0/perturbation", lambda values: values * 1.01, seal=True)
    assert any("uses 1.01" in line for line in mismatches(copy, caplog))


def test_a_wrong_best_step_is_named(noise_run, tmp_path, caplog):
    copy = changed(noise_run[0], tmp_path, "slice_000/box_0/best_step", lambda values: values * 0, seal=True)
    assert any("best_step: not the largest" in line for line in mismatches(copy, caplog))


def test_one_bit_of_any_dataset_is_found(noise_run, tmp_path, caplog):
    """Even in the last bit, and where nothing can be recomputed."""
    folder, _ = noise_run
    names = []
    with h5py.File(folder / "a.h5") as file:
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    assert len(names) > 30

    def flipped(values):
        raw = bytearray(np.ascontiguousarray(values).tobytes())
        raw[0] ^= 1
        return np.frombuffer(bytes(raw), values.dtype).reshape(values.shape)

    copy = tmp_path / "flipped.h5"
    for name in names:
        shutil.copy(folder / "a.h5", copy)
        with h5py.File(copy, "r+") as file:
            group = file[name.split("/")[0]]
            before = group.attrs[DIGEST]
            values = file[name][()]
            if values.dtype == bool:
                file[name][...] = ~values
            else:
                file[name][...] = flipped(values)
            assert content_digest(group) != before, name
    assert any("content: differs from its checksum" in line for line in mismatches(copy, caplog))


def contents(path):
    """Every value and attribute; none where HDF5 cannot read the file."""
    found = {}

    def note(name, item):
        found.update({f"{name}@{key}": np.asarray(value).tolist() for key, value in item.attrs.items()})
        found[name] = item[()].tobytes() if isinstance(item, h5py.Dataset) else None

    try:
        with h5py.File(path) as file:
            note("", file)
            file.visititems(note)
    except (OSError, RuntimeError, KeyError, ValueError):
        return None
    return found


def test_a_flipped_bit_on_disk_is_found_unless_it_changes_nothing(noise_run, tmp_path, caplog):
    """HDF5 leaves bytes unused; a flip there leaves every value and attribute, and may pass."""
    folder, _ = noise_run
    original, expected = (folder / "a.h5").read_bytes(), contents(folder / "a.h5")
    rng = np.random.default_rng(0)
    copy = tmp_path / "flipped.h5"
    found = 0
    for place in rng.integers(0, len(original), 12):
        raw = bytearray(original)
        raw[place] ^= 1 << int(rng.integers(8))
        copy.write_bytes(bytes(raw))
        try:
            detected = bool(mismatches(copy, caplog))
        except InputError:
            detected = True
        assert detected or contents(copy) == expected, place
        found += detected
    assert found > 4


def test_changed_attributes_and_other_inputs_are_named(noise_run, tmp_path, caplog):
    folder, paths = noise_run
    copy = tmp_path / "a.h5"
    shutil.copy(folder / "a.h5", copy)
    with h5py.File(copy, "r+") as file:
        file.attrs["seed"] = 4
    assert any("attributes: differ" in line for line in mismatches(copy, caplog))
    other = tmp_path / "other"
    other.mkdir()
    index = json.loads(paths["index"].read_text())
    index["maximum"] *= 2
    (other / "v1.json").write_text(json.dumps(with_digest(index)))
    lines = mismatches(folder / "a.h5", caplog, index=other / "v1.json")
    assert any("index_sha256: not the file it was made from" in line for line in lines)
    assert any("data_range" in line for line in lines) and len(lines) == 2


FORGED = {
    "best_start": lambda values: values * 0 + 7,
    "start_objective": lambda values: values * 10,
    "objective": lambda values: values * (1 - 0.1 * (np.arange(values.shape[1]) == 0)),
}


@pytest.mark.parametrize("name", FORGED)
def test_certificates_that_contradict_themselves_are_named(noise_run, tmp_path, caplog, name):
    copy = changed(noise_run[0], tmp_path, f"slice_000/box_0/{name}", FORGED[name], seal=True)
    assert any(f"box_0/{name}:" in line for line in mismatches(copy, caplog))


@pytest.mark.parametrize("start", [-1, -2])
def test_a_warm_start_that_was_not_asked_for_is_named(noise_run, tmp_path, caplog, start):
    copy = changed(noise_run[0], tmp_path, "slice_000/box_0/best_start", lambda values: values * 0 + start, seal=True)
    assert any("there is no such start" in line for line in mismatches(copy, caplog))


@pytest.mark.parametrize(
    ("key", "value"), [("acceleration", 8), ("num_low_frequencies", 1), ("data_range", 1.0), ("volume", "other")]
)
def test_attributes_that_follow_from_the_inputs_are_compared(noise_run, tmp_path, caplog, key, value):
    copy = tmp_path / "changed.h5"
    shutil.copy(noise_run[0] / "a.h5", copy)
    with h5py.File(copy, "r+") as file:
        file.attrs[key] = value
        file.attrs[DIGEST] = attributes_digest(file)
    assert any(f"{key}: " in line for line in mismatches(copy, caplog))


def test_another_number_of_steps_or_label_is_named(noise_run, tmp_path, caplog):
    copy = tmp_path / "changed.h5"
    shutil.copy(noise_run[0] / "a.h5", copy)
    with h5py.File(copy, "r+") as file:
        file.attrs["attack"] = json.dumps(json.loads(file.attrs["attack"]) | {"steps": 1})
        file["slice_000/box_0"].attrs["label"] = "nothing"
        sealed(file, "slice_000")
    lines = mismatches(copy, caplog)
    assert any("objective: traces of shape" in line for line in lines)
    assert any("box_0: its label" in line for line in lines)


def test_a_slice_that_was_taken_out_is_named(noise_run, tmp_path, caplog):
    copy = tmp_path / "slices_000-001.h5"
    shutil.copy(noise_run[0] / "a.h5", copy)
    with h5py.File(copy, "r+") as file:
        del file["slice_001"]
        file.attrs["slices"] = [0]
        file.attrs[DIGEST] = attributes_digest(file)
    assert any("slice_001: missing" in line for line in mismatches(copy, caplog))


def test_missing_inputs_and_broken_files_are_named(noise_run, tmp_path, caplog):
    folder, _ = noise_run
    copy = tmp_path / "a.h5"
    shutil.copy(folder / "a.h5", copy)
    with h5py.File(copy, "r+") as file:
        file.attrs["inputs"] = json.dumps({"volume": "gone.h5"})
    with pytest.raises(InputError, match=r"--volume \(gone.h5\)"):
        mismatches(copy, caplog)
    copy.write_bytes((folder / "a.h5").read_bytes()[:5000])
    with pytest.raises(InputError, match=r"a\.h5: damaged: HDF5 cannot open it"):
        mismatches(copy, caplog)


def test_the_attack_program_hands_over(noise_run):
    folder, _ = noise_run
    command = [sys.executable, "-m", "workflow_scripts.attack", "--verify", str(folder / "a.h5"), "--device", "cpu"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0 and "2 slices agree with what is stored" in done.stderr
