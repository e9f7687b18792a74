"""Values that the config's check would accept and the run would not use, or not as they stand."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from advmri.config.schema import Config
from advmri.training.length import training_length
from advmri.training.settings import ModelSettings

CLAIM_ROLES = {
    "similar_slopes": ("region_attack", "rotation_attack"),
    "far_more": ("region_attack", "image_attack"),
    "isolated": ("rotation_attack",),
    "barely": ("region_attack",),
}
"""Attacks that the number of a claim is about: one of the first claim's, all of the others'."""


def unused(config: Config) -> list[str]:
    """Return one line, with its place, for everything that the run would not use."""
    parts: Iterable[Callable[[Config], list[str]]] = (
        *(_attacks, _jobs, _convergence, _models, _dataset, _figures, _claims, _compute),
    )
    return [line for part in parts for line in part(config)]


def _repeated(values: Iterable[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]


def _attacks(config: Config) -> list[str]:
    return [f"attacks.{name}.{problem}" for name, attack in config.attacks.items() for problem in attack.unused()]


def _jobs(config: Config) -> list[str]:
    jobs = config.attack
    if jobs.slices_per_batch == 1:
        return []
    if jobs.slices_per_batch > jobs.slices_per_job:
        return [
            f"attack.slices_per_batch: {jobs.slices_per_batch} slices cannot share a batch in jobs of"
            f" {jobs.slices_per_job} (attack.slices_per_job)"
        ]
    if not any(attack.CERTIFIES_NOISE for attack in config.attacks.values()):
        return ["attack.slices_per_batch: not used without a noise attack"]
    return []


def _convergence(config: Config) -> list[str]:
    asked = config.convergence
    if asked.attack is None:
        given = sorted(asked.model_fields_set)
        # An explicit null switches off what an earlier file asks for.
        return [] if "attack" in given else [f"convergence.{key}: not used without convergence.attack" for key in given]
    lists: dict[str, list[Any]] = {"optimisers": asked.optimisers, "steps": asked.steps}
    return [
        f"convergence.{key}: {value!r} is there more than once; name each once"
        for key, values in lists.items()
        for value in _repeated(values)
    ]


def _models(config: Config) -> list[str]:
    found = []
    for name, model in config.models.items():
        if model.training is not None:
            found += [f"models.{name}.{problem}" for problem in _trained_here(config, model)]
    return found


def _trained_here(config: Config, model: ModelSettings) -> list[str]:
    found, training = [], model.training
    if model.contract != ModelSettings.model_fields["contract"].default:
        found.append("contract: not used by what is trained here, which takes any size; take it out")
    if training is not None and training.epochs is not None and config.dataset.kind == "simulated":
        made = config.dataset.simulation
        volumes = min(config.dataset.training_volumes or made.train_volumes, made.train_volumes)
        steps = training_length(training, max(1, volumes - training.holdout_volumes) * made.slices).steps
        if training.warmup_steps >= steps:
            found.append(f"training.warmup_steps: {training.warmup_steps} of {steps} steps; take fewer")
    return found


def _dataset(config: Config) -> list[str]:
    dataset, found = config.dataset, []
    trained = any(model.training is not None for model in config.models.values())
    if dataset.training_volumes is not None and not trained:
        found.append("dataset.training_volumes: not used, as no model is trained here")
    if dataset.kind != "simulated":
        return found
    made = dataset.simulation
    limits = {
        "training_volumes": ("train_volumes", made.train_volumes),
        "audited_volumes": ("val_volumes", made.val_volumes),
    }
    for key, (of, most) in limits.items():
        asked = getattr(dataset, key)
        if asked is not None and asked > most:
            found.append(f"dataset.{key}: {asked} of {most} volumes (dataset.simulation.{of}); take no more")
    if made.lesions_per_volume == 0:
        found.append("dataset.simulation.lesions_per_volume: 0 leaves nothing to audit; take at least 1")
    return found


def _figures(config: Config) -> list[str]:
    named, found = config.figures.attacks, []
    for role in ("image_attack", "control_attack"):
        if role in named and "region_attack" not in named:
            found.append(f"figures.{role}: not shown without figures.region_attack; take it out (null removes it)")
    shares = [role for role in ("region_attack", "image_attack", "control_attack") if role in named]
    for name in _repeated(named[role] for role in shares):
        roles = [f"figures.{role}" for role in shares if named[role] == name]
        found.append(f"{roles[-1]}: {name!r} is {' and '.join(roles[:-1])} already; name another attack")
    severity = config.figures.showcase.severity
    attack = config.attacks.get(named.get("region_attack", ""))
    if severity is not None and attack is not None and severity not in attack.severities:
        found.append(
            f"figures.showcase.severity: {severity} is none of {named['region_attack']}'s severities"
            f" {attack.severities}"
        )
    return found


def _claims(config: Config) -> list[str]:
    claims, roles = config.claims, set(config.figures.attacks)
    found = [
        f"claims.pairs: {list(pair)} is there more than once; name each once" for pair in _repeated(claims.pairs or [])
    ]
    if claims.pairs and not roles & {"region_attack", "rotation_attack"}:
        found.append("claims.pairs: not used without figures.region_attack or figures.rotation_attack")
    for key in sorted(claims.model_fields_set & set(CLAIM_ROLES)):
        wanted = CLAIM_ROLES[key]
        one_is_enough = key == "similar_slopes"
        if not (roles & set(wanted) if one_is_enough else roles >= set(wanted)):
            named = (" or " if one_is_enough else " and ").join(f"figures.{role}" for role in wanted)
            found.append(f"claims.{key}: not used without {named}")
    if "similar_slopes" in claims.model_fields_set and not config.claim_pairs:
        found.append("claims.similar_slopes: not used, as there is no pair of networks (claims.pairs)")
    return found


def _compute(config: Config) -> list[str]:
    if config.compute.precision != "float32" and config.compute.device == "cpu":
        return [f"compute.precision: {config.compute.precision} is for GPUs, and compute.device is cpu"]
    return []
