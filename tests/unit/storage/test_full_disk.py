"""No room for a file, or a folder that cannot be written: nothing under the final name, one line that names it."""

import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from support import ROOT, attack_run, make_run, random_network

from advmri.acquisition.mask_file import read_mask_file, write_mask_file
from advmri.reconstruction.weights.checkpoint import Checkpoint, save_checkpoint
from advmri.storage.guarded_file import GuardedFile, guarded_file, new_hdf5_file
from advmri.volumes.reading import read_volume
from advmri.volumes.writing import write_volume
from workflow_scripts import program, simulate_annotations
from workflow_scripts.program import atomic_output, write_text
from workflow_scripts.table_output import write_table


def a_volume(path):
    kspace = np.random.default_rng(0).standard_normal((4, 3, 24, 16)).astype(np.complex64)
    options = {"crop": (8, 8), "acquisition": "A", "patient": "p", "field_of_view_mm": (1.0, 1.0)}
    with atomic_output(path) as temporary:
        write_volume(temporary, kspace, **options)


def a_mask(path):
    with atomic_output(path) as temporary:
        write_mask_file(temporary, np.arange(90_000) % 4 == 0, 3, 4, "seed")


def many_small_datasets(path):
    """What HDF5 itself does not survive: it keeps them back and writes them when the file is closed."""
    with atomic_output(path) as temporary, new_hdf5_file(temporary) as file:
        for number in range(100):
            values = np.random.default_rng(number).random(100)
            file.create_dataset(str(number), data=values, chunks=(100,), compression="lzf")


def a_checkpoint(path):
    facts = Checkpoint("unet", {"chans": 8, "num_pool_layers": 2}, acceleration=4, trained_on="train")
    with atomic_output(path) as temporary:
        save_checkpoint(temporary, facts, random_network("unet", chans=8))


WRITERS = {
    "volume.h5": a_volume,
    "mask.h5": a_mask,
    "small.h5": many_small_datasets,
    "model.pt": a_checkpoint,
    "index.json": lambda path: write_text(path, 60_000 * "."),
    "table.csv": lambda path: write_table(path, pd.DataFrame({"a": np.arange(9000) / 7})),
}


@contextmanager
def files_up_to(size):
    """As a disk with so much room: a write beyond it fails with EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB."""
    if shutil.which("mount") is None:
        pytest.skip("there is no mount here")
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no file system can be mounted here: not root")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("size", [0, 20_000, 36_000])
def test_a_limit_leaves_nothing_behind(tmp_path, name, size):
    """The limit counts bytes of one file, so that writes fail at its beginning, in its middle and near its end."""
    path = tmp_path / name
    with files_up_to(size), pytest.raises(OSError, match="File too large") as caught:
        WRITERS[name](path)
    assert caught.value.filename in (str(path), str(tmp_path / f".{name}.sha256"))
    assert list(tmp_path.iterdir()) in ([], [tmp_path / f".{name}.sha256"])
    WRITERS[name](path)
    assert path.stat().st_size > 36_000


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_nothing_behind(small_disk, name):
    (small_disk / "other").write_bytes(bytes(40_000))
    path = small_disk / name
    with pytest.raises(OSError, match="No space left on device") as caught:
        WRITERS[name](path)
    assert caught.value.filename == str(path)
    assert [one.name for one in small_disk.iterdir()] == ["other"]


def test_a_read_only_folder_is_one_line(small_disk, tmp_path):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    output = small_disk / "new" / "boxes.csv"
    words = ["--seed", "1", "--settings", "{}", "--output", str(output)]
    done = subprocess.run(
        [sys.executable, "-m", "workflow_scripts.simulate_annotations", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith(f"error: {small_disk}/new") and "Read-only file system" in done.stderr


def test_the_message_names_the_final_file(tmp_path, monkeypatch, caplog):
    options = ["--seed", "1", "--settings", "{}", "--output", str(tmp_path / "boxes.csv")]
    monkeypatch.setattr(sys, "argv", ["simulate_annotations", *options])
    with files_up_to(10), pytest.raises(SystemExit):
        program.run(simulate_annotations.main, simulate_annotations.options())
    (message,) = (record.getMessage() for record in caplog.records)
    assert message.startswith(f"error: {tmp_path}/boxes.csv: File too large; ")


def test_an_attack_goes_on_when_there_is_room_again(tmp_path):
    """The slices it had finished are kept; the file is that of an undisturbed job."""
    settings = {"threat_model": "noise", "optimiser": "gaussian", "severities": [0, 0.02]}
    paths = make_run(tmp_path / "in", "unet", slices=2)
    attack_run(paths, tmp_path / "whole.h5", settings, slices="000-001")
    size = (tmp_path / "whole.h5").stat().st_size
    with files_up_to(size * 3 // 4), pytest.raises(OSError, match=r"File too large: .*out/a\.h5"):
        attack_run(paths, tmp_path / "out" / "a.h5", settings, slices="000-001")
    assert not (tmp_path / "out" / "a.h5").exists() and not list((tmp_path / "out").glob("*.tmp"))
    parts = list((tmp_path / "out").glob(".a.h5.*.partial/slice_*.h5"))
    assert len(parts) == 2
    attack_run(paths, tmp_path / "out" / "a.h5", settings, slices="000-001")
    assert (tmp_path / "out" / "a.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_a_guarded_file_holds_what_was_written(tmp_path):
    with guarded_file(tmp_path / "a") as file:
        assert isinstance(file, GuardedFile) and file.readable() and file.writable() and file.seekable()
        assert file.write(b"abcdef") == 6 and file.seek(1) == 1 and file.write(np.frombuffer(b"XY", np.uint8)) == 2
        assert file.tell() == 3 and file.truncate(4) == 4
        file.seek(0)
        assert file.read() == b"aXYd"
    assert (tmp_path / "a").read_bytes() == b"aXYd"


def test_what_is_written_in_full_reads_back(tmp_path):
    a_volume(tmp_path / "volume.h5")
    assert read_volume(tmp_path / "volume.h5").slices == 4
    a_mask(tmp_path / "mask.h5")
    assert read_mask_file(tmp_path / "mask.h5")[0].sum() == 22_500
