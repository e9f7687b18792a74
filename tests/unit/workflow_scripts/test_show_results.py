"""What is printed at the end says how many boxes were left out, and why."""

import pandas as pd
import pytest
from support import run_program

from workflow_scripts import show_results


@pytest.fixture
def results(tmp_path):
    tables = tmp_path / "tables"
    tables.mkdir()
    facts = {"model": "unet", "acceleration": 4, "trained_on": "train", "attack": "noise", "optimiser": "pgd"}
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
