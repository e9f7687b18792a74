"""A user's own network, or none, in the workflow: checked first, its code an input, its leakage told to the tables."""

import subprocess
import sys

import pandas as pd
import pytest
import torch
import yaml
from fastmri.models import Unet

FACTORY = """
from torch import nn
from my_networks.parts import gain
from advmri.acquisition.kspace import rss_reconstruction

class Network(nn.Module):
    def forward(self, kspace, mask, num_low_frequencies, crop):
        return rss_reconstruction(kspace, crop) * gain()

def make():
    return Network()

def broken():
    return nn.Identity()
"""
ONE_ATTACK = {
    "attacks": {"noise-image": None, "gaussian": None, "rotation": None},
    "figures": {"image_attack": None, "control_attack": None, "rotation_attack": None},
}
MINE = {"label": "Mine", "factory": "my_networks.network:make", "trained_on": "nothing"}


@pytest.fixture
def own(edited):
    """A copy of the finished run with a user's package beside it; returns it and the words of its config."""
    package = edited.folder / "my_networks"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "network.py").write_text(FACTORY)
    (package / "parts.py").write_text("def gain():\n    return 1.05\n")
    return edited, edited.write_config("own.yaml", models={"mine": MINE}, **ONE_ATTACK)


def test_a_factorys_network_is_audited_beside_the_others_and_reruns_with_its_code(own):
    workflow, words = own
    planned = workflow.planned(*words)
    assert {pairs.get("model", "mine") for _, pairs in planned} == {"mine"}
    assert "training_figure" not in {rule for rule, _ in planned}, "it shows the models that are trained"
    status, text = workflow.run(*words)
    assert status == 0, text[-5000:]
    quality = pd.read_csv(workflow.folder / "results/tiny/tables/quality.csv").groupby("model").ssim.mean()
    assert quality["mine"] != quality["zero_filled"] == pytest.approx(quality["mine"], abs=0.1)
    assert workflow.planned_rules(*words) == {}
    (workflow.folder / "my_networks/parts.py").write_text("def gain():\n    return 1.1\n")
    again = workflow.planned(*words)
    assert {rule for rule, _ in again} >= {"import_checkpoint", "validate", "attack", "score", "collect_tables"}
    assert {pairs.get("model", "mine") for _, pairs in again} == {"mine"}


def test_a_network_that_breaks_the_contract_is_stopped_before_any_attack(own):
    workflow, words = own
    (workflow.folder / "broken.yaml").write_text(
        yaml.safe_dump({"models": {"mine": {"factory": "my_networks.network:broken"}}})
    )
    status, text = workflow.run(*words, "broken.yaml")
    assert status != 0 and "Traceback" not in text
    assert "model mine does not keep the contract" in text and "forward: TypeError" in text
    results = workflow.folder / "results" / "tiny"
    assert not (results / "models" / "mine-4x" / "model.pt").exists()
    assert not list((results / "attacks").glob("*/mine-4x"))


def test_a_factory_that_is_nowhere_is_a_config_error(repository, tmp_path):
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"models": {"mine": MINE | {"factory": "no_such.module:make"}}}))
    status, text = repository.run("--dry-run", "--configfile", "configs/tiny.yaml", tmp_path / "own.yaml")
    assert status != 0 and "Traceback" not in text
    assert "models.mine.factory: no module no_such.module in this folder or on PYTHONPATH" in text


def test_zero_filling_is_audited_like_a_network(edited):
    """Attacked, validated and scored beside networks, with nothing to train or to give."""
    before = pd.read_csv(edited.folder / "results/tiny/tables/quality.csv").query("model == 'zero_filled'")
    models = {"zero-filled": {"label": "Nothing learned", "architecture": "zero_filled"}}
    words = edited.write_config("own.yaml", models=models, **ONE_ATTACK)
    planned = edited.planned(*words)
    assert {pairs.get("model", "zero-filled") for _, pairs in planned} == {"zero-filled"}
    rules = {rule for rule, _ in planned}
    assert {"import_checkpoint", "validate", "attack", "score", "judge_claims"} <= rules and "train" not in rules
    status, text = edited.run(*words)
    assert status == 0, text[-5000:]
    results = edited.folder / "results" / "tiny"
    summary = pd.read_csv(results / "tables" / "summary.csv").query("model == 'zero-filled' and region == 'box'")
    assert set(summary.trained_on) == {"nothing"} and (summary.ssim_drop_mean[summary.severity > 0] > 0).all()
    quality = pd.read_csv(results / "tables" / "quality.csv")
    assert set(quality.model) == {"unet", "varnet", "zero-filled"}, "not twice under two names"
    measured = ["volume", "ssim", "psnr", "nmse"]
    found = quality[quality.model == "zero-filled"][measured].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, before[measured].reset_index(drop=True))
    claims = pd.read_csv(results / "tables" / "claims.csv")
    assert "zero-filled" in set(claims.models) and not claims.models.str.contains("vs zero-filled|zero-filled vs").any()
    assert "Nothing learned" in set(pd.read_csv(results / "figures" / "figure_1a.csv").model_label)
    assert "zero-filled" not in set(pd.read_csv(results / "figures" / "figure_training.csv").model)
    assert edited.planned_rules(*words) == {}
    row = ["model=zero-filled", f"severity={summary.severity.max()}", "region=box"]
    command = [sys.executable, "-m", "workflow_scripts.trace", "results/tiny/tables/summary.csv", *row]
    traced = subprocess.run(command, cwd=edited.folder, capture_output=True, text=True, check=False)
    assert traced.returncode == 0, traced.stdout + traced.stderr
    assert "zero_filled, 4x, trained on: nothing" in traced.stdout


def test_zero_filling_alone_needs_no_training_volumes(repository, tmp_path):
    models = {"unet": None, "varnet": None, "zero-filled": {"architecture": "zero_filled"}}
    (tmp_path / "alone.yaml").write_text(yaml.safe_dump({"models": models}))
    planned = repository.planned("--configfile", "configs/tiny.yaml", tmp_path / "alone.yaml")
    assert not {"train", "training_figure"} & {rule for rule, _ in planned}
    assert {pairs["split"] for rule, pairs in planned if rule == "simulate_volume"} == {"val"}


def test_fastmris_weights_are_imported(repository, tmp_path):
    torch.save(Unet(1, 1, chans=6, num_pool_layers=2).state_dict(), tmp_path / "published.pt")
    given = {"training": None, "arguments": None, "checkpoint": str(tmp_path / "published.pt")}
    name = {"name": "published", "models": {"unet": given}}
    (tmp_path / "given.yaml").write_text(yaml.safe_dump(name))
    target = "results/published/models/unet-4x/model.pt"
    words = (target, "--configfile", "configs/tiny.yaml", tmp_path / "given.yaml")
    status, text = repository.run(*words)
    assert status != 0 and "set the model's trained_on to train, train+val" in text
    (tmp_path / "given.yaml").write_text(
        yaml.safe_dump(name | {"models": {"unet": given | {"trained_on": "train+val"}}})
    )
    status, text = repository.run(*words)
    assert status == 0, text
    content = torch.load(repository.folder / target, weights_only=True)
    assert content["architecture"]["arguments"] == {"chans": 6, "num_pool_layers": 2}
    assert (content["acceleration"], content["trained_on"]) == (4, "train+val")
