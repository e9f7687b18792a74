"""A volume is hashed once, when it is indexed; a later job still sees that it is not the one of the index."""

import json

import h5py
import pytest
from support import attack_run, make_run, run_program, write_csv, write_small_volume

from advmri.errors import InputError
from advmri.storage.attack_file import open_attack_file
from advmri.storage.file_digest import file_sha256
from advmri.storage.text_digest import with_digest
from advmri.volumes.index import read_index
from workflow_scripts import attack_inputs, index_volume, verify_attack

SETTINGS = {"threat_model": "noise", "optimiser": "pgd", "target": "box", "severities": [0, 0.02], "steps": 1}


@pytest.fixture
def paths(tmp_path):
    """A run whose last slice has no box."""
    made = make_run(tmp_path, "unet")
    write_csv(tmp_path / "boxes.csv", [("v1", number, "No", 4, 6, 9, 8, "tear") for number in (0, 1)])
    run_program(index_volume, volume=made["volume"], annotations=tmp_path / "boxes.csv", output=made["index"])
    return made


def test_the_attack_takes_the_digest_from_the_index(paths, tmp_path, monkeypatch):
    hashed = []
    monkeypatch.setattr(attack_inputs, "file_sha256", lambda path: hashed.append(path) or file_sha256(path))
    attack_run(paths, tmp_path / "a.h5", SETTINGS, slices="000-001")
    assert sorted(hashed) == sorted(path for name, path in paths.items() if name != "volume")
    with open_attack_file(tmp_path / "a.h5") as attack:
        facts = attack.attributes
    index = read_index(paths["index"])
    assert facts["data_sha256"] == index.data_sha256 == file_sha256(paths["volume"])
    assert index.data_bytes == paths["volume"].stat().st_size


def test_another_volume_and_a_changed_slice_stop_the_attack(paths, tmp_path):
    other = tmp_path / "other" / "v1.h5"
    write_small_volume(other, seed=1, slices=3)
    with pytest.raises(InputError, match=r"not the one that its index was made from; give the volume .* delete its"):
        attack_run(paths | {"volume": other}, tmp_path / "a.h5", SETTINGS, slices="000")
    with h5py.File(paths["volume"], "r+") as file:
        file["kspace"][1, 0, 3, 4] *= 1.001
    assert paths["volume"].stat().st_size == read_index(paths["index"]).data_bytes
    attack_run(paths, tmp_path / "a.h5", SETTINGS, slices="000")
    with pytest.raises(InputError, match="slice 1 is not the one"):
        attack_run(paths, tmp_path / "b.h5", SETTINGS, slices="001")


def test_a_volume_of_another_size_stops_the_attack(paths, tmp_path):
    with paths["volume"].open("ab") as file:
        file.write(b"\0")
    with pytest.raises(InputError, match="bytes, but its index was made from"):
        attack_run(paths, tmp_path / "a.h5", SETTINGS, slices="000")


def test_the_verification_reads_the_whole_volume(paths, tmp_path, caplog):
    """A change in a slice that nobody attacks, of the same size, changes no result; it is found all the same."""
    attack_run(paths, tmp_path / "a.h5", SETTINGS, slices="000-001")
    run_program(verify_attack, verify=tmp_path / "a.h5", device="cpu")
    with h5py.File(paths["volume"], "r+") as file:
        file["kspace"][2, 0, 3, 4] *= 1.001
    with pytest.raises(InputError, match="1 mismatches"):
        run_program(verify_attack, verify=tmp_path / "a.h5", device="cpu")
    assert "data_sha256: not the file it was made from" in caplog.text


def test_the_advice_helps(paths, tmp_path):
    """Delete the index and make it again: the attack runs."""
    with h5py.File(paths["volume"], "r+") as file:
        file["kspace"][:, 0, 3, 4] *= 1.001
        file["reconstruction_rss"].attrs["note"] = "longer"
    with pytest.raises(InputError, match="delete its index"):
        attack_run(paths, tmp_path / "a.h5", SETTINGS, slices="000")
    paths["index"].unlink()
    run_program(index_volume, volume=paths["volume"], annotations=tmp_path / "boxes.csv", output=paths["index"])
    attack_run(paths, tmp_path / "a.h5", SETTINGS, slices="000")


@pytest.mark.parametrize("key", ["data_sha256", "kspace_sha256"])
def test_an_index_of_an_older_version_is_named(paths, key):
    content = json.loads(paths["index"].read_text())
    for entry in (content, *content["annotated"].values()):
        entry.pop(key, None)
    paths["index"].write_text(json.dumps(with_digest(content)))
    with pytest.raises(InputError, match=r"v1\.json: an index of another version .* delete it"):
        read_index(paths["index"])
