"""From an attack file to rows of metrics.csv."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from support import silence

from advmri.image_quality.metrics import score
from advmri.scores.scoring import columns, score_attack_file
from advmri.storage.attack_file import AttackFile, SliceResult, TargetResult, slice_group, write_attributes, write_slice
from advmri.volumes.annotations import Box
from advmri.volumes.index import SliceIndex, VolumeIndex

SHAPE = (24, 20)
SEVERITIES = [0.0, 0.01]
BOXES = {2: [Box(0, "tear", 2, 12, 3, 9), Box(1, "oedema", 10, 14, 8, 20)], 5: [Box(0, "tear", 4, 9, 4, 9)]}
WHOLE = {"image": (slice(None), slice(None))}


def place(box):
    return slice(box.row0, box.row1), slice(box.column0, box.column1)


@pytest.fixture
def index():
    return VolumeIndex(
        volume="v",
        patient="p",
        acquisition="CORPD_FBK",
        slices=9,
        coils=2,
        rows=48,
        columns=32,
        crop=SHAPE,
        padding=(0, 32),
        maximum=1.1,
        data_sha256="0",
        data_bytes=0,
        annotated={number: SliceIndex(boxes, [0, 1], silence(2), "0") for number, boxes in BOXES.items()},
        excluded=[],
    )


def targets(rng, names, rotation, trace):
    images = {name: rng.random((2, len(SEVERITIES), *SHAPE)).astype(np.float32) for name in names}
    extra = (
        {"angle": np.array([0, -3.0], np.float32), "shift": np.array([[0, 0], [1.5, -2]], np.float32)}
        if rotation
        else {}
    )
    if not rotation:
        extra = {"relative_norm": np.array([[0, 0], [0.01, 0.008]], np.float32)}
    if trace is not None:
        extra["objective"] = np.array(trace, np.float32)
    return [
        TargetResult(
            name,
            "label",
            (0, SHAPE[0]),
            (0, SHAPE[1]),
            {
                "severity": np.array(SEVERITIES, np.float32),
                "reconstruction": images[name][0],
                "perturbed_target": images[name][1],
                **extra,
            },
        )
        for name in names
    ]


def attack_file(rng, target, rotation=False, optimiser="pgd", trace=None):
    file = h5py.File("in memory", "w", driver="core", backing_store=False)
    family = (
        {"threat_model": "rotation", "optimiser": "grid"}
        if rotation
        else {"threat_model": "noise", "optimiser": optimiser}
    )
    settings = family | {"target": target}
    facts = {
        "volume": "v",
        "model": "unet",
        "acceleration": 4,
        "trained_on": "train+val",
        "attack_name": "a",
        "data_range": 1.1,
    }
    for number, boxes in BOXES.items():
        names = ["image"] if target == "image" else [f"box_{box.number}" for box in boxes]
        write_slice(
            file,
            SliceResult(
                number,
                rng.random(SHAPE).astype(np.float32),
                rng.random(SHAPE).astype(np.float32),
                np.arange(2),
                np.array([0.001, np.nan]),
                targets(rng, names, rotation, trace),
            ),
        )
    write_attributes(file, {**facts, "attack": settings})
    return AttackFile(file, Path("in memory"))


def test_rows_of_an_attack_on_boxes(rng, index):
    attack = attack_file(rng, "box")
    rows = score_attack_file(attack, index)
    assert len(rows) == 3 * len(SEVERITIES) * 2  # boxes, severities, regions
    assert all(set(row) == set(columns()) for row in rows)
    keys = {(row["slice"], row["box"], row["severity"], row["region"]) for row in rows}
    boxes = [(number, box.number) for number, found in BOXES.items() for box in found]
    assert keys == {(*box, eta, region) for box in boxes for eta in SEVERITIES for region in ("box", "image")}
    assert {(row["slice"], row["box"]): row["label"] for row in rows}[2, 1] == "oedema"


def test_scores_are_those_of_the_stored_images(rng, index):
    attack = attack_file(rng, "box")
    rows = score_attack_file(attack, index)
    group = attack.group(2)
    target = group["target"][()]
    places = {"box": place(BOXES[2][1]), **WHOLE}
    for position, eta in enumerate(SEVERITIES):
        reconstruction = group["box_1"]["reconstruction"][position]
        expected = score(target, reconstruction, 1.1, places)
        clean = score(target, group["clean"][()], 1.1, places)
        full = score(target, group["box_1"]["perturbed_target"][position], 1.1, places)
        for row in rows:
            if (row["slice"], row["box"], row["severity"]) == (2, 1, eta):
                for name in ("ssim", "psnr", "nmse"):
                    assert row[name] == expected[row["region"]][name]
                    assert row[f"clean_{name}"] == clean[row["region"]][name]
                    assert row[f"fully_sampled_{name}"] == full[row["region"]][name]


def test_an_attack_on_the_image_is_scored_in_every_box(rng, index):
    attack = attack_file(rng, "image")
    rows = score_attack_file(attack, index)
    keys = [(row["slice"], row["region"], row["box"], row["severity"]) for row in rows]
    assert len(keys) == len(set(keys)) == (3 + 2) * len(SEVERITIES)
    assert {row["label"] for row in rows if row["region"] == "box"} == {"tear", "oedema"}
    whole = [row for row in rows if row["region"] == "image"]
    assert {(row["box"], row["label"]) for row in whole} == {(None, "")}
    image = attack.group(2)["image"]["reconstruction"][1]
    expected = score(attack.group(2)["target"][()], image, 1.1, {"box": place(BOXES[2][0])})["box"]["ssim"]
    assert [row["ssim"] for row in rows if (row["slice"], row["box"], row["severity"]) == (2, 0, 0.01)] == [expected]


def test_norms_and_angles(rng, index):
    noise = [row for row in score_attack_file(attack_file(rng, "box"), index) if row["severity"] == 0.01]
    assert {round(row["relative_norm"], 6) for row in noise} == {0.009}
    assert {round(row["thermal_multiple"], 3) for row in noise} == {9.0}  # the dead coil is left out
    assert all(np.isnan(row["angle"]) for row in noise)
    rotation = score_attack_file(attack_file(rng, "box", rotation=True), index)
    moves = {(row["severity"], row["angle"], row["shift_rows"], row["shift_columns"]) for row in rotation}
    assert moves == {(0.0, 0.0, 0.0, 0.0), (0.01, -3.0, 1.5, -2.0)}
    assert all(np.isnan(row["relative_norm"]) and np.isnan(row["thermal_multiple"]) for row in rotation)


@pytest.mark.parametrize(
    ("optimiser", "trace", "share"),
    [
        ("pgd", [[1, 1, 1], [1, 1.6, 1.8]], 0.25),
        ("apgd", [[1, 1, 1], [1, 1.6, 1.5]], 0.0),
        ("pgd", None, np.nan),  # a file of before, without a trace
        ("gaussian", [[1, 1, 1], [1, 1.6, 1.8]], np.nan),  # a draw follows no other
    ],
)
def test_the_last_steps_gain_is_that_of_the_stored_trace(rng, index, optimiser, trace, share):
    rows = score_attack_file(attack_file(rng, "box", optimiser=optimiser, trace=trace), index)
    np.testing.assert_allclose([row["last_step_gain"] for row in rows if row["severity"]], share, rtol=1e-6)
    assert all(np.isnan(row["last_step_gain"]) for row in rows if not row["severity"])


def test_a_grid_of_angles_has_no_last_step(rng, index):
    rows = score_attack_file(attack_file(rng, "box", rotation=True), index)
    assert all(np.isnan(row["last_step_gain"]) for row in rows)


def test_attack_files_hold_what_was_written(rng):
    attack = attack_file(rng, "box")
    assert attack.slices() == [2, 5] and slice_group(5) == "slice_005"
    assert attack.target_names(2) == ["box_0", "box_1"]
    assert attack.attributes["attack"]["optimiser"] == "pgd"
    stored = attack.group(2)["box_0"]["reconstruction"]
    assert stored.chunks == (1, *SHAPE) and stored.compression
    assert tuple(attack.group(2)["box_0"].attrs["rows"]) == (0, SHAPE[0])
