"""Locks, permissions, disks that do not answer: no damage, a sentence of their own, and never the advice to delete."""

import errno
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import h5py
import numpy as np
import pytest
import torch
from support import ROOT, attack_run, make_run, write_small_volume

from advmri.acquisition.mask_file import read_mask_file
from advmri.errors import DamagedFileError, InputError
from advmri.reconstruction.weights.checkpoint import load_checkpoint
from advmri.storage.access import NoAccessError, no_access, unreadable
from advmri.storage.attack_file import is_whole_slice, open_attack_file
from advmri.volumes.annotations import read_annotations
from advmri.volumes.folder import file_problem, volume_names_in
from advmri.volumes.reading import read_slice, read_volume
from advmri.volumes.writing import write_volume

NOISE = {"threat_model": "noise", "optimiser": "gaussian", "severities": [0, 0.02]}
DELETES = ("rm ", "delete", "remove", "restore", "damaged")
HOLD = "import fcntl, sys; f = open(sys.argv[1], 'r+b'); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); input()"
NO_LOCKS = "#include <errno.h>\nint flock(int file, int how) { errno = ENOLCK; return -1; }\n"
NOBODY = 65534
FURTHER = (
    errno.ESHUTDOWN,
    errno.ENOMEM,
    errno.EREMOTEIO,
    errno.ENOKEY,
    errno.EUCLEAN,
    errno.ENOLINK,
    errno.ECONNREFUSED,
)
"""What file systems of clusters, encrypted ones and tired kernels give."""


def attack_slices(path):
    with open_attack_file(path) as attack:
        return [attack.group(number) for number in attack.slices()]


READERS = {
    "v1.h5": lambda path: read_slice(read_volume(path), 1),
    "mask.h5": read_mask_file,
    "attack.h5": attack_slices,
    "attack.h5 as a part": lambda path: is_whole_slice(path, 1),
}
OTHER_READERS = {
    "boxes.csv": read_annotations,
    "v1.h5 as the plan sees it": file_problem,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    paths = make_run(folder, "unet", slices=2)
    attack_run(paths, folder / "attack.h5", NOISE, slices="000-001")
    return folder


@contextmanager
def held(path):
    """Another program holds an exclusive lock on the file."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        holder.stdout.readline()
        try:
            yield
        finally:
            holder.communicate("\n")


@contextmanager
def forbidden(path):
    """A file, or folder, that this process may not read, whoever runs the tests."""
    before, root = path.stat().st_mode, os.geteuid() == 0
    path.chmod(0)
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        path.chmod(before)


@pytest.fixture
def open_folder(made, tmp_path_factory):
    """The files of `made` where others than their owner come, too."""
    folder = tmp_path_factory.mktemp("open")
    for path in made.glob("*.*"):
        if path.is_file():
            shutil.copy(path, folder)
    parents = [folder, folder.parent, folder.parent.parent]
    modes = [(parent, parent.stat().st_mode) for parent in parents]
    for parent in parents:
        parent.chmod(0o755)
    yield folder
    for parent, mode in modes:
        parent.chmod(mode)


@pytest.mark.parametrize("reader", READERS)
def test_what_another_program_holds_is_read(made, reader):
    path = made / reader.split()[0]
    with held(path):
        assert READERS[reader](path)


@pytest.mark.parametrize("reader", [*READERS, *OTHER_READERS])
def test_what_may_not_be_read_is_not_called_damaged(open_folder, reader):
    path = open_folder / reader.split()[0]
    with forbidden(path), pytest.raises(NoAccessError) as caught:
        (READERS | OTHER_READERS)[reader](path)
    message = str(caught.value)
    assert message.startswith(f"{path}: you have no permission to read it (EACCES, ")
    assert not [word for word in DELETES if word in message]
    assert (READERS | OTHER_READERS)[reader](path) or path.name == "v1.h5"


def test_a_checkpoint_that_may_not_be_read(open_folder):
    """Its own error has the file's name, and the program makes one line of it."""
    with forbidden(open_folder / "model.pt"), pytest.raises(PermissionError):
        load_checkpoint(open_folder / "model.pt", torch.device("cpu"))


def test_a_folder_that_may_not_be_read_is_not_called_empty(open_folder):
    assert volume_names_in(open_folder)
    with forbidden(open_folder), pytest.raises(NoAccessError, match="you have no permission to read it"):
        volume_names_in(open_folder)


@pytest.fixture(scope="module")
def no_locks(tmp_path_factory):
    """A library that takes a file system's locks away."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler, or no Linux")
    folder = tmp_path_factory.mktemp("nolock")
    (folder / "nolock.c").write_text(NO_LOCKS)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", "nolock.so", "nolock.c"], cwd=folder, check=True)
    return folder / "nolock.so"


def index_in_a_process(made, tmp_path, **environment):
    command = [sys.executable, "-m", "workflow_scripts.index_volume", "--volume", made / "v1.h5"]
    command += ["--annotations", made / "boxes.csv", "--output", tmp_path / "v1.json"]
    environment = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_a_file_system_without_locks_is_read(made, tmp_path, no_locks):
    done = index_in_a_process(made, tmp_path, LD_PRELOAD=str(no_locks))
    assert done.returncode == 0, done.stderr


def test_locks_that_the_environment_asks_for_are_named_with_the_way_out(made, tmp_path, no_locks):
    """HDF5's variable goes before what the program asks for; the advice is followed."""
    asked = {"HDF5_USE_FILE_LOCKING": "TRUE"}
    done = index_in_a_process(made, tmp_path, LD_PRELOAD=str(no_locks), **asked)
    assert done.returncode == 1 and "gives no locks (ENOLCK, " in done.stderr
    with held(made / "v1.h5"):
        locked = index_in_a_process(made, tmp_path, **asked)
        assert locked.returncode == 1 and "another program holds a lock on it (EAGAIN, " in locked.stderr
        for message in (done.stderr, locked.stderr):
            assert not [word for word in DELETES if word in message] and len(message.splitlines()) == 1
            (advice,) = {word.strip(",") for word in message.split() if word.startswith("HDF5_USE_FILE_LOCKING=FALSE")}
        followed = dict([advice.split("=")])
        for preload in ({}, {"LD_PRELOAD": str(no_locks)}):
            done = index_in_a_process(made, tmp_path, **followed, **preload)
            assert done.returncode == 0, done.stderr


def test_a_file_that_is_open_for_writing(tmp_path):
    """The newest format marks such a file; one whose writer was killed stays marked."""
    script = "import h5py, os, sys; f = h5py.File(sys.argv[1], 'w', libver='latest'); f.flush(); os._exit(1)"
    subprocess.run([sys.executable, "-c", script, tmp_path / "v.h5"], check=False)
    with pytest.raises(NoAccessError, match=r"v\.h5: another program has it open for writing, or ended before"):
        read_volume(tmp_path / "v.h5")


@pytest.mark.parametrize("sealed", [False, True])
def test_a_disk_that_does_not_answer_drops_no_slice(tmp_path, monkeypatch, sealed):
    path = tmp_path / "v.h5"
    kspace = write_small_volume(path)
    if sealed:
        options = {"acquisition": "x", "patient": "p", "field_of_view_mm": (1.0, 1.0)}
        write_volume(path, kspace, crop=(24, 24), **options)
    volume = read_volume(path)
    original = h5py.Dataset.__getitem__

    def failing(self, key, **options):
        if self.name == "/kspace":
            raise OSError(errno.EIO, f"Can't read data (file read failed: errno = {errno.EIO}, error message = '...')")
        return original(self, key, **options)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", failing)
    with pytest.raises(NoAccessError, match=r"v\.h5: the system cannot read it \(EIO, ") as caught:
        read_slice(volume, 1)
    assert not [word for word in DELETES if word in str(caught.value)]


@pytest.mark.parametrize(
    "number", [errno.EIO, errno.ESTALE, errno.EMFILE, errno.EACCES, errno.EAGAIN, errno.ETIMEDOUT, *FURTHER]
)
@pytest.mark.parametrize("kind", [OSError, RuntimeError])
def test_reasons_outside_the_file_are_no_damage(tmp_path, number, kind):
    """h5py gives the number as `errno`, or within the message of another class."""
    text = f"unable to read (errno = {number}, error message = '{os.strerror(number)}')"
    error = OSError(number, text) if kind is OSError else kind(text)
    found = unreadable(tmp_path / "a.h5", "the mask", error)
    assert isinstance(found, NoAccessError) and errno.errorcode[number] in str(found)
    assert not [word for word in DELETES if word in str(found)]


@pytest.mark.parametrize("error", [OSError("truncated file"), KeyError("mask"), OSError(errno.EINVAL, "errno = 22")])
def test_what_the_files_content_caused_is_damage(tmp_path, error):
    """An address that a flipped bit put beyond the end comes as EINVAL."""
    assert no_access(tmp_path / "a.h5", error) is None
    assert isinstance(unreadable(tmp_path / "a.h5", "the mask", error), DamagedFileError)


def test_a_folder_in_place_of_a_volume(tmp_path):
    (tmp_path / "v.h5").mkdir()
    with pytest.raises(InputError, match=r"v\.h5: a folder, not a volume"):
        read_volume(tmp_path / "v.h5")


def test_reading_leaves_no_lock_behind(made):
    """While this process reads, another may take the lock."""
    volume = read_volume(made / "v1.h5")
    with h5py.File(made / "v1.h5", "r", locking=False), held(made / "v1.h5"):
        assert np.isfinite(read_slice(volume, 0).kspace).all()


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_file_that_this_process_has_open_is_read(made, mode):
    """HDF5 wants the same locking of all who open a file in one process: in a notebook, say."""
    with h5py.File(made / "v1.h5", mode):
        assert read_slice(read_volume(made / "v1.h5"), 0).kspace.any()
