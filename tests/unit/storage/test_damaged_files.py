"""A bit that flipped, or an end that is missing: the next reader names the file, or what it reads is unchanged."""

import random
import shlex

import h5py
import numpy as np
import pytest
import torch
from support import attack_run, make_run, object_kspace, random_network, run_program

from advmri.acquisition.mask_file import read_mask_file
from advmri.errors import DamagedFileError, InputError
from advmri.reconstruction.weights.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from advmri.storage.attack_file import is_whole_slice, open_attack_file
from advmri.storage.tables import read_table
from advmri.storage.text_digest import check_table, checksum_file
from advmri.volumes.annotations import read_annotations
from advmri.volumes.index import read_index
from advmri.volumes.reading import read_slice, read_target, read_volume
from advmri.volumes.writing import write_volume
from workflow_scripts import score, simulate_annotations, validate
from workflow_scripts.table_output import table_output

FLIPS = 100
NOISE = {"threat_model": "noise", "optimiser": "gaussian", "severities": [0, 0.02]}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One file of each kind, made by the programs."""
    folder = tmp_path_factory.mktemp("run")
    paths = make_run(folder, "unet", slices=2)
    kspace = [object_kspace(np.random.default_rng(seed), 2, 16, 12) for seed in range(2)]
    options = {"crop": (8, 8), "acquisition": "A", "patient": "p", "field_of_view_mm": (1.0, 1.0)}
    write_volume(folder / "sealed.h5", kspace, **options)
    attack_run(paths, folder / "attack.h5", NOISE, slices="000-001")
    run_program(score, attack_file=folder / "attack.h5", index=paths["index"], output=folder / "scores.csv")
    run_program(
        validate,
        **{"checkpoint": paths["checkpoint"], "model": "m", "acceleration": 4, "device": "cpu"},
        **{"volumes": [paths["volume"]], "masks": [paths["mask"]], "output": folder / "validation.csv"},
    )
    run_program(simulate_annotations, seed=1, settings="{}", output=folder / "annotations.csv")
    return folder


def volume_content(path):
    volume = read_volume(path)
    slices = [read_slice(volume, number).kspace.tobytes() for number in range(volume.slices)]
    targets = [read_target(volume, number).tobytes() for number in range(volume.slices)]
    return {**vars(volume), "path": None}, slices, targets


def attack_content(path):
    found = {}

    def note(name, item):
        found[name] = {key: np.asarray(value).tolist() for key, value in item.attrs.items()}
        if isinstance(item, h5py.Dataset):
            found[f"{name}:"] = item[()].tobytes()

    with open_attack_file(path) as attack:
        for number in attack.slices():
            attack.group(number).visititems(note)
        return repr(attack.attributes), found


def checkpoint_content(path):
    checkpoint, reconstructor = load_checkpoint(path, torch.device("cpu"))
    state = reconstructor.network.state_dict()
    return checkpoint, {key: value.numpy().tobytes() for key, value in state.items()}


READERS = {
    "sealed.h5": volume_content,
    "v1.json": read_index,
    "mask.h5": lambda path: tuple(map(repr, read_mask_file(path))),
    "model.pt": checkpoint_content,
    "attack.h5": attack_content,
    "scores.csv": lambda path: read_table(path).to_csv(),
    "validation.csv": lambda path: read_table(path).to_csv(),
    "annotations.csv": read_annotations,
}


def damaged_copies(content, seed):
    """Contents with one flipped bit each, anywhere, and cut off anywhere."""
    generator = random.Random(seed)
    for _ in range(FLIPS):
        flipped = bytearray(content)
        flipped[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        yield bytes(flipped)
    for _ in range(10):
        yield content[: generator.randrange(len(content))]


@pytest.mark.parametrize("name", READERS)
def test_damage_is_named_or_without_effect(made, tmp_path, name):
    read, path = READERS[name], tmp_path / name
    content = (made / name).read_bytes()
    path.write_bytes(content)
    if checksum_file(made / name).is_file():
        checksum_file(path).write_bytes(checksum_file(made / name).read_bytes())
    whole, named = read(path), 0
    for damaged in damaged_copies(content, name):
        path.write_bytes(damaged)
        message = ""
        try:
            found = read(path)
        except InputError as error:
            message, kind = str(error), type(error)
        if message:
            assert message.startswith(f"{path}: ") and "\n" not in message
            assert kind is DamagedFileError or "not a readable HDF5 file" in message
            named += "damaged: " in message and f"(rm {shlex.quote(str(path))})" in message
        else:
            assert found == whole
    assert named >= FLIPS / 10


@pytest.mark.parametrize("link", ["external", "soft", "storage", "virtual"])
def test_data_that_are_not_in_the_file_are_not_read(made, tmp_path, link):
    """Its checksums count nothing behind a link: the file is refused before anything is read."""
    path, place = tmp_path / "attack.h5", "slice_000/box_0/reconstruction"
    path.write_bytes((made / "attack.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        values = file[place][()]
        del file[place]
        if link == "external":
            file[place] = h5py.ExternalLink(str(made / "attack.h5"), place)
        elif link == "soft":
            file[place] = h5py.SoftLink("/slice_001/box_0/reconstruction")
        elif link == "storage":
            file.create_dataset(place, values.shape, values.dtype, external=[(str(tmp_path / "raw"), 0, values.nbytes)])
        else:
            layout = h5py.VirtualLayout(values.shape, values.dtype)
            layout[:] = h5py.VirtualSource(str(made / "attack.h5"), place, values.shape)
            file.create_virtual_dataset(place, layout)
    message = f"{place} is a link, or lies in another file"
    with pytest.raises(DamagedFileError, match=message), open_attack_file(path):
        pass


@pytest.mark.parametrize(("content", "how"), [(b"", "empty"), (b"\0" * 100_000, "nothing but zeros")])
def test_an_emptied_checkpoint_is_damaged(tmp_path, content, how):
    """What a full disk or a lost node leaves."""
    (tmp_path / "model.pt").write_bytes(content)
    with pytest.raises(DamagedFileError, match=f"damaged: {how}; delete it"):
        checkpoint_content(tmp_path / "model.pt")


def test_a_table_made_elsewhere_needs_no_checksum(made, tmp_path):
    path = tmp_path / "scores.csv"
    path.write_bytes((made / "scores.csv").read_bytes())
    check_table(path)
    assert len(read_table(path))


def test_a_table_never_lies_there_with_the_checksum_of_another(tmp_path, monkeypatch):
    """Killed between the two renames: the checksum is there, the table is not."""
    path = tmp_path / "a.csv"
    monkeypatch.setattr(type(path), "replace", stopping_at(path, type(path).replace))
    with pytest.raises(KeyboardInterrupt), table_output(path) as temporary:
        temporary.write_text("a\n1\n")
    assert checksum_file(path).is_file() and not path.exists()
    monkeypatch.undo()
    with table_output(path) as temporary:
        temporary.write_text("a\n2\n")
    check_table(path)
    assert read_table(path).a.tolist() == [2]


def stopping_at(path, original):
    def replace(self, target):
        if target == path:
            raise KeyboardInterrupt
        return original(self, target)

    return replace


def test_a_damaged_part_of_an_interrupted_job_is_not_taken(made, tmp_path):
    path = tmp_path / "part.h5"
    content = (made / "attack.h5").read_bytes()
    path.write_bytes(content)
    assert is_whole_slice(path, 1) and not is_whole_slice(path, 7) and not is_whole_slice(tmp_path / "none", 1)
    with h5py.File(path, "r+") as file:
        file["slice_001/clean"][0, 0] += 1
    assert not is_whole_slice(path, 1) and is_whole_slice(path, 0)


def test_weights_from_elsewhere_are_checked_too(tmp_path):
    """torch.load itself takes flipped weights for good ones."""
    path = tmp_path / "given file.pt"
    facts = Checkpoint("unet", {"chans": 8, "num_pool_layers": 2}, acceleration=4, trained_on="train")
    save_checkpoint(path, facts, random_network("unet", chans=8))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    torch.load(path, weights_only=True)
    with pytest.raises(DamagedFileError, match=r"file\.pt: damaged: the CRC-32 of .* differs; delete it \(rm '"):
        load_checkpoint(path, torch.device("cpu"))
