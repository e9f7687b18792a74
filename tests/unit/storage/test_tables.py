"""Names in tables stay text."""

import pandas as pd

from advmri.storage.tables import read_table


def test_names_that_look_like_numbers_or_nothing_stay_names(tmp_path):
    names = ["NA", "null", "None", "007", "1e5", "nan"]
    table = pd.DataFrame({"volume": names, "label": names, "ssim": [0.5, None, 1, 2, 3, float("inf")]})
    table.to_csv(tmp_path / "t.csv", index=False)
    found = read_table(tmp_path / "t.csv")
    assert found.volume.tolist() == names and found.label.tolist() == names
    assert found.ssim.isna().tolist() == [False, True, False, False, False, False]


def test_a_number_may_be_written_as_nan(tmp_path):
    (tmp_path / "t.csv").write_text("volume,ssim,psnr\nnan,nan,inf\nv,0.5,30\n")
    found = read_table(tmp_path / "t.csv")
    assert found.volume.tolist() == ["nan", "v"]
    assert found.ssim.mean() == 0.5 and found.psnr.dtype == float


def test_an_empty_cell_is_missing(tmp_path):
    (tmp_path / "t.csv").write_text("volume,label,box\nv,,\n")
    found = read_table(tmp_path / "t.csv")
    assert found.label.isna().all() and found.box.isna().all()
