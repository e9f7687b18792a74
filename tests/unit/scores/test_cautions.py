"""Cautions on audited networks: no better than zero filling, or trained on other data; no false alarm."""

import numpy as np
import pandas as pd
import pytest

from advmri.scores.cautions import cautions_on, told

WORDS = "4 coils, matrix 288 x 160, images 144 x 144, CORPD_FBK"


def quality(model="unet", ssim=(0.9, 0.7), zero_filled=(0.8, 0.6), unlike=("", ""), trained_with=WORDS):
    """Rows of quality.csv of one network at 4x in some volumes, as they are written and read again."""
    rows = {"model": model, "acceleration": 4, "ssim": ssim, "zero_filled_ssim": zero_filled}
    table = pd.DataFrame(rows | {"trained_with": trained_with, "unlike_training": unlike})
    return table.replace("", np.nan)


def texts(table):
    return [str(caution) for caution in cautions_on(table)]


def test_a_good_network_on_data_like_its_own_has_none():
    assert texts(quality()) == []


@pytest.mark.parametrize(("ssim", "warned"), [((0.815, 0.815), True), ((0.826, 0.826), True), ((0.827, 0.827), False)])
def test_the_mean_is_compared_with_that_of_zero_filling(ssim, warned):
    """As on the real knees that a small U-Net left worse than they were."""
    found = texts(quality(ssim=ssim, zero_filled=(0.826, 0.826)))
    assert bool(found) == warned
    if warned:
        assert found == [f"unet at 4x is no better than zero filling: mean SSIM {ssim[0]:.3f} against 0.826"]


def test_zero_filling_itself_has_nothing_to_be_compared_with():
    assert texts(quality(zero_filled=(np.nan, np.nan))) == []


def test_other_data_than_in_training_are_named_with_how_many_volumes():
    other = {"coils": "15", "matrix": "640 x 368", "acquisition": "AXT2"}
    table = quality(ssim=(0.9, 0.8, 0.7), zero_filled=(0.1, 0.1, 0.1), unlike=(told(other), told({"coils": "20"}), ""))
    (caution,) = cautions_on(table)
    assert caution.short == "trained on other coils and matrix and acquisition"
    here = "coils 15 or 20, matrix 640 x 368, acquisition AXT2"
    assert str(caution) == f"unet at 4x was trained on {WORDS}, here it is {here} in 2 of 3 volumes"


@pytest.mark.parametrize("contrast", ["PD; fat sat", "a; b: c", 'T2 "FS", {x}'])
def test_a_contrast_may_have_any_name(contrast):
    table = quality(ssim=(0.9,), zero_filled=(0.1,), unlike=(told({"coils": "4", "acquisition": contrast}),))
    (caution,) = cautions_on(table)
    assert f"here it is coils 4, acquisition {contrast} in 1 of 1 volumes" in caution.text


def test_what_is_not_known_is_no_reason():
    assert texts(quality(trained_with="not known")) == []


def test_tables_of_before_give_none():
    assert texts(quality(ssim=(0.1, 0.1))[["model", "acceleration", "ssim"]]) == []


def test_each_network_and_acceleration_has_its_own():
    bad = quality(model="varnet", ssim=(0.1, 0.1)).assign(acceleration=8)
    found = cautions_on(pd.concat([quality(), bad], ignore_index=True))
    assert [(caution.model, caution.acceleration) for caution in found] == [("varnet", 8)]
