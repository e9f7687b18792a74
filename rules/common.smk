# The checked config, the plan of jobs, and what rules share: paths, code, resources.

import atexit
import json
import os
import re
import sys
from functools import cache
from pathlib import Path
from shlex import quote

from snakemake.exceptions import WorkflowError

from advmri.errors import InputError, missing_package

try:
    import advmri.config.loaded_modules as loaded
    import advmri.storage.layout as layout
    from advmri.config.defaults import with_defaults
    from advmri.config.figure_plan import FigurePlan
    from advmri.config.missing_files import MissingFiles
    from advmri.config.packages import notes_on_packages
    from advmri.config.planning import Plan
    from advmri.config.report_request import check_report
    from advmri.config.validate import validate_config
    from advmri.provenance.planned_code import note_planned_code
    from advmri.provenance.sources import WORKFLOW, check_working_folder, outside_path, source_paths, sources_digest
    from advmri.storage.run_lock import RunLock
except ImportError as error:
    if missing_package(error) is None:
        raise
    raise WorkflowError(missing_package(error)) from None

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
    FIGURES = FigurePlan(CONFIG)
    NOTES = PLAN.fetch_annotations() if workflow.is_main_process else []
    PLAN.audited_slices
    PLAN.training_volumes
    if workflow.is_main_process:
        if not IN_MODULE:
            check_report(sys.argv, Path("results") / CONFIG.name)
        # Jobs in conda environments have packages of their own.
        SAME_PACKAGES = not (workflow.deployment_settings and workflow.deployment_settings.deployment_method)
        note_planned_code(loaded.user_modules(CONFIG), outside=loaded.outside_sources(CONFIG) if SAME_PACKAGES else {})
        PLAN.check_files()
        if SAME_PACKAGES:
            PLAN.check_filters()
            NOTES += notes_on_packages()
        NOTES += PLAN.notes()
except InputError as error:
    raise WorkflowError(f"{error}") from None

RESULTS = f"results/{CONFIG.name}"
# Under a module's `prefix:` files lie elsewhere than their rules say.
MISSING = MissingFiles(PLAN, RESULTS, lambda path, place=workflow.modifier.modify_path: os.path.exists(place(path)))
if workflow.is_main_process:
    for note in NOTES + MISSING.notes():
        print(f"note: {note}", file=sys.stderr)
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


def growing(amount, most=None):
    """A resource that grows with every attempt, up to `most`: a job killed for want of it is retried with more.

    Retries come from the profile. A rule's own `retries:` would repeat the job inside the same SLURM allocation, with
    the same memory.
    """
    return lambda wildcards, attempt: min(amount * attempt, most or amount * attempt)


def minutes(amount):
    """A time limit in minutes that grows with every attempt, to a day at most, which partitions commonly allow."""
    return growing(amount, most=1440)


def given(path):
    """A file that is there before the workflow runs."""
    return os.path.abspath(path) if IN_MODULE else str(path)


def dataset_file(path):
    """A file of the dataset, which is there or made here."""
    return str(path) if CONFIG.dataset.kind == "simulated" else given(path)


def volume_file(split):
    """Where a volume of a split lies, as a pattern."""
    return dataset_file(f"{PLAN.root}/multicoil_{split}/{{volume}}.h5")


def given_checkpoint(wildcards):
    """The weights of a model that is not trained here; a factory may need none."""
    pattern = CONFIG.models[wildcards.model].checkpoint
    return [] if pattern is None else given(pattern.format(acceleration=wildcards.acceleration))


def option(name, value):
    """An option of a program; nothing where there is no value."""
    return f"{name} {quote(str(value))}" if value else ""


def tell_cost():
    """Print how many hours of cores or GPUs the jobs of the plan take."""
    # Here, not above: no job needs it.
    from advmri.config.cost import Costs, computes_on_gpu, cost_lines

    planned = [(job.rule.name, job.wildcards_dict) for job in workflow.dag.needrun_jobs(exclude_finished=False)]
    for line in cost_lines(Costs(PLAN, Path(RESULTS), computes_on_gpu(CONFIG.compute)), planned):
        print(line, file=sys.stderr)


def tell_cost_of_dry_run():
    """The same at the end of a dry run, in which Snakemake calls no `onstart`."""
    quiet = {one.name for one in workflow.output_settings.quiet or ()}
    if workflow.dryrun and workflow.dag is not None and "ALL" not in quiet:
        tell_cost()


if workflow.is_main_process and not IN_MODULE:
    atexit.register(tell_cost_of_dry_run)


COMPUTE = f"--device {CONFIG.compute.device} --precision {CONFIG.compute.precision} --threads {CONFIG.compute.threads}"
# Asked for on a cluster; a single machine ignores it unless `--resources gpu=1` says how many there are.
GPUS = 0 if CONFIG.compute.device == "cpu" else 1
