"""The learning-curve figure, from histories as the training program writes them."""

import json

import numpy as np
import pandas as pd
import pytest
from support import run_program

from workflow_scripts import training_figure

STEPS = 100


@pytest.fixture
def models(tmp_path):
    """Two networks at two accelerations; the second kept volumes back, which are judged at the end of an epoch."""
    rng = np.random.default_rng(3)
    for name, judged in (("unet", False), ("varnet", True)):
        for acceleration in (4, 8):
            step = np.arange(1, STEPS + 1) * 10
            loss = (0.05 * acceleration + np.exp(-step / 200)) * rng.uniform(0.7, 1.3, STEPS)
            history = pd.DataFrame({"step": step, "train_loss": loss, "learning_rate": 1e-3, "holdout_ssim": np.nan})
            if judged:
                history.loc[9::10, "holdout_ssim"] = 0.9 - 0.3 * np.exp(-step[9::10] / 200) - 0.01 * acceleration
            folder = tmp_path / "models" / f"{name}-{acceleration}x"
            folder.mkdir(parents=True)
            history.to_csv(folder / "history.csv", index=False)
    return tmp_path / "models"


def draw(models, folder, names=("unet", "varnet")):
    paths = {kind: folder / f"figure_training.{kind}" for kind in ("svg", "png", "csv")}
    labels = json.dumps([["unet", "U-Net"], ["varnet", "E2E-VarNet"]])
    run_program(
        training_figure, results=models.parent, models=list(names), accelerations=[4, 8], labels=labels, **paths
    )
    return paths


def test_it_shows_every_run_and_keeps_the_numbers(models, tmp_path):
    paths = draw(models, tmp_path)
    table = pd.read_csv(paths["csv"])
    assert len(table) == 4 * STEPS and table.groupby(["model", "acceleration"]).ngroups == 4
    for (model, acceleration), run in table.groupby(["model", "acceleration"]):
        history = pd.read_csv(models / f"{model}-{acceleration}x" / "history.csv")
        assert run.train_loss.tolist() == pytest.approx(history.train_loss.tolist())
        middle = run.train_loss_smooth.iloc[50]
        assert middle == pytest.approx(history.train_loss.iloc[45:55].mean())
    text = paths["svg"].read_text()
    for words in ("U-Net", "E2E-VarNet", "Training loss", "SSIM, kept back", "Optimiser step"):
        assert words in text
    assert paths["png"].stat().st_size > 10_000


def test_no_panel_without_volumes_kept_back(models, tmp_path):
    text = draw(models, tmp_path, ["unet"])["svg"].read_text()
    assert "Training loss" in text and "SSIM" not in text and "VarNet" not in text
