"""The modules that jobs load by name are the ones that their rules count."""

import yaml
from snakemake.utils import update_config
from support import ROOT

from advmri.config.loaded_modules import (
    architecture_module,
    modules_of_attack,
    modules_of_convergence,
    modules_of_reading,
    outside_code,
    outside_sources,
)
from advmri.config.validate import validate_config
from advmri.provenance.sources import module_file


def config_of(**changes):
    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(content, changes)
    return validate_config(content)


def test_an_architecture_or_the_users_factory():
    mine = {"factory": "json:loads", "arguments": {}}
    here = {"factory": "advmri.reconstruction.unet:build", "arguments": {}}
    config = config_of(models={"mine": mine, "here": here})
    assert architecture_module(config, "unet") == "advmri.reconstruction.unet"
    assert architecture_module(config, "mine") == "advmri.reconstruction.user_model"
    assert architecture_module(config, "here") == "advmri.reconstruction.unet"
    assert [bool(outside_code(config, name)) for name in ("unet", "mine", "here")] == [False, True, False]
    assert {place: file.name for place, file in outside_sources(config).items()}["json/decoder.py"] == "decoder.py"
    assert all(place.startswith("json/") for place in outside_sources(config))


def test_convergence_compares_its_own_optimisers():
    config = config_of(convergence={"attack": "noise-box", "optimisers": ["apgd"]})
    modules = modules_of_convergence(config, "varnet")
    assert {"advmri.reconstruction.varnet", "advmri.attacks.noise.optimisers.apgd"} <= set(modules)
    of_attack = set(modules_of_attack(config, "noise-box"))
    assert of_attack - set(modules) == {f"advmri.attacks.noise.optimisers.{config.attacks['noise-box'].optimiser}"}
    assert all(module_file(module) is not None for module in [*modules, *of_attack])
    assert modules_of_convergence(config_of(), "unet") == ["advmri.reconstruction.unet"]


def test_what_attacks_stored_is_read_by_their_families():
    read = modules_of_reading(config_of(), ["rotation", "noise-box", "noise-image"])
    assert read == ["advmri.attacks.motion.stored", "advmri.attacks.noise.stored"]
