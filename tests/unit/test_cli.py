"""The command `advmri`: what it writes, refuses, and hands on."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml
from support import ROOT, write_small_volume

from advmri import cli
from advmri.config.defaults import with_defaults
from advmri.config.validate import validate_config
from advmri.errors import InputError
from advmri.provenance.run_record import read_record
from advmri.volumes.annotations import read_annotations


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(monkeypatch, *words):
    """Call `advmri WORDS` in this process."""
    monkeypatch.setattr(sys, "argv", ["advmri", *map(str, words)])
    cli.main()


@pytest.fixture
def become(monkeypatch):
    """The command lines that `advmri run` has become."""
    lines = []
    monkeypatch.setattr(os, "execv", lambda program, words: lines.append(words))
    return lines


def refused(monkeypatch, capsys, *words):
    """The one line that a refused command prints."""
    with pytest.raises(SystemExit) as end:
        command(monkeypatch, *words)
    assert end.value.code == 1
    text = capsys.readouterr().err
    assert text.startswith("error: ") and text.count("\n") == 1
    return text


def test_init_writes_a_valid_config_and_an_empty_table(here, monkeypatch, capsys):
    command(monkeypatch, "init")
    config = validate_config(with_defaults(yaml.safe_load((here / "config.yaml").read_text())))
    assert config.dataset.annotations == "boxes.csv" and config.dataset.kind == "fastmri"
    assert list(read_annotations(here / "boxes.csv")) == []
    assert str(here / "config.yaml") in capsys.readouterr().out


def started(path):
    """The config that `advmri init` wrote, checked."""
    return validate_config(with_defaults(yaml.safe_load(path.read_text())))


@pytest.mark.parametrize(
    ("installed", "start"),
    [
        ("0.1", "advmri run --configfile mine.yaml"),
        (None, f"snakemake --snakefile {ROOT}/Snakefile --configfile mine.yaml"),
    ],
)
def test_init_writes_one_config_with_all_that_a_run_needs(here, monkeypatch, capsys, installed, start):
    """So that its report, reruns and other commands need nothing else."""
    monkeypatch.setattr(cli, "_installed", lambda: installed)
    words = ("--root", r"/data/two knees\1: #1", "--annotations", "/data/boxes.csv")
    command(monkeypatch, "init", "--output", "mine.yaml", *words)
    config = started(here / "mine.yaml")
    assert (config.name, config.dataset.name) == ("mine", "mine")
    assert (config.dataset.root, config.dataset.annotations) == (r"/data/two knees\1: #1", "/data/boxes.csv")
    assert [path.name for path in here.iterdir()] == ["mine.yaml"]
    text = capsys.readouterr().out
    assert f"`{start} -n` shows the jobs" in text and "say here" not in text
    command(monkeypatch, "init", "--output", "other.yaml", "--name", "7", "--annotations", "fastmri+brain")
    assert started(here / "other.yaml").name == "7"
    assert (
        started(here / "other.yaml").attacks == config.attacks and started(here / "other.yaml").models == config.models
    )


def test_init_takes_checkpoints_in_place_of_training(here, monkeypatch):
    command(monkeypatch, "init", "--checkpoint", "unet=weights/unet-{acceleration}x.pt")
    config = started(here / "config.yaml")
    assert list(config.models) == ["unet"] and config.models["unet"].training is None
    assert config.models["unet"].checkpoint == "weights/unet-{acceleration}x.pt" and not config.models["unet"].arguments
    assert config.attacks and "trained_on" in (here / "config.yaml").read_text()


def test_init_refuses_what_is_no_checkpoint(here, monkeypatch, capsys):
    text = refused(monkeypatch, capsys, "init", "--checkpoint", "mine=w.pt")
    assert "of unet and varnet the default run knows the networks" in text and "`factory`" in text
    with pytest.raises(SystemExit) as end:
        command(monkeypatch, "init", "--checkpoint", "w.pt")
    assert end.value.code == 2 and "takes MODEL=FILE" in capsys.readouterr().err and not list(here.iterdir())


@pytest.mark.parametrize("words", [("--output", "my study.yaml"), ("--name", "../x")])
def test_init_refuses_a_name_that_no_run_can_have(here, monkeypatch, capsys, words):
    text = refused(monkeypatch, capsys, "init", *words)
    assert "letters, digits, dots, dashes and underscores" in text and not list(here.iterdir())
    command(monkeypatch, "init", "--output", "my study.yaml", "--name", "my-study")
    assert started(here / "my study.yaml").name == "my-study"


@pytest.mark.parametrize("name", ["config.yaml", "boxes.csv"])
def test_init_overwrites_nothing(here, monkeypatch, capsys, name):
    (here / name).write_text("mine")
    assert f"{name} is there already" in refused(monkeypatch, capsys, "init")
    assert [path.name for path in here.iterdir()] == [name] and (here / name).read_text() == "mine"


def test_run_becomes_snakemake_with_the_packages_workflow(here, monkeypatch, become):
    (here / "config.yaml").write_text("name: a\n")
    command(monkeypatch, "run", "-n", "--config", "seed=3")
    snakefile = str(ROOT / "Snakefile")
    assert become == [[sys.executable, "-P", "-m", "snakemake", "--snakefile", snakefile, "-n", "--config", "seed=3"]]
    (here / "config.yaml").rename(here / "other.yaml")
    command(monkeypatch, "run", "--configfile", "other.yaml", "-n")
    assert become[1][-3:] == ["--configfile", "other.yaml", "-n"]
    (here / "inside").mkdir()
    (here / "inside" / "config.yaml").write_text("name: a\n")
    command(monkeypatch, "run", "-d", "inside")
    assert become[2][-2:] == ["-d", "inside"]


def test_run_without_a_config_says_how_to_get_one(here, monkeypatch, capsys, become):
    text = refused(monkeypatch, capsys, "run", "-n")
    assert f"no config.yaml in {here}" in text and "`advmri init`" in text
    assert "nothing.yaml: there is no such file" in refused(monkeypatch, capsys, "run", "--configfile", "nothing.yaml")
    assert f"{here}: a folder, not a file" in refused(monkeypatch, capsys, "run", "--configfile", here)
    assert become == []


def test_a_folder_that_cannot_be_written_is_named(here, monkeypatch, capsys, become):
    (here / "config.yaml").write_text("name: a\n")

    def full(dir):
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr(cli.tempfile, "TemporaryFile", full)
    assert f"{here}: nothing can be written here (Permission denied)" in refused(monkeypatch, capsys, "run")
    (here / "config.yaml").unlink()
    assert "nothing can be written here" in refused(monkeypatch, capsys, "init")
    assert become == [] and list(here.iterdir()) == []


def test_a_home_that_cannot_be_written_is_no_hindrance(here, monkeypatch, capsys, become):
    """Snakemake makes its own cache there, and ends in a traceback where it cannot."""
    (here / "config.yaml").write_text("name: a\n")
    (here / "home").touch()
    monkeypatch.setenv("HOME", str(here / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("MPLCONFIGDIR", "")
    monkeypatch.setattr(tempfile, "tempdir", str(here))
    command(monkeypatch, "run", "-n")
    (folder,) = here.glob("advmri-cache-*")
    line = f"note: {here}/home/.cache: nothing can be written here (Not a directory); caches go to {folder}.\n"
    assert capsys.readouterr().err == line and os.environ["XDG_CACHE_HOME"] == str(folder) and len(become) == 1
    assert os.environ["MPLCONFIGDIR"] == str(folder / "matplotlib")
    command(monkeypatch, "run", "-n")
    assert capsys.readouterr().err == "" and len(become) == 2
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    folder.chmod(0o777)
    assert "set XDG_CACHE_HOME to a folder of your own" in refused(monkeypatch, capsys, "run", "-n")
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "own"))
    command(monkeypatch, "run", "-n")
    assert capsys.readouterr().err == "" and len(become) == 3


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc, where not even root may write")
def test_a_folder_of_the_system_cannot_be_written():
    with pytest.raises(InputError, match="/proc: nothing can be written here"):
        cli.check_writable(Path("/proc"))


def test_another_copy_in_this_folder_is_refused(here, monkeypatch, capsys, become):
    (here / "advmri").mkdir()
    (here / "advmri" / "__init__.py").touch()
    (here / "config.yaml").write_text("name: a\n")
    assert "holds another copy of AdvMRI" in refused(monkeypatch, capsys, "run") and become == []


@pytest.mark.parametrize("words", [("verify",), ("trace",), *(("import", kind) for kind in cli.IMPORTS)])
def test_programs_explain_themselves_under_the_commands_name(monkeypatch, capsys, words):
    with pytest.raises(SystemExit) as end:
        command(monkeypatch, *words, "--help")
    text = capsys.readouterr().out
    assert end.value.code == 0 and text.startswith(f"usage: advmri {' '.join(words)} ") and "--log" in text


@pytest.mark.parametrize("words", [(), ("nonsense",), ("import",), ("import", "nonsense")])
def test_unknown_commands_list_the_known_ones(monkeypatch, capsys, words):
    with pytest.raises(SystemExit) as end:
        command(monkeypatch, *words)
    assert end.value.code == 2 and "usage: advmri" in capsys.readouterr().err


def test_every_command_is_in_the_help(monkeypatch, capsys):
    for words, names in (((), cli.COMMANDS), (("import",), cli.IMPORTS)):
        with pytest.raises(SystemExit):
            command(monkeypatch, *words, "--help")
        assert set(names) <= set(capsys.readouterr().out.split())
    command(monkeypatch, "run", "--help")
    assert "--configfile" in capsys.readouterr().out


def test_the_version_says_where_the_workflow_lies(monkeypatch, capsys):
    folder = Path("/home/someone/environments/of-this-study/lib/python3.11/site-packages/advmri/workflow")
    monkeypatch.setattr(cli, "WORKFLOW", folder)
    with pytest.raises(SystemExit):
        command(monkeypatch, "--version")
    assert capsys.readouterr().out.endswith(f"workflow in {folder}\n")


def test_import_makes_a_volume_whose_record_names_the_program(tmp_path):
    import numpy as np

    kspace = np.random.default_rng(0).standard_normal((2, 3, 16, 12)) + 1j
    np.save(tmp_path / "scan.npy", kspace)
    command = [sys.executable, "-m", "advmri.cli", "import", "kspace", "--array", "scan.npy", "--output", "scan.h5"]
    subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    assert read_record(tmp_path / "scan.h5")["program"] == "workflow_scripts.import_kspace"


def test_nothing_advises_to_delete_what_was_never_a_file_of_a_run(here, monkeypatch, caplog):
    (here / "notes.txt").write_text("mine\n")
    for name, kind in (("notes.txt", "a text file"), (".", "a folder")):
        with pytest.raises(SystemExit):
            command(monkeypatch, "verify", name)
        assert f"error: {name}: {kind}, not an HDF5 file of a run." in caplog.text and "rm " not in caplog.text


def test_verify_takes_the_file_and_names_what_is_wrong(tmp_path):
    write_small_volume(tmp_path / "volume.h5")
    command = [sys.executable, "-m", "advmri.cli", "verify", "volume.h5"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.startswith("error: volume.h5: ")


def test_defaults_lie_beneath_at_every_level():
    base = yaml.safe_load((ROOT / "config.yaml").read_text())
    given = {"name": "mine", "mask": {"center_fractions": {4: 0.1}}, "models": {"varnet": None}}
    merged = with_defaults(given)
    assert merged["mask"] == {"type": "random", "center_fractions": {4: 0.1, 8: 0.04}}
    assert merged["models"] == {"unet": base["models"]["unet"], "varnet": None} and merged["name"] == "mine"
    assert json.dumps(with_defaults(base)) == json.dumps(base) and given["mask"] == {"center_fractions": {4: 0.1}}
    with pytest.raises(InputError, match="there is no config"):
        with_defaults({})


@pytest.mark.parametrize(
    ("text", "named"), [("", "holds no `key: value`"), ("just words", "holds no `key: value`"), ("a: [1", "not YAML")]
)
def test_a_config_that_is_none_is_named(here, monkeypatch, capsys, text, named):
    (here / "config.yaml").write_text(text)
    line = refused(monkeypatch, capsys, "run", "-n")
    assert str(here / "config.yaml") in line and named in line


@pytest.mark.parametrize("name", ["advmri.py", "workflow_scripts.py"])
def test_a_file_that_jobs_would_import_instead_is_named(here, monkeypatch, capsys, name):
    command(monkeypatch, "init")
    (here / name).write_text("")
    assert f"{name} has the name of a package that jobs import: rename it" in refused(monkeypatch, capsys, "run", "-n")


@pytest.mark.parametrize("words", ["advmri run --help", "advmri import kspace --help", "workflow_scripts.trace --help"])
def test_a_pipe_that_closes_is_no_error(words):
    module, *rest = words.replace("advmri ", "advmri.cli ").split()
    program = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-m', {module!r}, *{rest!r}]))"
    done = subprocess.run(
        f"set -o pipefail; {sys.executable} -c {json.dumps(program)} | true",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.stderr == "" and done.returncode == 0


@pytest.mark.parametrize("words", [["FILE"], ["--device", "cpu", "FILE"], ["--verify", "FILE"]])
def test_verify_takes_its_file_wherever_it_stands(here, monkeypatch, caplog, words):
    with pytest.raises(SystemExit):
        command(monkeypatch, "verify", *words)
    assert "FILE: there is no such file" in caplog.text
