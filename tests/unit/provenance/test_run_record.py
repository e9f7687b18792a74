"""The record beside every file written: how it was made, and whether it is still that file."""

import json
import sys

import pytest
from support import run_program, write_csv

from advmri.errors import DamagedFileError
from advmri.provenance import run_record
from advmri.provenance.run_record import identity, is_same, package_versions, read_record, record_path
from advmri.storage.tables import read_table
from workflow_scripts import program, provenance_table, simulate_annotations


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A file made by a program as from the command line."""
    output = tmp_path / "annotations.csv"
    settings = json.dumps({"train_volumes": 1, "val_volumes": 1, "slices": 3})
    words = ["--seed", "3", "--settings", settings, "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["simulate_annotations.py", *words])
    program.run(simulate_annotations.main, simulate_annotations.options())
    return output


def test_a_program_leaves_a_record_beside_its_file(written):
    record = read_record(written)
    assert record["program"] == "workflow_scripts.simulate_annotations"
    assert record["arguments"]["seed"] == 3 and record["arguments"]["settings"]["slices"] == 3
    assert is_same(written, record["file"])
    assert record["job"]["seconds"] >= 0 and record["job"]["peak_memory_mb"] > 10
    assert record["packages"]["numpy"] and len(record["code"]["sha256"]) == 64
    assert [path.name for path in written.parent.glob(".*.provenance.json")] == [record_path(written).name]


def test_a_file_that_was_changed_is_another(written):
    record = read_record(written)
    content = written.read_bytes()
    written.write_bytes(content[:-2] + b"x\n")
    assert not is_same(written, record["file"])
    written.write_bytes(content)
    assert is_same(written, record["file"])
    written.unlink()
    assert not is_same(written, record["file"])


def test_inputs_are_the_files_named_and_not_the_outputs(tmp_path):
    given = [write_csv(tmp_path / name, []) for name in ("a.csv", "b.csv")]
    arguments = {"tables": given, "output": tmp_path / "c.csv", "log": given[0], "absent": tmp_path / "none"}
    (tmp_path / "c.csv").write_text("made")
    record = run_record.make_record("workflow_scripts.x", arguments, [tmp_path / "c.csv"], "now", 1.5)
    assert list(record["inputs"]) == ["tables"]
    assert [entry["path"] for entry in record["inputs"]["tables"]] == [str(path) for path in given]


def test_large_files_are_sampled_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(run_record, "LARGEST_WHOLE", 2**20)
    path = tmp_path / "volume.h5"
    content = bytearray(run_record.BLOCKS * run_record.BLOCK * 2)
    path.write_bytes(content)
    first = identity(path)
    assert set(first) == {"bytes", "sampled_sha256"}
    for place in (0, len(content) - 1):
        changed = bytearray(content)
        changed[place] = 1
        path.write_bytes(changed)
        assert identity(path) != first
    path.write_bytes(content[:-1])
    assert identity(path) != first


def test_code_outside_a_repository_has_no_commit(monkeypatch):
    monkeypatch.setattr(run_record, "_git", lambda *words: None)
    state = run_record.code_state()
    assert state["git_commit"] is None and state["uncommitted_changes"] is None and len(state["sha256"]) == 64


def test_a_damaged_record_is_named(written):
    """Any bit; also one that leaves it JSON."""
    place = record_path(written)
    text = place.read_text()
    for damaged in ("{", "", "\0" * 99, text.replace('"seed": 3', '"seed": 1'), text.replace("inputs", "inpuus", 1)):
        place.write_text(damaged)
        with pytest.raises(DamagedFileError, match=r"provenance\.json: damaged"):
            read_record(written)


def test_records_of_an_older_version_are_not_read(written):
    place = record_path(written)
    place.write_text(json.dumps(json.loads(place.read_text()) | {"format_version": 1}))
    assert read_record(written) is None


def test_a_damaged_record_does_not_end_the_table(written, caplog):
    record_path(written).write_text("{")
    output = written.parent / "provenance.csv"
    run_program(provenance_table, results=written.parent, output=output)
    (row,) = read_table(output).to_dict("records")
    assert row["file"] == written.name and row["program"] == provenance_table.UNKNOWN
    assert "damaged" in caplog.text


def test_files_read_below_a_folder_are_inputs(tmp_path):
    (tmp_path / "b.csv").write_text("b")
    further = {"scores": {tmp_path / "b.csv"}}
    record = run_record.make_record(
        "workflow_scripts.x", {"folder": tmp_path}, [tmp_path / "c.csv"], "now", 1.5, further
    )
    assert [one["path"] for one in record["inputs"]["scores"]] == [str(tmp_path / "b.csv")]


def test_versions_are_those_installed():
    import torch

    assert package_versions()["torch"] == torch.__version__


def test_the_table_has_every_file_that_has_a_record(written):
    (written.parent / ".gone.csv.provenance.json").write_text(record_path(written).read_text())
    output = written.parent / "provenance.csv"
    run_program(provenance_table, results=written.parent, output=output)
    table = read_table(output)
    assert list(table.columns) == list(provenance_table.COLUMNS)
    (row,) = table.to_dict("records")
    record = read_record(written)
    assert row["file"] == written.name and row["sha256"] == record["file"]["sha256"]
    assert row["program"] == "workflow_scripts.simulate_annotations" and row["seed"] == 3
    assert row["seconds"] == record["job"]["seconds"] and f"numpy=={record['packages']['numpy']}" in row["packages"]
