"""What a training's data were, as noted in a checkpoint, and what counts as other data."""

from dataclasses import replace
from pathlib import Path

import pytest

from advmri.volumes.likeness import TrainingData, trained_with
from advmri.volumes.reading import Volume

KNEE = Volume(Path("knee.h5"), 10, 4, 288, 160, (144, 144), (0, 160), "CORPD_FBK", "p", 1.0)
KNEES = [KNEE, replace(KNEE, coils=8, columns=172, acquisition="CORPDFS_FBK")]


def test_the_record_comes_back():
    data = TrainingData.of(KNEES)
    assert TrainingData.from_record(data.record()) == data
    assert str(data) == "4-8 coils, matrix 288 x 160-172, images 144 x 144, CORPDFS_FBK or CORPD_FBK"


@pytest.mark.parametrize(
    ("changes", "differences"),
    [
        ({}, {}),
        ({"coils": 6, "columns": 166}, {}),  # between those of the training
        ({"columns": 189, "rows": 260}, {}),  # within a tenth
        ({"coils": 15}, {"coils": "15"}),
        ({"coils": 2}, {"coils": "2"}),
        ({"columns": 368, "rows": 640}, {"matrix": "640 x 368"}),
        ({"columns": 100}, {"matrix": "288 x 100"}),
        ({"crop": (320, 320)}, {"image size": "320 x 320"}),
        ({"acquisition": "AXT2"}, {"acquisition": "AXT2"}),
        ({"acquisition": "unknown"}, {}),
    ],
)
def test_what_counts_as_other_data(changes, differences):
    assert TrainingData.of(KNEES).unlike(replace(KNEE, **changes)) == differences


def test_a_training_whose_contrast_is_not_known_is_of_no_other():
    unnamed = TrainingData.of([replace(KNEE, acquisition="unknown")])
    assert unnamed.unlike(replace(KNEE, acquisition="AXT2")) == {}


@pytest.mark.parametrize("record", [None, {}, {"coils": 4}, "text", {"acquisitions": ["a"], "coils": [1]}])
def test_what_is_no_record_is_not_known(record):
    assert trained_with({"data": record}, "train") is None and trained_with({}, "train") is None


def test_what_was_not_trained_has_no_data():
    assert trained_with({"data": TrainingData.of(KNEES).record()}, "nothing") is None
