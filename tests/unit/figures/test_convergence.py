"""Convergence: searches nest as they must, and the table is relative to the best known."""

import json

import numpy as np
import pandas as pd
import pytest
from support import make_run, run_program

from advmri.config.validate import validate_config
from advmri.errors import InputError
from advmri.figures.convergence import convergence_table, draw
from advmri.figures.style import times
from workflow_scripts import convergence, convergence_figure

ATTACK = {"threat_model": "noise", "optimiser": "pgd", "target": "box", "severities": [0, 0.01, 0.02]}
ASKED = {"optimisers": ["pgd", "apgd"], "severity": None, "steps": [1, 4], "restarts": 2}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    paths = make_run(folder, "unet", slices=2)
    same = {"volumes": [paths["volume"]] * 2, "indices": [paths["index"]] * 2, "masks": [paths["mask"]] * 2}
    settings = {"attack": "a", "settings": json.dumps(ATTACK), "convergence": json.dumps(ASKED), "model": "unet"}
    output = folder / "convergence.csv"
    run_program(
        convergence,
        **settings,
        **same,
        acceleration=4,
        seed=3,
        slices=[0, 1],
        checkpoint=paths["checkpoint"],
        output=output,
        device="cpu",
    )
    return pd.read_csv(output)


def test_one_row_per_search_and_number_of_starts(rows):
    assert len(rows) == 3 * 2 * 2 * 2  # targets, optimisers, steps, starts
    assert set(rows.severity) == {0.02}
    assert set(zip(rows.slice, rows.target, strict=True)) == {(0, "box_0"), (0, "box_1"), (1, "box_0")}
    assert (rows.objective > rows.clean_objective).all()


def test_more_starts_and_more_steps_of_pgd_never_find_less(rows):
    keys = ["slice", "target", "optimiser", "steps", "restarts"]
    found = rows.set_index(keys).objective.unstack("restarts")
    assert (found[2] >= found[1]).all()
    pgd = rows[rows.optimiser == "pgd"].set_index(keys).objective.unstack("steps")
    assert (pgd[4] >= pgd[1] * (1 - 1e-5)).all()


def test_the_table_is_relative_to_the_best_known(rows):
    table = convergence_table(rows)
    assert len(table) == 8 and (table.n_targets == 3).all()
    assert (table.of_best <= 1).all() and (table.least_of_best <= table.of_best).all()
    best = rows.groupby(["slice", "target"]).objective.max()
    one = rows[(rows.optimiser == "apgd") & (rows.steps == 4) & (rows.restarts == 2)].set_index(["slice", "target"])
    row = table[(table.optimiser == "apgd") & (table.steps == 4) & (table.restarts == 2)].iloc[0]
    np.testing.assert_allclose(row.of_best, (one.objective / best).mean())
    np.testing.assert_allclose(row.clean_of_best, (one.clean_objective / best).mean())
    less = table[(table.optimiser == "apgd") & (table.steps == 1) & (table.restarts == 2)].iloc[0]
    assert np.isnan(less.gain)
    np.testing.assert_allclose(row.gain, 1 - less.of_best / row.of_best)


def test_the_figure_shows_the_table(rows, tmp_path):
    figure, table = draw(rows, {"unet": "U-Net"})
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.get_lines() if not line.get_label().startswith("_")}
    assert set(lines) == {"pgd, 1 start", "pgd, 2 starts", "apgd, 1 start", "apgd, 2 starts"}
    points = table[(table.optimiser == "apgd") & (table.restarts == 2)]
    assert lines["apgd, 2 starts"].get_xdata().tolist() == [1, 4]
    np.testing.assert_allclose(lines["apgd, 2 starts"].get_ydata(), 100 * points.of_best)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    names = {kind: tmp_path / f"figure.{kind}" for kind in ("svg", "png", "csv")}
    run_program(convergence_figure, tables=[tmp_path / "rows.csv"], labels=json.dumps([["unet", "U-Net"]]), **names)
    pd.testing.assert_frame_equal(pd.read_csv(names["csv"]), table)
    assert names["png"].stat().st_size > 1000 and "<svg" in names["svg"].read_text()


def test_a_network_that_saw_the_audited_split_is_marked(rows):
    assert set(rows.trained_on) == {"train"}
    for trained_on, mark in (("train", ""), ("train+val", "†")):
        figure, table = draw(rows.assign(trained_on=trained_on), {"unet": "U-Net"})
        assert figure.axes[0].get_title() == f"U-Net{mark}, {times(4)}" and set(table.trained_on) == {trained_on}
        assert any("trained on the audited split too" in text.get_text() for text in figure.texts) == bool(mark)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"attack": "rotation"},
            "convergence.attack: 'rotation' is no attack of a family that searches by steps; those are noise-box,",
        ),
        (
            {"attack": "noise-box", "optimisers": ["gaussian"]},
            "convergence.optimisers: gaussian does not search by steps; pgd, apgd, advrec do",
        ),
    ],
)
def test_wrong_settings_are_named(asked, message):
    import yaml
    from support import ROOT

    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    with pytest.raises(InputError, match=message):
        validate_config(content | {"convergence": asked})
