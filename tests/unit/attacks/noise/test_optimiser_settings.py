"""Each optimiser has settings of its own, and a key that it would ignore is refused by name."""

from dataclasses import fields
from importlib import import_module
from typing import get_args

import pytest
import yaml
from support import ROOT

from advmri.attacks.noise.optimisers.settings import ProjectedAttack, StepwiseAttack, noise_attack
from advmri.attacks.noise.settings import NoiseAttack
from advmri.attacks.scan import Scan
from advmri.attacks.settings import kinds
from advmri.config.validate import validate_config
from advmri.errors import InputError

OF_NOISE = {
    get_args(kind.model_fields["optimiser"].annotation)[0]: kind for kind in kinds() if issubclass(kind, NoiseAttack)
}
ENGINE = {"restarts", "stop_gain", "warm_start"}
"""Keys that the search around the optimisers uses."""
VALUES = {"steps": 3, "step_size": 0.2, "momentum": 0.5, "start": "zero", "restarts": 2, "stop_gain": 0.1}
VALUES |= {"warm_start": True, "draws": 2}


def config(**attack):
    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    content["attacks"]["mine"] = {"threat_model": "noise", **attack}
    return content


@pytest.mark.parametrize("name", OF_NOISE)
def test_keys_are_the_fields_of_the_optimiser(name):
    """Neither a key that it ignores, nor a field that cannot be set."""
    optimiser = import_module(f"advmri.attacks.noise.optimisers.{name}").Optimiser
    taken = {field.name for field in fields(optimiser) if not hasattr(Scan, field.name)}
    own = set(OF_NOISE[name].model_fields) - set(NoiseAttack.model_fields)
    assert own - ENGINE == taken - ENGINE and taken <= own


def test_every_optimiser_has_settings():
    folder = ROOT / "advmri" / "attacks" / "noise" / "optimisers"
    assert set(OF_NOISE) == {file.stem for file in folder.glob("*.py")} - {"__init__", "settings"}


@pytest.mark.parametrize("key", VALUES)
@pytest.mark.parametrize("name", OF_NOISE)
def test_a_key_that_it_would_ignore_is_refused(name, key):
    content = config(optimiser=name, **{key: VALUES[key]})
    if key in OF_NOISE[name].model_fields:
        assert getattr(validate_config(content).attacks["mine"], key) == VALUES[key]
        return
    with pytest.raises(InputError) as found:
        validate_config(content)
    (line,) = str(found.value).splitlines()[1:]
    assert line.strip().startswith(f"attacks.mine.{key}: unknown key of optimiser {name}") and "null removes" in line


def test_null_takes_back_what_another_file_sets():
    """The advice of the message above."""
    attack = validate_config(config(optimiser="gaussian", steps=None, step_size=None)).attacks["mine"]
    assert attack.optimiser == "gaussian" and attack == noise_attack(optimiser="gaussian")


def test_an_optimiser_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"attacks\.mine\.optimiser: 'newton' is none of pgd, apgd, advrec, gaussian"):
        validate_config(config(optimiser="newton"))


def test_the_default_is_the_papers():
    assert noise_attack().optimiser == "pgd" and noise_attack(optimiser=None).steps == 10


@pytest.mark.parametrize("name", OF_NOISE)
def test_what_an_optimiser_is_like_it_says_itself(name):
    kind, settings = OF_NOISE[name], noise_attack(optimiser=name)
    assert kind.STEPWISE == issubclass(kind, StepwiseAttack) == hasattr(settings, "steps")
    assert settings.starts_at_zero == issubclass(kind, ProjectedAttack)
    assert settings.iterates == (settings.steps + 1 if kind.STEPWISE else settings.draws)
    if issubclass(kind, ProjectedAttack):
        assert not noise_attack(optimiser=name, start="random").starts_at_zero


@pytest.mark.parametrize(("key", "value"), [("bound", "sample_linf"), ("colour", "coil_covariance")])
def test_one_that_knows_one_bound_only_takes_no_other(key, value):
    with pytest.raises(InputError, match=rf"attacks\.mine\.{key}: Input should be"):
        validate_config(config(optimiser="advrec", **{key: value}))
