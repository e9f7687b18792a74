"""What Snakemake imports in every job, and programs that need no network, stay free of heavy packages."""

import subprocess
import sys

import pytest
from support import ROOT

COMPILER = ("torch._inductor", "torch._dynamo", "sympy")
"""Parts of torch that take longer to load than a small attack to run."""
HEAVY = ("torch", "numpy", "pandas", "scipy", "h5py", "skimage", "fastmri", "pytorch_lightning", "matplotlib")
HEAVY += ("pooch", "ismrmrd", "xsdata")


def loaded_by(statement, among=HEAVY):
    """The heavy packages that a fresh Python has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*[name for name in {among!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_what_the_rules_import():
    assert (
        loaded_by(
            "import advmri.config.validate, advmri.config.defaults, advmri.config.planning, advmri.volumes.folder\n"
            "import advmri.config.figure_plan, advmri.config.loaded_modules, advmri.provenance.sources\n"
            "import advmri.storage.layout, advmri.config.packages, advmri.config.report_request\n"
            "advmri.config.packages.notes_on_packages()"
        )
        == set()
    )


def test_planning_a_simulated_run_stays_light():
    plan = (
        "import yaml\nfrom advmri.config.validate import validate_config\nfrom advmri.config.planning import Plan\n"
        "plan = Plan(validate_config(yaml.safe_load(open('config.yaml'))))\n"
        "[plan.slice_jobs(volume) for volume in plan.audited_volumes], plan.training_volumes"
    )
    assert loaded_by(plan) == set()


@pytest.mark.parametrize(
    "program",
    [
        "score",
        "collect",
        "sweeps",
        "claims",
        "showcase",
        "figure",
        "index_volume",
        "show_results",
        "simulate_annotations",
    ],
)
def test_programs_without_a_network_do_not_load_torch(program):
    assert not loaded_by(f"import workflow_scripts.{program}") & {"torch", "fastmri", "pytorch_lightning"}


def test_reading_what_a_family_stored_does_not_load_torch():
    read = "from advmri.attacks.settings import kinds\nfrom advmri.attacks.family import stored_results\n"
    assert loaded_by(f"{read}[stored_results(kind).ARRAYS for kind in kinds()]") <= {"numpy"}


def test_attacking_loads_no_writer_of_headers():
    assert loaded_by("import workflow_scripts.attack", ("ismrmrd", "xsdata", "pooch")) == set()


def test_attacking_does_not_load_torchs_compiler():
    attack = (
        "import workflow_scripts.attack\nfrom workflow_scripts.torch_setup import set_up_torch\n"
        "set_up_torch('cpu', 'float32', 1)\nimport torch\n"
        "assert torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled()"
    )
    assert loaded_by(attack, COMPILER) == set()


def test_the_command_does_not_load_what_it_does_not_call():
    assert loaded_by("import advmri.cli", (*HEAVY, "snakemake", "workflow_scripts", "pydantic")) == set()
