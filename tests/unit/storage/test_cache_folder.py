"""Where caches go when the home folder cannot be written."""

import tempfile

import pytest

from advmri.storage.cache_folder import refusal, temporary_cache, usual_cache


@pytest.fixture
def own_tmpdir(tmp_path, monkeypatch):
    """TMPDIR of this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_usual_cache_is_the_one_that_the_environment_names(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert usual_cache() == tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert usual_cache() == tmp_path / ".cache"


def test_a_folder_that_can_be_made_is_not_refused(tmp_path):
    assert refusal(tmp_path / "a" / "b") is None and not list((tmp_path / "a" / "b").iterdir())
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file" / "b") == "Not a directory"


def test_the_folder_in_its_place_is_the_users_own_and_stays(own_tmpdir):
    folder = temporary_cache()
    assert folder is not None and folder.parent == own_tmpdir and folder == temporary_cache()


def test_a_folder_that_others_may_write_or_have_made_is_not_taken(own_tmpdir):
    """Compiled code is loaded from it."""
    folder = temporary_cache()
    folder.chmod(0o777)
    assert temporary_cache() is None
    folder.rmdir()
    (own_tmpdir / "elsewhere").mkdir()
    folder.symlink_to(own_tmpdir / "elsewhere")
    assert temporary_cache() is None
