"""No value is accepted and then not used: each refusal by its place, and no setting that no code reads."""

import ast
import re
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel
from snakemake.utils import update_config
from support import ROOT

from advmri.attacks.motion.motions import rigid, rotation, shift
from advmri.attacks.settings import kinds, kinds_of
from advmri.config.schema import Config
from advmri.config.unused import CLAIM_ROLES
from advmri.config.validate import validate_config
from advmri.errors import InputError
from advmri.figures.settings import ROLES

NOISE = {"threat_model": "noise"}
CHECKPOINTS = {name: {"training": None, "checkpoint": "m.pt"} for name in ("unet", "varnet")}
NO_ROLES = dict.fromkeys(ROLES)
ROTATION_ALONE = {"figures": NO_ROLES | {"rotation_attack": "rotation"}}
EPOCHS = {"training": {"steps": None, "epochs": 1, "batch_size": 100, "warmup_steps": 2}}


def with_changes(**changes):
    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(content, changes)
    return content


def problem_of(**changes):
    """The one line that the config's check has to say."""
    with pytest.raises(InputError) as caught:
        validate_config(with_changes(**changes))
    (line,) = str(caught.value).splitlines()[1:]
    return line.strip()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"attacks": {"noise-box": {"severities": [0]}}}, "attacks.noise-box.severities: 0 alone is no attack"),
        ({"attacks": {"rotation": {"refinement": 3}}}, "attacks.rotation.refinement: 3 moves are no whole rounds of 2"),
        (
            {"attacks": {"s": {"threat_model": "shift", "refinement": 2}}},
            "attacks.s.refinement: 2 moves are no whole rounds of 4; take 0",
        ),
        (
            {"attacks": {"r": {"threat_model": "rigid", "refinement": 13}}},
            "attacks.r.refinement: 13 moves are no whole rounds of 6; take 12",
        ),
        (
            {"attacks": {"noise-box": {"steps": 3, "stop_gain": 0.01}}},
            "attacks.noise-box.stop_gain: never judged in one search of 3 steps; take more than 3",
        ),
        ({"attack": {"slices_per_job": 2, "slices_per_batch": 3}}, "attack.slices_per_batch: 3 slices cannot share"),
        (
            {"attacks": {"noise-box": None, "noise-image": None, "gaussian": None}, "attack": {"slices_per_batch": 2}}
            | ROTATION_ALONE,
            "attack.slices_per_batch: not used without a noise attack",
        ),
        ({"convergence": {"steps": [3]}}, "convergence.steps: not used without convergence.attack"),
        (
            {"convergence": {"attack": "noise-box", "steps": [3, 10, 3]}},
            "convergence.steps: 3 is there more than once; name each once",
        ),
        (
            {"convergence": {"attack": "noise-box", "optimisers": ["pgd", "pgd"]}},
            "convergence.optimisers: 'pgd' is there more than once; name each once",
        ),
        ({"models": {"unet": {"contract": {"coils": 2}}}}, "models.unet.contract: not used by what is trained here"),
        ({"models": {"unet": EPOCHS}}, "models.unet.training.warmup_steps: 2 of 2 steps; take fewer"),
        (
            {"models": CHECKPOINTS, "dataset": {"training_volumes": 3}},
            "dataset.training_volumes: not used, as no model is trained here",
        ),
        (
            {"dataset": {"training_volumes": 21, "simulation": {"train_volumes": 20}}},
            "dataset.training_volumes: 21 of 20 volumes (dataset.simulation.train_volumes); take no more",
        ),
        (
            {"dataset": {"audited_volumes": 6, "simulation": {"val_volumes": 5}}},
            "dataset.audited_volumes: 6 of 5 volumes (dataset.simulation.val_volumes); take no more",
        ),
        (
            {"dataset": {"simulation": {"lesions_per_volume": 0}}},
            "dataset.simulation.lesions_per_volume: 0 leaves nothing to audit",
        ),
        (
            {"figures": {"region_attack": None, "image_attack": None}},
            "figures.control_attack: not shown without figures.region_attack",
        ),
        (
            {"figures": {"region_attack": None, "control_attack": None}},
            "figures.image_attack: not shown without figures.region_attack",
        ),
        (
            {"figures": {"control_attack": "noise-box"}},
            "figures.control_attack: 'noise-box' is figures.region_attack already; name another attack",
        ),
        (
            {"figures": {"showcase": {"severity": 0.02}}},
            "figures.showcase.severity: 0.02 is none of noise-box's severities [0.0, 0.01, 0.025]",
        ),
        (
            {"claims": {"pairs": [["varnet", "unet"], ["varnet", "unet"]]}},
            "claims.pairs: ['varnet', 'unet'] is there more than once; name each once",
        ),
        (
            {"claims": {"pairs": [["varnet", "unet"]]}, "figures": NO_ROLES},
            "claims.pairs: not used without figures.region_attack or figures.rotation_attack",
        ),
        ({"claims": {"pairs": [], "similar_slopes": 2}}, "claims.similar_slopes: not used, as there is no pair"),
        (
            {"claims": {"far_more": 3}} | ROTATION_ALONE,
            "claims.far_more: not used without figures.region_attack and figures.image_attack",
        ),
        ({"claims": {"barely": 0.1}} | ROTATION_ALONE, "claims.barely: not used without figures.region_attack"),
        (
            {"claims": {"isolated": 0.1}, "figures": {"rotation_attack": None}},
            "claims.isolated: not used without figures.rotation_attack",
        ),
        (
            {"compute": {"device": "cpu", "precision": "tf32"}},
            "compute.precision: tf32 is for GPUs, and compute.device is cpu",
        ),
        (
            {"models": {"unet": {"arguments": {"num_pool_layers": 8}}}},
            "models.unet.arguments.num_pool_layers: 8 halvings leave nothing of 144 x 144 pixels; take fewer",
        ),
        (
            {"models": {"unet": {"arguments": {"chans": 0}}}},
            "models.unet.arguments.chans: a whole number of at least 1",
        ),
        (
            {"models": {"unet": {"arguments": {"chans": "8"}}}},
            "models.unet.arguments.chans: a whole number of at least",
        ),
        ({"models": {"varnet": {"arguments": {"crop_readout": 1}}}}, "models.varnet.arguments.crop_readout: true or"),
        ({"models": {"unet": {"arguments": {"drop_prob": "no"}}}}, "models.unet.arguments.drop_prob: a number is"),
    ],
    ids=lambda value: value.partition(":")[0] if isinstance(value, str) else "",
)
def test_what_the_run_would_not_use_is_refused_by_name(changes, line):
    assert problem_of(**changes).startswith(line)


@pytest.mark.parametrize(
    "changes",
    [
        {"convergence": {"attack": None, "steps": [3, 3]}},
        {"attacks": {"noise-box": {"steps": 3, "stop_gain": 0.01, "restarts": 2}}},
        {"attack": {"slices_per_job": 4, "slices_per_batch": 4}},
        {"dataset": {"audited_volumes": 5, "training_volumes": 10}},
        {"models": {"mine": {"factory": "advmri.reconstruction.zero_filled:build", "contract": {"coils": 2}}}},
        {
            "claims": {"similar_slopes": 2},
            "figures": {"region_attack": None, "image_attack": None, "control_attack": None},
        },
        {"figures": {"showcase": {"severity": 0.01}}},
    ],
)
def test_what_is_used_after_all_is_taken(changes):
    validate_config(with_changes(**changes))


def test_rounds_of_the_refinement_are_those_of_the_motions():
    for name, module in (("rotation", rotation), ("shift", shift), ("rigid", rigid)):
        (kind,) = kinds_of(name).values()
        assert 2 * module.Motion.dimensions == kind.MOVES_A_ROUND
        assert kind.model_fields["refinement"].default % kind.MOVES_A_ROUND == 0


def test_the_claims_numbers_have_their_attacks():
    assert set(CLAIM_ROLES) == set(Config.model_fields["claims"].annotation.model_fields) - {"pairs"}


def models_in(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}.union(*(models_in(field.annotation) for field in annotation.model_fields.values()))
    return set().union(*map(models_in, get_args(annotation)))


CHECKS = ("settings.py", "config/consistency.py", "config/unused.py", "config/schema.py")
"""What only judges a value, or says what it means."""


def properties_in(tree):
    """What settings say of themselves under another name, for instance `carries_upwards`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(
            getattr(one, "id", "") == "property" for one in node.decorator_list
        ):
            yield from ast.walk(node)


def names_read():
    """Every name that the product's code takes from something: attributes, texts, fields filled by name."""
    found = set()
    for path in [*ROOT.glob("advmri/**/*.py"), *ROOT.glob("workflow_scripts/*.py")]:
        tree = ast.parse(path.read_text())
        for node in properties_in(tree) if path.as_posix().endswith(CHECKS) else ast.walk(tree):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Constant):
                found.add(node.value)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                # Those of optimisers and motions.
                found.add(node.target.id)
    for path in ROOT.glob("rules/*.smk"):
        for expression in re.findall(r"CONFIG((?:\.[a-z_]+|\[[^]]+\])+)", path.read_text()):
            found |= set(re.findall(r"\.([a-z_]+)", expression))
    return found


def test_every_setting_is_read_somewhere():
    """A key whose value nothing takes would be accepted and not used."""
    settings = models_in(Config) | set(kinds())
    keys = {(model.__name__, key) for model in settings for key in model.model_fields}
    assert len(keys) > 120 and {("PgdAttack", "step_size"), ("ContractSettings", "maximum")} <= keys
    read = names_read()
    assert "nothing_of_this_name" not in read
    assert not {place for place in keys if place[1] not in read}
