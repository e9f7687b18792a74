# The checked config, the plan of jobs, and what every rule uses.

import json
import os
import re
import sys
from functools import cache
from pathlib import Path
from shlex import quote

from snakemake.exceptions import WorkflowError

from advmri.attacks.settings import longer_search
from advmri.config.defaults import with_defaults
from advmri.config.validate import validate_config
from advmri.errors import InputError
from advmri.config.factory_code import factory_digest, in_project, module_of
from advmri.config.planning import Plan
from advmri.provenance.sources import WORKFLOW, check_working_folder, outside_path, source_paths, sources_digest

# Programs run as `python -m`: make that the Python that runs Snakemake, unless a conda environment comes before it, and
# let it find the programs of this repository from other folders too.
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]))
os.environ.update(outside_path())

# A module's `prefix:` is for what the workflow makes, not for code and data that are there.
IN_MODULE = not workflow.modifier.is_main_snakefile()

try:
    check_working_folder()
    config.update(with_defaults(config))
    CONFIG = validate_config(config)
    PLAN = Plan(CONFIG)
    NOTES = PLAN.fetch_annotations() if workflow.is_main_process else []
    PLAN.audited_slices
    PLAN.training_volumes
    if workflow.is_main_process:
        PLAN.check_files()
        for note in NOTES + PLAN.notes():
            print(f"note: {note}", file=sys.stderr)
except InputError as error:
    raise WorkflowError(f"{error}") from None

RESULTS = f"results/{CONFIG.name}"
CAPTIONS = "report" if Path.cwd() == WORKFLOW else str(WORKFLOW / "report")
LOGS = f"logs/{CONFIG.name}"


wildcard_constraints:
    split="train|val",
    volume=r"[^/]+",
    model="|".join(map(re.escape, CONFIG.models)),
    attack="|".join(map(re.escape, CONFIG.attacks)),
    acceleration=r"\d+",
    slices=r"\d+(-\d+)?",


def code(program, *modules):
    """Source files of a program, and of modules that it imports by name: inputs of its rule."""
    return source_paths([f"workflow_scripts.{program}", *modules], absolute=IN_MODULE)


@cache
def code_digest(program, *modules):
    """SHA-256 over those files, noted in results."""
    return sources_digest([f"workflow_scripts.{program}", *modules])


def as_json(settings, exclude=None):
    """A part of the config as one command-line argument."""
    return json.dumps(settings.model_dump(mode="json", exclude=exclude), sort_keys=True)


def architecture_module(model):
    """The module that a model's checkpoint is loaded with: the user's, where it lies in this folder."""
    settings = CONFIG.models[model]
    if settings.factory is None:
        return f"advmri.reconstruction.{settings.architecture}"
    return module_of(settings.factory) if in_project(settings.factory) else "advmri.reconstruction.user_model"


def modules_of_attack(attack):
    """The modules that an attack loads by name."""
    return CONFIG.attacks[attack].modules()


def modules_of_reading(attacks):
    """The modules with which what these attacks stored is read by name."""
    return sorted({module for attack in attacks for module in CONFIG.attacks[attack].reading_modules()})


def outside_code(model):
    """The state of a factory's code that cannot be an input, since it lies elsewhere."""
    factory = CONFIG.models[model].factory
    return "" if factory is None else factory_digest(factory)


def growing(amount, most=None):
    """A resource that grows with every attempt, up to `most`: a job killed for want of it is retried with more.

    Retries come from the profile. A rule's own `retries:` would repeat the job inside the same SLURM allocation, with
    the same memory.
    """
    return lambda wildcards, attempt: min(amount * attempt, most or amount * attempt)


def minutes(amount):
    """A time limit in minutes that grows with every attempt, to a day at most, which partitions commonly allow."""
    return growing(amount, most=1440)


def modules_of_convergence(model):
    """The modules that a convergence job loads by name."""
    asked = CONFIG.convergence
    found = {architecture_module(model)}
    for optimiser in asked.optimisers if asked.attack else []:
        attack = CONFIG.attacks[asked.attack]
        found.update(longer_search(attack, optimiser, max(attack.severities), min(asked.steps), 1).modules())
    return sorted(found)


def given(path):
    """A file that is there before the workflow runs."""
    return os.path.abspath(path) if IN_MODULE else str(path)


def dataset_file(path):
    """A file of the dataset, which is there or made here."""
    return str(path) if CONFIG.dataset.kind == "simulated" else given(path)


def volume_file(split):
    """Where a volume of a split lies, as a pattern."""
    return dataset_file(f"{PLAN.root}/multicoil_{split}/{{volume}}.h5")


def boxes_digest(volume):
    """What the boxes of a volume follow from; those of simulated volumes change with the volumes, or their code."""
    return code_digest("simulate_annotations") if CONFIG.dataset.kind == "simulated" else PLAN.boxes_digest(volume)


def trained_models(trained=True):
    """A regular expression of the models that are trained here, or of those taken from checkpoints."""
    names = [re.escape(name) for name, model in CONFIG.models.items() if (model.training is not None) == trained]
    return "|".join(names) or "$^"


def given_checkpoint(wildcards):
    """The weights of a model that is not trained here; a factory may need none."""
    pattern = CONFIG.models[wildcards.model].checkpoint
    return [] if pattern is None else given(pattern.format(acceleration=wildcards.acceleration))


def option(name, value):
    """An option of a program; nothing where there is no value."""
    return f"{name} {quote(str(value))}" if value else ""


def attack_jobs(pattern, attacks=tuple(CONFIG.attacks), accelerations=tuple(CONFIG.accelerations)):
    """Fill a pattern in for every attack job of the plan."""
    return [
        pattern.format(attack=attack, model=model, acceleration=acceleration, volume=volume, slices=slices)
        for attack in attacks
        for model in CONFIG.models
        for acceleration in accelerations
        for volume in PLAN.audited_volumes
        for slices in PLAN.slice_jobs(volume)
    ]


COMPUTE = f"--device {CONFIG.compute.device} --precision {CONFIG.compute.precision} --threads {CONFIG.compute.threads}"

# Asked for on a cluster; a single machine ignores it unless `--resources gpu=1` says how many there are.
GPUS = 0 if CONFIG.compute.device == "cpu" else 1

# A training job may have several of them. On one node Lightning starts a process for each; over several nodes srun does,
# inside an allocation without an outer srun (`mpi` tells the SLURM executor so).
TRAINING_RESOURCES = {"gpu": GPUS * CONFIG.compute.training_processes}
TRAINING_THREADS = CONFIG.compute.threads
TRAINING_LAUNCH = ""
if CONFIG.compute.nodes > 1:
    per_node = CONFIG.compute.devices
    TRAINING_RESOURCES |= {"mpi": "srun", "nodes": CONFIG.compute.nodes}
    # The executor refuses one task per node, and would take `tasks` for tasks per GPU.
    several = {"tasks_per_node": per_node}
    TRAINING_RESOURCES |= several if per_node > 1 else {"tasks": CONFIG.compute.nodes, "tasks_per_gpu": 0}
    TRAINING_LAUNCH = f"srun --nodes={CONFIG.compute.nodes} --ntasks-per-node={per_node} "
else:
    TRAINING_THREADS *= CONFIG.compute.training_processes

ATTACK_FILE = f"{RESULTS}/attacks/{{attack}}/{{model}}-{{acceleration}}x/{{volume}}/slices_{{slices}}.h5"

SAMPLED = PLAN.sampled_slices(CONFIG.convergence.slices) if CONFIG.convergence.attack else []
CONVERGENCE_FIGURE = [f"{RESULTS}/figures/figure_convergence.png"] if CONFIG.convergence.attack else []

# Per figure: what it shows, the roles it needs, and whether it reads attack files (none, of one acceleration, of all).
FIGURE_PLAN = {
    "figure_1a": ("SSIM in boxes against noise level", ("region_attack",), "none"),
    "figure_1b": ("Attack on boxes and on the whole image", ("region_attack", "image_attack"), "none"),
    "figure_2": ("Clean and attacked reconstructions", ("region_attack",), "one"),
    "figure_3": ("Attack on a box and on the whole image", ("region_attack", "image_attack"), "one"),
    "figure_4a": ("SSIM in boxes against rotation", ("rotation_attack",), "none"),
    "figure_4b": ("SSIM against angle in one slice", ("rotation_attack",), "all"),
    "figure_5": ("Worst rotation of one slice", ("rotation_attack",), "one"),
    "figure_quality": ("Clean quality", (), "none"),
}
FIGURES = [
    figure for figure, (_, roles, _) in FIGURE_PLAN.items() if all(getattr(CONFIG.figures, role) for role in roles)
]
TRAINED = [name for name, model in CONFIG.models.items() if model.training is not None]
TRAINING_FIGURE = [f"{RESULTS}/figures/figure_training.png"] if TRAINED else []
RUN_FIGURES = [*(f"{RESULTS}/figures/{figure}.png" for figure in FIGURES), *TRAINING_FIGURE, *CONVERGENCE_FIGURE]


def figure_labels(figure, shows):
    """What the report says of a figure; of two in words that differ in one place, or its page fails (Snakemake 9.27)."""
    return {"figure": figure, "shows": shows} if len(RUN_FIGURES) != 2 else {"figure": f"{figure}: {shows}"}


SHOWCASE_ACCELERATION = CONFIG.figures.showcase.acceleration or max(CONFIG.accelerations)


CLAIM_ROLES = {
    role: name
    for role in ("region_attack", "image_attack", "rotation_attack")
    if (name := getattr(CONFIG.figures, role))
}


CLAIM_SWEEPS = [name for role, name in CLAIM_ROLES.items() if role == "rotation_attack"]


def figure_attacks(figure):
    """The attacks whose files a figure may read."""
    _, roles, read = FIGURE_PLAN[figure]
    return [] if read == "none" else [getattr(CONFIG.figures, role) for role in roles]


def figure_attack_files(wildcards):
    """The attack files that a figure may read: which slice it shows is decided by the scores."""
    return attack_jobs(
        ATTACK_FILE,
        attacks=figure_attacks(wildcards.figure),
        accelerations=[SHOWCASE_ACCELERATION] if FIGURE_PLAN[wildcards.figure][2] == "one" else CONFIG.accelerations,
    )


def figure_settings(wildcards):
    """The config's part for a figure; models as a list, since their order gives the colours."""
    settings = CONFIG.figures.model_dump(mode="json", exclude={"showcase", "flip_up_down"})
    if FIGURE_PLAN[wildcards.figure][2] != "none":
        settings |= CONFIG.figures.showcase.model_dump(mode="json") | {"flip_up_down": CONFIG.figures.flip_up_down}
    settings["models"] = [[name, model.label or name] for name, model in CONFIG.models.items()]
    settings |= {"accelerations": CONFIG.accelerations, "confidence": CONFIG.statistics.confidence}
    if "region_attack" in FIGURE_PLAN[wildcards.figure][1]:
        settings["severity_axis"] = CONFIG.attacks[CONFIG.figures.region_attack].SEVERITY.axis
    if "rotation_attack" in FIGURE_PLAN[wildcards.figure][1]:
        settings["rotation_selection"] = CONFIG.attacks[CONFIG.figures.rotation_attack].selection
    return json.dumps(settings, sort_keys=True)
