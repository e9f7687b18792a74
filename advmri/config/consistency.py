"""Whether the sections of a config agree with one another, and with the modules that there are."""

from pathlib import Path

from pydantic import ValidationError

from advmri.attacks.settings import longer_search, stepwise_optimisers
from advmri.config.architecture_files import architecture_problems, has_weights
from advmri.config.factory_code import is_found, module_of
from advmri.config.schema import Config
from advmri.config.unused import unused
from advmri.figures.settings import ROLES
from advmri.storage.baseline import BASELINE
from advmri.training.settings import ModelSettings, TrainingSettings

FOLDER = Path(__file__).resolve().parents[2]


def disagreements(config: Config) -> list[str]:
    """Return one line, with its place, for everything that does not agree."""
    return [
        *_accelerations(config),
        *_centres(config),
        *_models(config),
        *_attacks(config),
        *_convergence(config),
        *_figures(config),
        *_claims(config),
        *unused(config),
    ]


def _file_of(module: str) -> str:
    return f"{module.replace('.', '/')}.py"


def _accelerations(config: Config) -> list[str]:
    found = [
        f"mask.center_fractions: no entry for acceleration {acceleration}"
        for acceleration in config.accelerations
        if acceleration not in config.mask.center_fractions
    ]
    if len(set(config.accelerations)) < len(config.accelerations):
        found.append(f"accelerations: {config.accelerations} repeats itself; name each once")
    return found


def _centres(config: Config) -> list[str]:
    """Check that a mask can be drawn: a centre, and room outside it for lines at the acceleration."""
    found = []
    simulated = config.dataset.kind == "simulated"
    columns = config.dataset.simulation.columns if simulated else None
    for acceleration in config.accelerations:
        fraction = config.mask.center_fractions.get(acceleration)
        if fraction is None:
            continue
        problem = centre_problem(acceleration, fraction, columns)
        if problem:
            found.append(f"mask.center_fractions.{acceleration}: {problem}")
    return found


def centre_problem(acceleration: int, fraction: float, columns: int | None) -> str | None:
    """Say what is wrong with a centre fraction at an acceleration; `columns` where the volumes' number is known."""
    if fraction * acceleration >= 1:
        return f"a centre of {fraction} alone is more than 1/{acceleration} of the columns; take less"
    if columns is None:
        return None
    centre = round(columns * fraction)
    if centre < 1:
        return f"{fraction} of {columns} columns (dataset.simulation.columns) is none; take at least {1 / columns:.3g}"
    if centre * acceleration >= columns:
        return (
            f"{centre} central columns of {columns} (dataset.simulation.columns) alone are 1/{acceleration} of them;"
            " take less"
        )
    return None


def _models(config: Config) -> list[str]:
    found = []
    if config.compute.nodes > 1 and config.compute.devices == "auto":
        found.append("compute.devices: give their number per node where compute.nodes is more than 1")
    processes = config.compute.training_processes
    for name, model in config.models.items():
        weights = model.architecture is None or has_weights(model.architecture)
        found.extend(f"models.{name}: {problem}" for problem in model.problems(weights))
        if name == BASELINE and model.architecture != BASELINE:
            found.append(f"models.{name}: choose another name; quality.csv has the baseline of clean quality under it")
        if model.factory is not None and not is_found(model.factory):
            found.append(f"models.{name}.factory: no module {module_of(model.factory)} in this folder or on PYTHONPATH")
        if model.training is not None and model.training.batch_size < processes:
            found.append(
                f"models.{name}.training.batch_size: {model.training.batch_size} cannot be shared among"
                f" {processes} devices (compute.devices x compute.nodes)"
            )
        found.extend(f"models.{name}.training.{problem}" for problem in _training_problems(config, model.training))
        if model.architecture:
            problems = architecture_problems(model.architecture, model.arguments or {})
            found.extend(f"models.{name}.{problem}" for problem in problems)
            if not problems:
                found.extend(f"models.{name}.{problem}" for problem in _depths(config, model))
    return found


def _depths(config: Config, model: ModelSettings) -> list[str]:
    """Check that simulated images can be halved as often as a U-Net does: one pixel cannot be normalised."""
    if config.dataset.kind != "simulated":
        return []
    made = config.dataset.simulation
    image, scan = (made.crop, made.crop), (2 * made.crop, made.columns)
    sizes = {
        "num_pool_layers": image,
        "pools": image if model.arguments.get("crop_readout") else scan,
        "sens_pools": scan,
    }
    return [
        f"arguments.{key}: {model.arguments[key]} halvings leave nothing of {rows} x {columns} pixels; take fewer"
        for key, (rows, columns) in sizes.items()
        if key in model.arguments and (rows >> model.arguments[key]) * (columns >> model.arguments[key]) < 2
    ]


def _training_problems(config: Config, training: TrainingSettings | None) -> list[str]:
    """Return what a training asks for that it cannot have, or would not use."""
    if training is None:
        return []
    found = []
    if training.steps is not None and training.warmup_steps >= training.steps:
        found.append(f"warmup_steps: {training.warmup_steps} of {training.steps} steps; take fewer")
    if training.holdout_every is not None and not training.holdout_volumes:
        found.append("holdout_every: not used without holdout_volumes")
    if config.dataset.kind == "simulated":
        most = config.dataset.simulation.train_volumes
        volumes = min(config.dataset.training_volumes or most, most)
        if training.holdout_volumes >= volumes:
            found.append(f"holdout_volumes: {training.holdout_volumes} of {volumes} volumes; none is left to train on")
    return found


def _attacks(config: Config) -> list[str]:
    return [
        f"attacks.{name}.{key}: no {_file_of(module)}"
        for name, attack in config.attacks.items()
        for key, module in attack.parts().items()
        if not (FOLDER / _file_of(module)).is_file()
    ]


def _convergence(config: Config) -> list[str]:
    asked = config.convergence
    if asked.attack is None:
        return []
    attack = config.attacks.get(asked.attack)
    known = [] if attack is None else stepwise_optimisers(attack.threat_model)
    if attack is None or not known:
        named = ", ".join(name for name, one in config.attacks.items() if stepwise_optimisers(one.threat_model))
        return [
            f"convergence.attack: {asked.attack!r} is no attack of a family that searches by steps; those are"
            f" {named or 'none'}"
        ]
    found = []
    for name in asked.optimisers:
        if name not in known:
            found.append(f"convergence.optimisers: {name} does not search by steps; {', '.join(known)} do")
            continue
        try:
            longer_search(attack, name, max(attack.severities), min(asked.steps), asked.restarts)
        except ValidationError as error:
            found += [
                f"convergence.optimisers: {name} cannot search as {asked.attack} says ({one['msg']})"
                for one in error.errors()
            ]
    return found


def _figures(config: Config) -> list[str]:
    found = []
    shown = config.figures.showcase.acceleration
    if shown is not None and shown not in config.accelerations:
        found.append(f"figures.showcase.acceleration: {shown} is not among accelerations {config.accelerations}")
    for role, wanted in ROLES.items():
        name = getattr(config.figures, role)
        if name is None:
            continue
        named = config.attacks.get(name)
        if named is None:
            found.append(f"figures.{role}: there is no attack {name!r} among {', '.join(config.attacks)}")
        elif not wanted.is_played_by(named):
            found.append(f"figures.{role}: attack {name!r} is not a {wanted.words}")
    return found


def _claims(config: Config) -> list[str]:
    found: list[str] = []
    for pair in config.claims.pairs or []:
        found.extend(f"claims.pairs: there is no model {name!r}" for name in pair if name not in config.models)
        if pair[0] == pair[1]:
            found.append(f"claims.pairs: {pair[0]!r} is paired with itself")
    return found
