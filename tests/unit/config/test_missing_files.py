"""Files that are gone from a begun run are asked for, and those that will be made anyway are not."""

import pytest
import yaml
from support import ROOT

import advmri.storage.layout as layout
from advmri.config.missing_files import MissingFiles
from advmri.config.planning import Plan
from advmri.config.validate import validate_config

RESULTS = "results/x"


@pytest.fixture(scope="module")
def plan():
    return Plan(validate_config(yaml.safe_load((ROOT / "config.yaml").read_text())))


@pytest.fixture(scope="module")
def every_file(plan):
    """Those of a finished run that are looked for, and the tables."""
    config = plan.config
    files = {*plan.attack_jobs(f"{RESULTS}/{layout.ATTACK_FILE}"), *plan.attack_jobs(f"{RESULTS}/{layout.SCORE_FILE}")}
    for volume in plan.audited_volumes:
        files |= {f"{RESULTS}/{layout.INDEX}".format(volume=volume), str(plan.volume_path("val", volume))}
        files |= {f"{RESULTS}/{layout.MASK}".format(volume=volume, acceleration=one) for one in config.accelerations}
    files |= {str(plan.volume_path("train", volume)) for volume in plan.training_volumes}
    return files | {str(plan.annotations), f"{RESULTS}/{layout.METRICS}", f"{RESULTS}/{layout.MODELS}/unet-4x/model.pt"}


def looked_for(plan, files):
    """What is asked, and the notes, where there are these files and their folders."""
    there = set(files) | {path.rsplit("/", count)[0] for path in files for count in range(1, path.count("/") + 1)}
    missing = MissingFiles(plan, RESULTS, there.__contains__)
    return missing.asked(), missing.notes()


def test_nothing_is_asked_of_a_finished_run_or_before_one(plan, every_file):
    assert looked_for(plan, every_file) == ([], [])
    assert looked_for(plan, {path for path in every_file if path.startswith("data/")}) == ([], [])


def test_each_file_that_is_gone_is_asked_for(plan, every_file):
    kinds = {}
    for path in sorted(every_file):
        kinds.setdefault(tuple(path.split("/")[:3]), path)
    asked = {path: looked_for(plan, every_file - {path})[0] for path in kinds.values()}
    # The tables and the checkpoint are asked for by the rule itself.
    assert {path for path, found in asked.items() if found != [path]} == {
        path for path in kinds.values() if path.startswith((f"{RESULTS}/tables", f"{RESULTS}/models"))
    }
    assert len(kinds) > 6


def test_attacks_are_not_asked_for_where_their_scores_are_made_anew(plan, every_file):
    (first, *_) = plan.attack_jobs(f"{RESULTS}/{layout.ATTACK_FILE}")
    score = first.replace("/attacks/", "/metrics/").replace(".h5", ".csv")
    assert looked_for(plan, every_file - {first, score})[0] == [score]
    assert looked_for(plan, every_file - {first, score, f"{RESULTS}/{layout.METRICS}"})[0] == []


@pytest.mark.parametrize("of_scores_too", ["rotation/", "rotation/unet-4x/"], ids=["an attack more", "a model more"])
def test_what_was_never_attacked_is_not_called_gone(plan, every_file, of_scores_too):
    """Nor what a run that was interrupted has not come to."""
    made = {path for path in every_file if f"/attacks/{of_scores_too}" not in path}
    made = {path for path in made if f"/metrics/{of_scores_too}" not in path}
    assert looked_for(plan, made)[1] == []
    assert looked_for(plan, {path for path in made if "/metrics/" not in path or "noise-box/unet-4x" in path})[1] == []


def test_folders_that_are_gone_are_named_and_asked_for_once_they_are_there(plan, every_file):
    attacks = {path for path in every_file if path.startswith(f"{RESULTS}/attacks/")}
    asked, (note,) = looked_for(plan, every_file - attacks)
    assert asked == [] and f"`mkdir -p {RESULTS}/attacks`" in note
    asked, notes = looked_for(plan, (every_file - attacks) | {f"{RESULTS}/attacks"})
    assert set(asked) == attacks and notes == []
    series = {path for path in attacks if path.startswith(f"{RESULTS}/attacks/rotation/unet-4x/")}
    asked, (note,) = looked_for(plan, every_file - series)
    assert asked == [] and f"`mkdir -p {RESULTS}/attacks/rotation/unet-4x`" in note
    assert set(looked_for(plan, (every_file - series) | {f"{RESULTS}/attacks/rotation/unet-4x"})[0]) == series
    data = {path for path in every_file if path.startswith("data/")}
    asked, notes = looked_for(plan, every_file - data)
    assert asked == [] and len(notes) == 2 and "multicoil_train" in notes[1]
