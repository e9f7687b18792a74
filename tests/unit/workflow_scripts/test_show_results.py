"""What is printed at the end says how many boxes were left out, and why."""

import pandas as pd
import pytest
from support import run_program

from advmri.errors import InputError
from workflow_scripts import show_results


@pytest.fixture
def results(tmp_path):
    tables = tmp_path / "tables"
    tables.mkdir()
    facts = {"model": "unet", "acceleration": 4, "trained_on": "train", "attack": "noise", "optimiser": "pgd"}
    facts["severity_unit"] = "share"
    values = {"region": "box", "n_boxes": 3, "ssim_mean": 0.5, "ssim_ci_low": 0.4, "ssim_ci_high": 0.6}
    pd.DataFrame([facts | values | {"severity": eta} for eta in (0.0, 0.02)]).to_csv(tables / "summary.csv")
    quality = {"volume": "v1", "model": "unet", "acceleration": 4, "ssim": 0.9, "psnr": 30.0}
    pd.DataFrame([quality]).to_csv(tables / "quality.csv")
    return tmp_path


def shown(results, capsys, excluded):
    columns = ["line", "volume", "slice", "label", "reason"]
    pd.DataFrame(excluded, columns=columns).to_csv(results / "tables" / "excluded.csv", index=False)
    run_program(show_results, results=results)
    return capsys.readouterr().out


def test_boxes_left_out_are_counted_by_reason(results, capsys):
    reason = "slice 2 cannot be read (truncated); restore the file."
    text = shown(results, capsys, [(2, "z", 1, "tear", reason), (3, "z", 2, "tear", reason)])
    assert "Left out: 2 annotations" in text and "  2  slice N cannot be read (truncated); restore the file (z)" in text


def test_that_none_was_left_out_is_said(results, capsys):
    assert "No annotation was left out." in shown(results, capsys, [])


def test_severities_are_shown_in_their_units(results, capsys):
    """Whatever the optimiser is: a shift is searched by a grid as a rotation is."""
    path = results / "tables" / "summary.csv"
    largest = pd.read_csv(path).iloc[[-1]]
    units = {"turned": (5.0, "degrees"), "moved": (5.0, "pixels"), "noise": (0.02, "share")}
    rows = [
        largest.assign(attack=name, optimiser="grid", severity=severity, severity_unit=unit)
        for name, (severity, unit) in units.items()
    ]
    pd.concat(rows).to_csv(path)
    text = shown(results, capsys, [])
    assert "turned 5°" in text and "moved 5 px" in text and "noise 2%" in text


def test_a_table_without_units_is_of_before(results):
    path = results / "tables" / "summary.csv"
    pd.read_csv(path).drop(columns="severity_unit").to_csv(path)
    with pytest.raises(InputError, match="severity_unit; run the workflow again"):
        run_program(show_results, results=results)


def test_attacks_still_rising_are_counted(results, capsys):
    path = results / "tables" / "summary.csv"
    table = pd.read_csv(path)
    table.assign(n_still_rising=[None, 2]).to_csv(path)
    text = shown(results, capsys, [])
    assert (
        "Attacks still rising when they stopped" in text and "  noise: 2 of 3 (boxes x networks x severities)\n" in text
    )
    table.to_csv(path)
    text = shown(results, capsys, [])
    assert "still rising" not in text, "a table of before"
    assert "largest found" in text and "worst" not in text


def test_a_network_no_better_than_zero_filling_is_named(results, capsys):
    assert "Caution" not in shown(results, capsys, [])
    path = results / "tables" / "quality.csv"
    pd.read_csv(path).assign(zero_filled_ssim=0.91).to_csv(path)
    text = shown(results, capsys, [])
    assert "Caution: unet at 4x is no better than zero filling: mean SSIM 0.900 against 0.910\n" in text


def test_verdicts_are_printed_with_the_sense_of_their_notes(results, capsys):
    chance = "5 patients: that all point the same way has a chance of 6% by itself"
    claim = {"claim": "d", "description": "rotation is milder than noise"}
    rows = [("holds", chance), ("undecided", f"the interval holds 0; {chance}")]
    table = pd.DataFrame([claim | {"verdict": verdict, "note": note} for verdict, note in rows])
    table.to_csv(results / "tables" / "claims.csv", index=False)
    text = shown(results, capsys, [])
    assert "(d) rotation is milder than noise: holds 1 [1], undecided 1 [1, 2]\n" in text
    assert f"[1] {chance}\n[2] the interval holds 0\n" in text
