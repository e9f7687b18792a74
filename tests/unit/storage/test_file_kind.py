"""What a file of the wrong kind is called."""

import h5py
import numpy as np
import pytest

from advmri.storage.file_kind import READ, SIGNATURES, file_kind


def test_files_as_their_programs_write_them(tmp_path):
    h5py.File(tmp_path / "a", "w").close()
    np.save(tmp_path / "b", np.ones(3))
    np.savez(tmp_path / "c", one=np.ones(3))
    kinds = [file_kind(path) for path in (tmp_path / "a", tmp_path / "b.npy", tmp_path / "c.npz", tmp_path)]
    assert kinds == ["an HDF5 file", "a NumPy array (.npy)", "a zip archive", "a folder"]


@pytest.mark.parametrize("signature", SIGNATURES)
def test_signatures(tmp_path, signature):
    (tmp_path / "file").write_bytes(signature + bytes(range(256)))
    assert file_kind(tmp_path / "file") == SIGNATURES[signature]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "an empty file"),
        (bytes(9000), "a file of zeros"),
        (bytes(128) + b"DICM", "a DICOM file"),
        ("Größe;1\n".encode(), "a text file"),
        ("ü".encode() * READ, "a text file"),
        (b"a" + "ü".encode() * READ, "a text file"),
        ("Größe".encode("latin1"), "a file of unknown kind"),
        (b"a\0b", "a file of unknown kind"),
    ],
)
def test_what_has_no_signature(tmp_path, content, kind):
    (tmp_path / "file").write_bytes(content)
    assert file_kind(tmp_path / "file") == kind
