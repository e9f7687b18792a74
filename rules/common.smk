# The checked config, the plan of jobs, and what every rule uses.

import json
import os
import re
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

from advmri.config import validate_config
from advmri.errors import InputError
from advmri.planning import Plan
from advmri.provenance import sources, sources_digest

# Programs run as `python -m`: make that the Python that runs Snakemake, unless a conda environment comes before it.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

try:
    CONFIG = validate_config(config)
    PLAN = Plan(CONFIG)
    PLAN.audited_slices
    PLAN.training_volumes
    if workflow.is_main_process:
        PLAN.check_files()
except InputError as error:
    raise WorkflowError(f"{error}") from None

RESULTS = f"results/{CONFIG.name}"
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
    return sources([f"workflow_scripts.{program}", *modules])


@cache
def code_digest(program, *modules):
    """SHA-256 over those files, noted in results."""
    return sources_digest([f"workflow_scripts.{program}", *modules])


def as_json(settings):
    """A part of the config as one command-line argument."""
    return json.dumps(settings.model_dump(mode="json"), sort_keys=True)


def architecture_module(model):
    """The module that a model's checkpoint is loaded with."""
    return f"advmri.reconstruction.{CONFIG.models[model].architecture}"


def optimiser_module(attack):
    """The modules that an attack loads by name."""
    settings = CONFIG.attacks[attack]
    return [f"advmri.attacks.optimisers.{settings.optimiser}"] if settings.threat_model == "noise" else []


def volume_file(split):
    """Where a volume of a split lies, as a pattern."""
    return f"{PLAN.root}/multicoil_{split}/{{volume}}.h5"


COMPUTE = (
    f"--device {CONFIG.compute.device} --precision {CONFIG.compute.precision} --threads {CONFIG.compute.threads}"
)
