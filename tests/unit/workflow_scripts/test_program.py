"""What every program shares: whole files or none, and one clear line for a mistake of the user."""

import subprocess
import sys

import pytest
from support import ROOT, write_csv, write_small_volume

from workflow_scripts import program
from workflow_scripts.program import atomic_output, write_text

PROGRAMS = sorted(
    path.stem for path in (ROOT / "workflow_scripts").glob("*.py") if 'if __name__ == "__main__":' in path.read_text()
)


def run_module(program, *words):
    return subprocess.run(
        [sys.executable, "-m", f"workflow_scripts.{program}", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("gpus", "device", "first"), [(0, "auto", True), (1, "auto", True), (2, "auto", False), (2, "cpu", True)]
)
def test_a_stray_rank_means_nothing_where_auto_is_one_device(tmp_path, monkeypatch, gpus, device, first):
    """Before there is a log: a further process writes none and prints nothing."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpus > 0)
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(program.LOGGER, "setLevel", lambda level: None)
    monkeypatch.setattr("logging.basicConfig", lambda **options: [one.close() for one in options["handlers"]])
    words = ["train", "--devices", "auto", "--device", device, "--log", str(tmp_path / "a.log")]
    monkeypatch.setattr(sys, "argv", words)
    options = program.parser("Any.")
    program.add_compute_options(options)
    options.add_argument("--devices", default="1")
    program.run(lambda arguments: None, options)
    assert (tmp_path / "a.log").is_file() == first


def test_output_appears_under_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "result.txt"
    with atomic_output(path) as temporary:
        temporary.write_text("half")
        assert not path.exists() and temporary.parent == path.parent
    assert path.read_text() == "half" and list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "result.txt"
    write_text(path, "old")

    def write_half():
        with atomic_output(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_mistake_of_the_user_is_one_line_and_a_log(tmp_path):
    volume = tmp_path / "broken.h5"
    volume.write_text("not HDF5")
    boxes = write_csv(tmp_path / "boxes.csv", [("broken", 0, "No", 1, 1, 5, 5, "tear")])
    options = ["--volume", volume, "--annotations", boxes, "--output", tmp_path / "index.json"]
    done = run_module("index_volume", *options, "--log", tmp_path / "logs" / "a.log")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and done.stderr.startswith(f"error: {volume}: a text file, not a volume (HDF5)")
    assert (tmp_path / "logs" / "a.log").read_text() == done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boxes.csv", "broken.h5", "logs"]


def test_a_mistake_of_ours_shows_its_traceback():
    code = "from workflow_scripts.program import parser, run; run(lambda arguments: 1 / 0, parser('A program.'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "error: unexpected" in done.stderr
    assert "Traceback" in done.stderr and "ZeroDivisionError" in done.stderr


def test_what_was_found_says_nothing_about_the_time_left(caplog, monkeypatch):
    caplog.set_level("INFO", logger="advmri")
    clock = iter([0.0, 5.0])
    monkeypatch.setattr(program.time, "monotonic", lambda: next(clock, 10.0))
    with program.Progress("attack", 4, "slices") as progress:
        progress.finished("slice 1", 1, found_before=True)
        progress.finished("slice 2", 2)
        progress.finished("slice 3", 3, **{"largest error": "+5%"})
    lines = [line.message for line in caplog.records]
    assert lines[0] == "attack: slice 1 found, 1 of 4 slices"
    assert lines[1] == "attack: slice 2 done, 2 of 4 slices, 20 s left"
    assert lines[2] == "attack: slice 3 done, 3 of 4 slices, 5 s left, largest error +5%"


def test_success_says_what_was_found(tmp_path):
    write_small_volume(tmp_path / "v.h5")
    boxes = write_csv(tmp_path / "boxes.csv", [("v", 1, "No", 1, 1, 5, 5, "tear"), ("v", 7, "No", 1, 1, 5, 5, "far")])
    done = run_module(
        "index_volume", "--volume", tmp_path / "v.h5", "--annotations", boxes, "--output", tmp_path / "index.json"
    )
    assert done.returncode == 0
    assert "1 annotated slices, 1 annotations excluded" in done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_explains_itself(program):
    from importlib import import_module

    text = import_module(f"workflow_scripts.{program}").options().format_help()
    assert "--log" in text and len(text.splitlines()) > 5
