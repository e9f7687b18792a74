"""Presets hold the numbers of the paper and of fastMRI's recipes, which nothing else would miss."""

import numpy as np
import pytest
import yaml
from snakemake.utils import update_config
from support import ROOT

from advmri.attacks.motion.grids import symmetric_grid
from advmri.config.validate import validate_config

ETAS = [0, 0.002, 0.005, 0.01, 0.015, 0.02, 0.025]
SIZES = {
    "paper": {
        "unet": {"chans": 128, "num_pool_layers": 4},
        "varnet": {"num_cascades": 8, "chans": 9, "pools": 4, "sens_chans": 6, "sens_pools": 4},
    },
    "official": {
        "unet": {"chans": 256, "num_pool_layers": 4},
        "varnet": {"num_cascades": 12, "chans": 18, "pools": 4, "sens_chans": 8, "sens_pools": 4},
    },
}
RECIPES = {
    "unet": {"loss": "l1_normalised", "optimiser": "RMSprop", "learning_rate": 1e-3},
    "varnet": {"loss": "ssim", "optimiser": "Adam", "learning_rate": 3e-4},
}
ALIKE = {
    "steps": None,
    "epochs": 50,
    "batch_size": 32,
    "schedule": "step",
    "warmup_steps": 0,
    "gradient_clip": None,
    "weight_average": None,
    "holdout_volumes": 0,
    "precision": "float32",
}


def config_of(*presets):
    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    for name in presets:
        update_config(content, yaml.safe_load((ROOT / "configs" / f"{name}.yaml").read_text()))
    return validate_config(content)


@pytest.fixture(scope="module")
def paper():
    return config_of("paper")


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("model", RECIPES)
def test_networks_and_recipes(paper, sizes, model):
    config = paper if sizes == "paper" else config_of("paper", "official-sizes")
    settings = config.models[model]
    arguments = dict(settings.arguments)
    if model == "varnet":
        assert not arguments.pop("crop_readout") and not arguments.pop("zero_initialised")
    assert arguments == SIZES[sizes][model]
    training = settings.training.model_dump()
    assert {key: training[key] for key in ALIKE | RECIPES[model]} == ALIKE | RECIPES[model]
    assert not settings.training.augmentation.active
    assert settings.trained_on in (None, "train")


def test_masks(paper):
    assert paper.accelerations == [4, 8]
    assert paper.mask.type == "random" and paper.mask.center_fractions == {4: 0.08, 8: 0.04}


@pytest.mark.parametrize(("attack", "target"), [("noise-box", "box"), ("noise-image", "image")])
def test_noise(paper, attack, target):
    """Eq. (4): 10 projected steps of 0.5, per coil, from one start."""
    settings = paper.attacks[attack]
    assert settings.severities == ETAS and settings.target == target
    assert (settings.optimiser, settings.steps, settings.step_size, settings.restarts) == ("pgd", 10, 0.5, 1)
    assert (settings.bound, settings.objective, settings.warm_start) == ("coil_l2", "l2", False)


def test_rotation(paper):
    """Eq. (5): -5 to 5 degrees by 0.1, both ends and 0 included, no refinement."""
    settings = paper.attacks["rotation"]
    angles = symmetric_grid(settings.severities, settings.angle_step)
    np.testing.assert_allclose(angles, np.arange(-50, 51) / 10, atol=1e-9)
    assert 0 in angles and settings.refinement == 0 and settings.target == "box"


def test_the_control_has_the_same_norms(paper):
    assert paper.attacks["gaussian"].optimiser == "gaussian" and paper.attacks["gaussian"].severities == ETAS
