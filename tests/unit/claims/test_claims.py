"""The paper's claims: known answers give the right verdict; intervals are over patients; gaps are told, not filled."""

import json
import math

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import run_program

from advmri.claims.all_claims import claim_lines, claims_table, count_verdicts
from advmri.claims.box import BOX
from advmri.claims.inputs import ClaimInputs, box_slopes
from advmri.claims.settings import ClaimsSettings
from advmri.claims.sweeps import COLUMNS, isolation, read_sweeps
from advmri.claims.verdict import Estimate, all_of, few_patients, verdict
from advmri.scores.cautions import Caution
from advmri.scores.summary import add_drops
from advmri.storage.attack_file import SliceResult, TargetResult, write_attributes, write_slice
from advmri.storage.tables import read_table
from workflow_scripts import claims as program
from workflow_scripts import sweeps as sweeps_program

ROLES = {"region_attack": "box", "image_attack": "image", "rotation_attack": "turned"}
ETAS, ANGLES = (0.0, 0.01, 0.02), (0.0, 5.0)
# SSIM lost per unit of severity: by model, and per attack relative to the attack on the box.
SLOPES = {"unet": 10.0, "varnet": 11.0}
CLEAN = {"unet": 0.7, "varnet": 0.8}
SHARE = {"box": 1.0, "image": 0.1, "turned": 0.0004}


def scores(patients=8, slopes=SLOPES, clean=CLEAN, share=SHARE, full=0.1, spread=0.02, trained_on="train", seed=0):
    """Rows of metrics.csv with two boxes per patient; SSIM is linear in the severity, patients scatter by `spread`."""
    rng = np.random.default_rng(seed)
    rows = []
    for patient in range(patients):
        for box in range(2):
            ability, harm = rng.normal(0, spread), 1 + rng.normal(0, spread)
            for model in slopes:
                for acceleration in (4, 8):
                    for attack, severities in (("box", ETAS), ("image", ETAS), ("turned", ANGLES)):
                        start = clean[model] + ability - 0.02 * acceleration
                        for severity in severities:
                            lost = slopes[model] * share[attack] * severity * harm * acceleration / 4
                            rows.append(
                                {"volume": f"v{patient}", "patient": f"p{patient}", "slice": 3, "box": box}
                                | {"model": model, "acceleration": acceleration, "trained_on": trained_on}
                                | {"attack": attack, "severity": severity, "region": "box"}
                                | {"ssim": start - lost, "clean_ssim": start, "fully_sampled_ssim": 1 - full * lost}
                                | dict.fromkeys(("psnr", "clean_psnr", "nmse", "clean_nmse"), 1.0)
                            )
    return pd.DataFrame(rows)


def sweeps_of(metrics, regained=0.01, whole=0.1):
    boxes = metrics[["volume", "patient", "slice", "box", "model", "acceleration"]].drop_duplicates()
    return boxes.assign(regained=regained, range=whole, step=0.5, theta_max=5.0)[COLUMNS]


def judge(metrics, sweeps=None, roles=ROLES, pairs=(("varnet", "unet"),), cautions=(), **settings):
    inputs = ClaimInputs(
        scores=add_drops(metrics),
        sweeps=sweeps_of(metrics) if sweeps is None else sweeps,
        roles=roles,
        pairs=list(pairs),
        settings=ClaimsSettings(**settings),
        confidence=0.95,
        resamples=100,
        seed=1,
        cautions=cautions,
    )
    return claims_table(inputs)


@pytest.fixture(scope="module")
def table():
    return judge(scores())


def of(table, claim, **columns):
    rows = table[table.claim == claim]
    for name, value in columns.items():
        rows = rows[rows[name] == value]
    return rows


def test_every_comparison_has_a_row(table):
    counts = table.claim.value_counts().to_dict()
    assert counts == {"a": 2 * (3 + 1 + 2 + 1), "b": 4, "c": 2 * 2 * 2, "d": 4, "e": 4, "f": 2 * 2 * 2, "g": 4}
    assert (table.n_patients == 8).all() and (table.n_volumes == 8).all() and (table.n_boxes == 16).all()
    assert set(table.verdict) <= {"holds", "does not hold", "undecided"}
    known = table[np.isfinite(table.estimate)]
    assert (known.ci_low <= known.estimate).all() and (known.estimate <= known.ci_high).all()


def test_the_estimates_are_the_known_answers(table):
    """The scatter between patients cancels in differences of the same boxes, up to the harm's own."""
    clean = of(table, "a", attack="box", severity=0.0)
    assert clean.estimate.tolist() == pytest.approx([0.1, 0.1]) and set(clean.verdict) == {"holds"}
    slopes = of(table, "b", attack="box")
    assert slopes.estimate.tolist() == pytest.approx([1.1, 1.1]) and set(slopes.verdict) == {"holds"}
    assert slopes["second"].tolist() == pytest.approx([-0.1, -0.2], rel=0.05)
    region = of(table, "c")
    assert region.estimate.to_numpy() == pytest.approx(10) and set(region.verdict) == {"holds"}
    milder = of(table, "d", models="unet", acceleration=4)
    assert milder.estimate.item() == pytest.approx(10 * (0.02 - 0.002), rel=0.05) and milder.verdict.item() == "holds"
    assert of(table, "e").estimate.to_numpy() == pytest.approx(0.1)
    assert of(table, "g", models="varnet", acceleration=8).estimate.item() == pytest.approx(0.1 * 0.44, rel=0.05)


def test_slopes_are_least_squares(rng):
    values = pd.DataFrame({"volume": "v", "patient": "p", "slice": 1, "box": np.repeat([0, 1], 4)})
    values = values.assign(severity=np.tile([0, 0.01, 0.02, 0.025], 2), ssim=rng.random(8))
    slopes = box_slopes(values.set_index(BOX), 100.0)
    for box in (0, 1):
        rows = values[values.box == box]
        assert slopes.loc["v", "p", 1, box] == pytest.approx(np.polyfit(100 * rows.severity, rows.ssim, 1)[0])


def test_both_readings_of_more_at_higher_acceleration(table):
    level = table[table.description.str.startswith("under attack, SSIM is lower")]
    drop = table[table.description.str.startswith("the attack takes more")]
    at = {"models": "unet", "severity": 0.02}
    assert of(level, "f", **at).estimate.item() == pytest.approx(0.08 + 0.2, rel=0.05)
    assert of(drop, "f", **at).estimate.item() == pytest.approx(0.2, rel=0.05)
    assert set(level.verdict) == set(drop.verdict) == {"holds"}


def test_the_opposite_does_not_hold():
    turned = {"box": 1.0, "image": 0.9, "turned": 0.006}
    metrics = scores(slopes={"unet": 10.0, "varnet": 20.0}, clean={"unet": 0.8, "varnet": 0.7}, share=turned, full=1.0)
    table = judge(metrics, sweeps_of(metrics, regained=0.09))
    for claim in "abcdeg":
        assert set(of(table, claim).verdict) == {"does not hold"}, claim


def test_every_severity_holds_only_where_each_does():
    """Ahead when clean, behind under attack: the closing row gives the smallest difference."""
    table = judge(scores(slopes={"unet": 1.0, "varnet": 12.0}), roles={"region_attack": "box"})
    rows = of(table, "a", acceleration=4)
    assert rows.verdict.tolist() == ["holds", "does not hold", "does not hold", "does not hold"]
    closing = rows.iloc[-1]
    assert math.isnan(closing.severity) and closing.estimate == rows.estimate[:-1].min()


def test_what_scatters_stays_open():
    metrics = scores(clean={"unet": 0.75, "varnet": 0.75}, slopes={"unet": 10.0, "varnet": 10.0})
    noise = np.random.default_rng(3).normal(0, 0.1, len(metrics))
    table = judge(metrics.assign(ssim=metrics.ssim + noise))
    rows = of(table, "a", attack="box")
    assert "undecided" in set(rows.verdict)
    assert ((rows.ci_low < 0) & (rows.ci_high > 0) == (rows.verdict == "undecided"))[rows.severity.notna()].all()


def test_intervals_are_over_patients_not_boxes():
    """The same boxes ten times over say no more; as ten times the patients they would."""
    metrics = scores(spread=0.2)
    copies = [metrics.assign(box=metrics.box + 2 * copy) for copy in range(10)]
    few, many = judge(metrics), judge(pd.concat(copies, ignore_index=True))
    pd.testing.assert_series_equal(few.ci_low, many.ci_low, rtol=1e-6)
    strangers = [part.assign(patient=part.patient + f"-{copy}") for copy, part in enumerate(copies)]
    more = judge(pd.concat(strangers, ignore_index=True))
    at = (few.claim == "d").to_numpy()
    width = [(table.ci_high - table.ci_low)[at].mean() for table in (few, more)]
    assert width[1] < 0.5 * width[0]


def test_boxes_that_one_network_lacks_are_left_out_of_its_comparisons():
    metrics = scores()
    gone = (metrics.model == "unet") & (metrics.patient == "p0") & (metrics.box == 1)
    table = judge(metrics[~gone])
    assert set(of(table, "a").n_boxes) == {15} and set(of(table, "d", models="varnet").n_boxes) == {16}
    nan = metrics.assign(ssim=metrics.ssim.where(~gone))
    assert set(of(judge(nan), "a").n_boxes) == {15}


@pytest.mark.parametrize("patients", [1, 2, 3])
def test_few_patients_give_no_verdict(patients):
    table = judge(scores(patients=patients))
    assert set(table.verdict) == {"undecided"}
    assert table.note.str.startswith(f"{patients} patient").all()
    assert table.estimate.notna().any()


def test_five_patients_give_a_verdict_with_a_caution(table):
    five = judge(scores(patients=5))
    assert set(of(five, "d").verdict) == {"holds"}
    assert set(five.note) == {"5 patients: that all point the same way has a chance of 6% by itself"}
    assert set(table.note) == {""}


def test_an_open_verdict_says_why():
    metrics = scores(clean={"unet": 0.75, "varnet": 0.75}, slopes={"unet": 10.0, "varnet": 10.0})
    noise = np.random.default_rng(3).normal(0, 0.1, len(metrics))
    table = judge(metrics.assign(ssim=metrics.ssim + noise))
    open_rows = table[(table.verdict == "undecided") & table.severity.notna()]
    assert len(open_rows) and open_rows.note.str.startswith(("the interval holds", "the denominator")).all()
    assert set(of(open_rows, "a").note) == {"the interval holds 0"}
    assert not table.note[table.verdict == "holds"].str.contains("interval").any()
    closing = of(table, "a", verdict="undecided")
    assert (closing.note != "").all(), "that over all severities too"


def test_cautions_on_networks_stand_beside_what_is_said_of_them():
    poor = Caution("unet", 4, "no better than zero filling", "is no better than zero filling: 0.81 against 0.82")
    table = judge(scores(), cautions=(poor,))
    concerned = table.models.str.contains("unet") & ((table.acceleration == 4) | (table.claim == "f"))
    assert set(table.note[concerned]) == {"unet at 4x is no better than zero filling: 0.81 against 0.82"}
    assert set(table.note[~concerned]) == {""}


def test_lines_give_the_notes_sense():
    """What is printed at the end: each note once, by its number."""
    poor = Caution("unet", 4, "poor", "is poor")
    lines = claim_lines(judge(scores(patients=5), cautions=(poor,)))
    assert lines[-2:] == [
        "[1] 5 patients: that all point the same way has a chance of 6% by itself",
        "[2] unet at 4x is poor",
    ]
    (milder,) = [line for line in lines if line.startswith("(d)")]
    assert milder == "(d) rotation is milder than noise: holds 4 [1, 2]"
    lines = claim_lines(judge(scores(patients=1)))
    assert lines[-1] == "[1] 1 patient: too few for a verdict" and lines[0].endswith("undecided 14 [1]")
    assert not any("[" in line for line in claim_lines(judge(scores())))
    untested = claim_lines(judge(scores(), roles={}, pairs=[]))
    assert "[1] no E2E-VarNet beside a U-Net; name other pairs in claims.pairs" in untested


def test_what_was_not_run_is_not_tested_and_says_why():
    metrics = scores()
    table = judge(metrics, roles={}, pairs=[])
    assert table.claim.tolist() == ["a", "b", "c", "d", "e", "f", "f", "g"]
    assert set(table.verdict) == {"not tested"} and (table.note != "").all()
    partly = judge(metrics[metrics.attack == "box"], sweeps_of(metrics)[:0], roles={"region_attack": "box"})
    untested = partly[partly.verdict == "not tested"].set_index("claim").note.to_dict()
    assert set(untested) == {"c", "d", "e"} and untested["c"] == "no attack in the role figures.image_attack"
    one = judge(metrics[metrics.acceleration == 4])
    assert set(of(one, "f").note) == {"one acceleration alone"}
    apart = metrics[(metrics.attack != "image") | (metrics.severity == 0)]
    assert of(judge(apart), "c").note.item() == "the two attacks have no severity in common"


def test_one_network_or_three():
    one = judge(scores(slopes={"mine": 10.0}, clean={"mine": 0.7}), pairs=[])
    assert set(of(one, "a").verdict) == {"not tested"} and set(of(one, "c").models) == {"mine"}
    names = {"unet": 10.0, "unet-2": 10.0, "varnet": 11.0}
    three = judge(
        scores(slopes=names, clean=dict.fromkeys(names, 0.7)), pairs=[("varnet", "unet"), ("varnet", "unet-2")]
    )
    assert set(of(three, "b").models) == {"varnet vs unet", "varnet vs unet-2"}


def test_a_ratio_to_nothing_stays_open():
    """Where the attack on the image takes nothing, far more than nothing cannot be told by a ratio."""
    metrics = scores()
    zero = metrics.attack == "image"
    wobble = np.random.default_rng(0).normal(0, 0.01, len(metrics))
    table = judge(metrics.assign(ssim=metrics.ssim.where(~zero, metrics.clean_ssim + wobble)))
    rows = of(table, "c")
    assert "undecided" in set(rows.verdict)
    open_rows = rows[rows.estimate.isna()]
    assert len(open_rows) and set(open_rows.note) == {"the denominator is not clearly different from 0"}


def test_leakage_is_in_every_row():
    metrics = scores()
    leaking = metrics.assign(trained_on=np.where(metrics.model == "unet", "train+val", "train"))
    table = judge(leaking)
    involved = table.models.str.contains("unet")
    assert set(table.trained_on[involved]) == {"train+val"} and set(table.trained_on[~involved]) == {"train"}


def test_the_numbers_given_to_words_are_settings():
    metrics = scores()
    assert set(of(judge(metrics, similar_slopes=1.05), "b", attack="box").verdict) == {"does not hold"}
    assert set(of(judge(metrics, far_more=20), "c").verdict) == {"does not hold"}
    assert set(of(judge(metrics, isolated=0.05), "e").verdict) == {"does not hold"}
    assert "does not hold" in set(of(judge(metrics, barely=0.001), "g").verdict)


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_verdicts_follow_from_the_interval(middle, below, above):
    low, high = middle - below, middle + above
    found = verdict(Estimate(middle, low, high, 0, 0, 1, 9, 9), 0.0, math.inf)
    assert found == ("holds" if low > 0 else "does not hold" if high <= 0 else "undecided")
    assert verdict(Estimate(middle, low, high, 0, 0, 1, 9, 9, doubt="few"), 0.0, math.inf) == "undecided"
    assert verdict(Estimate(middle, math.nan, math.nan, 0, 0, 1, 1, 1), 0.0, math.inf) == "undecided"


def test_conjunctions_and_cautions():
    assert all_of(["holds", "holds"]) == "holds" and all_of(["holds", "undecided"]) == "undecided"
    assert all_of(["undecided", "does not hold"]) == "does not hold"
    assert few_patients(6, 0.95) == "" and few_patients(6, 0.99) != "" and few_patients(5, 0.95) != ""


@pytest.mark.parametrize(
    ("ssim", "share"),
    [
        ([0.9, 0.8, 0.7, 0.6, 0.7, 0.8, 0.9], 1 / 3),  # a dip over the whole grid
        ([0.9, 0.9, 0.9, 0.6, 0.9, 0.9, 0.9], 1.0),  # one angle alone
        ([0.9, 0.9, 0.6, 0.6, 0.9, 0.9, 0.9], 1.0),  # two alone: a cliff beside them
        ([0.6, 0.7, 0.8, 0.9], 1 / 3),  # the worst at the end
    ],
)
def test_isolation(ssim, share):
    regained, whole = isolation(np.array(ssim))
    assert regained / whole == pytest.approx(share)


@given(st.integers(1, 6), st.floats(0.02, 0.5))
def test_a_continuous_curve_is_the_less_isolated_the_finer_the_grid(period, depth):
    def share(steps):
        angles = np.linspace(-5, 5, steps)
        return np.divide(*isolation(0.9 - depth * np.cos(angles * period / 5) ** 2))

    assert share(401) < 0.1 and share(401) <= share(21) + 1e-9


@pytest.fixture
def rotation_files(tmp_path):
    """One attack file with a box and one with the whole image."""
    angles = np.arange(-2, 3, dtype=np.float32)
    for model, target in (("unet", "box_1"), ("varnet", "image")):
        path = tmp_path / "attacks" / "turned" / f"{model}-4x" / "v1" / "slices_003.h5"
        path.parent.mkdir(parents=True)
        arrays = {"sweep_angle": angles, "sweep_ssim": np.array([0.7, 0.8, 0.9, 0.85, 0.8])}
        arrays["floor_ssim"] = np.ones(5)
        with h5py.File(path, "w") as file:
            facts = {"volume": "v1", "patient": "p1", "model": model, "acceleration": 4, "attack_name": "turned"}
            facts["attack"] = {"threat_model": "rotation", "optimiser": "grid"}
            image = np.zeros((4, 4))
            result = TargetResult(target, "", (0, 4), (0, 4), arrays)
            write_slice(file, SliceResult(3, image, image, np.arange(2), np.ones(2), [result]))
            write_attributes(file, facts)
    return tmp_path


def test_sweeps_are_read_from_attack_files(rotation_files):
    table = read_sweeps(sorted(rotation_files.rglob("*.h5")))
    assert list(table.columns) == COLUMNS and table.box.tolist() == [1, -1]
    assert table.regained.to_numpy() == pytest.approx(0.1) and table.range.to_numpy() == pytest.approx(0.2)
    assert (table.step == 1).all() and (table.theta_max == 2).all()


def test_the_program_writes_the_table(rotation_files):
    metrics = scores(patients=4)
    metrics.to_csv(rotation_files / "metrics.csv", index=False)
    options = {"results": rotation_files, "series": ["turned/unet-4x", "turned/varnet-4x"], "jobs": ["v1/003"]}
    run_program(sweeps_program, **options, output=rotation_files / "sweeps.csv")
    pd.testing.assert_frame_equal(
        read_table(rotation_files / "sweeps.csv"), read_sweeps(sorted(rotation_files.rglob("*.h5")))
    )
    run_program(
        program,
        metrics=rotation_files / "metrics.csv",
        sweeps=rotation_files / "sweeps.csv",
        roles=json.dumps(ROLES),
        pairs='[["varnet", "unet"]]',
        resamples=200,
        output=rotation_files / "claims.csv",
    )
    table = pd.read_csv(rotation_files / "claims.csv")
    assert set(table.claim) == set("abcdefg") and set(of(table, "e").verdict) == {"undecided"}
    counts = count_verdicts(table)
    assert counts.claim.tolist() == list("abcdeffg")
    assert counts[["holds", "does not hold", "undecided", "not tested"]].to_numpy().sum() == len(table)
