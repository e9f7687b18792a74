"""Code that jobs load by name, which their rules have to count as theirs; imports neither torch nor numpy."""

from collections.abc import Iterable
from itertools import product
from pathlib import Path

from advmri.attacks.settings import longer_search
from advmri.config.factory_code import factory_digest, in_project, module_of, outside_files
from advmri.config.schema import Config


def architecture_module(config: Config, model: str) -> str:
    """Return the module that a model's checkpoint is loaded with: the user's, where it lies in this folder."""
    settings = config.models[model]
    if settings.factory is None:
        return f"advmri.reconstruction.{settings.architecture}"
    return module_of(settings.factory) if in_project(settings.factory) else "advmri.reconstruction.user_model"


def modules_of_attack(config: Config, attack: str) -> list[str]:
    """Return the modules that an attack loads by name."""
    return config.attacks[attack].modules()


def modules_of_reading(config: Config, attacks: Iterable[str]) -> list[str]:
    """Return the modules with which what these attacks stored is read by name."""
    return sorted({module for attack in attacks for module in config.attacks[attack].reading_modules()})


def modules_of_convergence(config: Config, model: str) -> list[str]:
    """Return the modules that a convergence job loads by name: the attack's, with the optimisers compared."""
    asked = config.convergence
    found = {architecture_module(config, model)}
    attacks = [config.attacks[asked.attack]] if asked.attack else []
    for attack, optimiser in product(attacks, asked.optimisers):
        found.update(longer_search(attack, optimiser, max(attack.severities), min(asked.steps), 1).modules())
    return sorted(found)


def user_modules(config: Config) -> list[str]:
    """Return the modules in this folder that factories lie in."""
    factories = {model.factory for model in config.models.values() if model.factory is not None}
    return sorted(module_of(factory) for factory in factories if in_project(factory))


def outside_sources(config: Config) -> dict[str, Path]:
    """Return the source files of the factories that lie elsewhere, by their paths as imports name them."""
    factories = {model.factory for model in config.models.values() if model.factory is not None}
    return {place: file for factory in sorted(factories) for place, file in outside_files(factory).items()}


def outside_code(config: Config, model: str) -> str:
    """Return the state of a factory's code that cannot be an input, since it lies elsewhere; empty without one."""
    factory = config.models[model].factory
    return "" if factory is None else factory_digest(factory)
