"""A process that outlives its node leaves the job to the one that was started in its place."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from support import attack_run, command_line, make_run, run_program, training_options, write_small_volume

from workflow_scripts import attack, program, train
from workflow_scripts.partial_folder import OWNER, claim_partial_folder
from workflow_scripts.program import TakenOverError

SETTINGS = {"threat_model": "noise", "optimiser": "pgd", "target": "box", "severities": [0, 0.02], "steps": 1}


def test_the_later_claim_holds(tmp_path):
    first = claim_partial_folder(tmp_path / "a.h5", {"seed": 1})
    first.check()
    second = claim_partial_folder(tmp_path / "a.h5", {"seed": 1})
    assert first.folder == second.folder
    for end in (first.check, first.finish):
        with pytest.raises(TakenOverError):
            end()
    second.check()
    second.finish()
    assert not second.folder.exists()
    with pytest.raises(TakenOverError):
        second.check()


def test_a_claim_with_other_facts_is_another_folder(tmp_path):
    first = claim_partial_folder(tmp_path / "a.h5", {"seed": 1})
    claim_partial_folder(tmp_path / "a.h5", {"seed": 2})
    with pytest.raises(TakenOverError):
        first.check()


def test_an_attack_that_lost_its_job_writes_nothing_more(tmp_path, monkeypatch):
    """The job is claimed by another while the second of three slices is attacked."""
    paths, output = make_run(tmp_path, "unet"), tmp_path / "out" / "a.h5"
    attacked, original = [], attack.attack_slices

    def slow(inputs, numbers, *more):
        attacked.append(numbers)
        if len(attacked) == 2:
            (folder,) = output.parent.glob(".a.h5.*.partial")
            (folder / OWNER).write_text("another")
        return original(inputs, numbers, *more)

    monkeypatch.setattr(attack, "attack_slices", slow)
    with pytest.raises(TakenOverError):
        attack_run(paths, output, SETTINGS)
    names = sorted(path.name for path in output.parent.glob(".a.h5.*.partial/*"))
    assert names == [OWNER, "slice_000.h5"] and not output.exists() and attacked == [[0], [1]]


def test_a_training_that_lost_its_job_writes_no_checkpoint(tmp_path, monkeypatch):
    write_small_volume(tmp_path / "t1.h5")
    settings = {"steps": 2, "loss": "l1_normalised", "optimiser": "Adam", "learning_rate": 0.001}

    def fit(*given):
        (partial,) = (one for one in given if isinstance(one, Path))
        (partial / OWNER).write_text("another")
        return pd.DataFrame({"step": [2], "train_loss": [0.1]})

    monkeypatch.setattr("advmri.training.fit.fit", fit)
    with pytest.raises(TakenOverError):
        run_program(train, **training_options(tmp_path, [tmp_path / "t1.h5"], "unet", settings))
    assert not {"model.pt", "history.csv"} & {path.name for path in tmp_path.iterdir()}


def test_such_a_program_ends_well(monkeypatch, caplog):
    """With another status Snakemake would delete the output, which is the other process's."""

    def main(arguments):
        raise TakenOverError

    monkeypatch.setattr(sys, "argv", ["attack.py", *command_line({})])
    program.run(main, program.parser("A program."))
    assert "started again elsewhere, and is left to that process" in caplog.text
