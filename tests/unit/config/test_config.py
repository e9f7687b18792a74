"""The config: every error at once with its place, presets that override, names that stay inside their folder."""

import copy
import json
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config
from support import ROOT

from advmri.config import architecture_files
from advmri.config.schema import config_schema
from advmri.config.validate import validate_config
from advmri.errors import InputError

PRESETS = sorted((ROOT / "configs").glob("*.yaml"))
ESCAPES = [
    "../x",
    "a/b",
    "/x",
    "",
    " ",
    "a b",
    "a'b",
    'a"b',
    "a\n",
    "a\nb",
    "a\\b",
    "..",
    ".",
    "-x",
    "a;b",
    "a{b}",
    "$x",
]


def default():
    return yaml.safe_load((ROOT / "config.yaml").read_text())


def changed(**entries):
    """The default config with entries replaced, given by `a__b__c`."""
    content = default()
    for path, value in entries.items():
        place = content
        *parents, last = path.split("__")
        for name in parents:
            place = place[name.replace("_", "-") if name not in place else name]
        place[last] = value
    return content


def problems_of(content):
    with pytest.raises(InputError) as caught:
        validate_config(content)
    head, *lines = str(caught.value).splitlines()
    assert head == "the config has errors:"
    return lines


def test_the_default_config_is_valid():
    config = validate_config(default())
    assert config.name == "demo" and config.dataset.kind == "simulated"


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.name)
def test_presets_override_the_default_config(preset):
    content = default()
    changes = yaml.safe_load(preset.read_text())
    assert "name" in changes, "a preset needs results of its own"
    update_config(content, changes)
    if content["dataset"]["kind"] == "fastmri":  # the user says where, as the preset's first lines do
        update_config(content, {"dataset": {"root": "/volumes", "annotations": "/boxes.csv"}})
    config = validate_config(content)
    assert config.name == changes["name"] != "demo"


def test_unknown_keys_are_rejected_wherever_they_are():
    lines = problems_of(
        changed(
            nmae="x",
            dataset__simulation__slcies=3,
            models__unet__training__step=1,
            models__unet__training__augmentation__turn=1,
            attack__slices=3,
        )
    )
    places = [
        "nmae",
        "dataset.simulation.slcies",
        "models.unet.training.step",
        "models.unet.training.augmentation.turn",
    ]
    for place in [*places, "attack.slices"]:
        assert any(line.strip().startswith(f"{place}: unknown key") for line in lines), place


def test_unknown_keys_of_attacks_are_rejected():
    content = default()
    content["attacks"]["noise-box"]["stpes"] = 3
    content["attacks"]["rotation"]["steps"] = 3
    lines = problems_of(content)
    assert len(lines) == 2
    assert "attacks.noise-box.stpes:" in lines[0] and "unknown key" in lines[0]
    assert "attacks.rotation" in lines[1] and "steps" in lines[1]


def test_motions_are_checked():
    content = default()
    content["attacks"] |= {
        "shift": {"threat_model": "shift", "severities": [0, 2.5]},
        "rigid": {"threat_model": "rigid", "shift_per_degree": 0.5, "operator": "published"},
    }
    assert validate_config(content).attacks["rigid"].operator == "published"
    content["attacks"]["rotation"]["operator"] = "nearest"
    content["attacks"]["rigid"]["severities"] = [2, 1]
    content["attacks"]["shift"]["operator"] = "shears"
    lines = "\n".join(problems_of(content))
    assert "attacks.rigid.severities: severities must ascend" in lines
    assert "attacks.shift.operator: unknown key" in lines
    del content["attacks"]["rigid"]["severities"], content["attacks"]["shift"]["operator"]
    (line,) = problems_of(content)
    assert "attacks.rotation.operator: no advmri/attacks/motion/operators/nearest.py" in line


def test_all_errors_are_listed_at_once_with_their_place():
    content = changed(
        seed=-1,
        accelerations=[1],
        dataset__kind="other",
        mask__center_fractions={4: 2.0},
        models__unet__training__steps="many",
        statistics={"resamples": 3},
        compute={"device": "tpu"},
    )
    content["attacks"]["noise-box"]["severities"] = [0.1, 0.1]
    del content["models"]["varnet"]["training"]["loss"]
    text = "\n".join(problems_of(content))
    for place in (
        "seed:",
        "accelerations.0:",
        "dataset.kind:",
        "mask.center_fractions.4:",
        "models.unet.training.steps:",
        "models.varnet.training.loss:",
        "statistics.resamples:",
        "compute.device:",
        "severities must ascend",
    ):
        assert place in text, place
    assert "'many'" in text and "'tpu'" in text


def test_inconsistencies_between_parts_are_listed_together():
    content = changed(
        accelerations=[4, 16],
        models__unet__checkpoint="x.pt",
        models__varnet__architecture="resnet",
        figures__region_attack="nobody",
        figures__rotation_attack="noise-box",
    )
    text = "\n".join(problems_of(content))
    for part in (
        "no entry for acceleration 16",
        "models.unet: give either 'training' or 'checkpoint'",
        "models.varnet.architecture: no advmri/reconstruction/resnet.py",
        "figures.region_attack: there is no attack 'nobody'",
        "figures.rotation_attack: attack 'noise-box' is not a rotation attack",
    ):
        assert part in text, part


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("place", ["name", "dataset.name", "models", "attacks"])
def test_names_that_could_leave_their_folder_are_rejected(place, name):
    content = default()
    if place in ("models", "attacks"):
        content[place][name] = copy.deepcopy(next(iter(content[place].values())))
    elif place == "name":
        content["name"] = name
    else:
        content["dataset"]["name"] = name
    assert any(line.strip().startswith(place) for line in problems_of(content))


@pytest.mark.parametrize("name", ["a", "U-Net_2.1", "noise-box", "7T"])
def test_ordinary_names_are_taken(name):
    content = default()
    content["name"] = name
    content["models"][name] = copy.deepcopy(content["models"]["unet"])
    assert name in validate_config(content).models


def test_null_removes_an_entry():
    content = default()
    update_config(content, {"models": {"varnet": None}, "attacks": {"gaussian": None}})
    content["figures"]["control_attack"] = None
    config = validate_config(content)
    assert list(config.models) == ["unet"]
    assert list(config.attacks) == ["noise-box", "noise-image", "rotation"]


def test_no_entry_left_is_an_error():
    assert any("attacks" in line for line in problems_of(changed(attacks={"a": None}, figures={})))


def test_a_figure_whose_attack_was_removed_is_named():
    content = default()
    update_config(content, {"attacks": {"rotation": None}})
    lines = problems_of(content)
    assert len(lines) == 1 and "figures.rotation_attack: there is no attack 'rotation'" in lines[0]


def test_fastmri_data_need_a_folder_and_boxes_and_simulated_ones_take_none():
    assert any(
        "kind fastmri needs root and annotations" in line for line in problems_of(changed(dataset__kind="fastmri"))
    )
    assert any("takes neither root nor annotations" in line for line in problems_of(changed(dataset__root="/x")))


def test_an_empty_config_names_what_is_missing():
    lines = problems_of({})
    assert {line.split(":")[0].strip() for line in lines} == {
        "name",
        "seed",
        "dataset",
        "accelerations",
        "mask",
        "models",
        "attacks",
    }


def test_schema_file_is_in_step():
    stored = json.loads(Path(ROOT / "config.schema.json").read_text())
    assert stored == json.loads(json.dumps(config_schema())), "config.schema.json has drifted: run `make schema`"


def test_every_key_of_the_config_files_is_in_the_schema():
    """The schema an editor uses takes what the files hold."""
    jsonschema = pytest.importorskip("jsonschema")
    content = json.loads(json.dumps(default()))  # as an editor sees it: keys are text
    jsonschema.Draft202012Validator(config_schema()).validate(content)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"checkpoint": "m.pt"}, "give either 'architecture' or 'factory'"),
        ({"architecture": "unet", "factory": "advmri.errors:f", "checkpoint": "m.pt"}, "give either 'architecture'"),
        (
            {"factory": "no_such_package.module:make"},
            "no module no_such_package.module in this folder or on PYTHONPATH",
        ),
        ({"factory": "my_networks"}, "String should match pattern"),
        ({"architecture": "unet", "checkpoint": "m.pt", "trained_on": "val"}, "Input should be 'train', 'train+val'"),
        ({"architecture": "unet", "checkpoint": "m.pt", "contract": {"coils": 0}}, "greater than or equal to 1"),
    ],
)
def test_models_from_elsewhere(settings, named):
    content = default()
    content["models"]["mine"] = settings
    (line,) = problems_of(content)
    assert "models.mine" in line and named in line


@pytest.mark.parametrize("written", [{}, {"arguments": {}}, {"arguments": None}, {"label": "Zero-filled"}])
def test_a_reconstruction_without_weights_is_named_like_any_other(written):
    config = validate_config(changed(models={"zero-filled": {"architecture": "zero_filled"} | written}))
    assert config.models["zero-filled"].network == "zero_filled" and not config.claim_pairs


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"training": {"steps": 1, "loss": "ssim", "optimiser": "Adam", "learning_rate": 0.1}}, "training"),
        ({"checkpoint": "m.pt", "trained_on": "train"}, "checkpoint and trained_on"),
    ],
)
def test_what_has_no_weights_is_neither_trained_nor_loaded(given, named):
    content = default()
    content["models"]["baseline"] = {"architecture": "zero_filled"} | given
    (line,) = problems_of(content)
    remedy = f"remove {named} (null removes what an earlier config file has set)"
    assert line.strip() == f"models.baseline: zero_filled has no weights; {remedy}"
    content["models"]["baseline"] |= dict.fromkeys(given)
    validate_config(content)


def test_arguments_of_a_reconstruction_without_weights_are_checked():
    (line,) = problems_of(changed(models__none={"architecture": "zero_filled", "arguments": {"chans": 3}}))
    assert line.strip() == "models.none.arguments.chans: zero_filled takes no arguments"


def test_any_module_may_say_that_it_has_no_weights(monkeypatch, tmp_path):
    (tmp_path / "cg_sense.py").write_text("HAS_WEIGHTS: bool = False\n\n\ndef build(iterations=10):\n    pass\n")
    (tmp_path / "learned.py").write_text("HAS_WEIGHTS = True\n\n\ndef build():\n    pass\n")
    monkeypatch.setattr(architecture_files, "FOLDER", tmp_path)
    models = {"sense": {"architecture": "cg_sense", "arguments": {"iterations": 3}}}
    validate_config(changed(models=models))
    (line,) = problems_of(changed(models=models | {"other": {"architecture": "learned"}}))
    assert line.strip() == "models.other: give either 'training' or 'checkpoint'"


def test_a_network_does_not_take_the_baselines_name():
    """Its clean quality would be replaced by the baseline's."""
    content = default()
    content["models"]["zero_filled"] = content["models"]["unet"]
    (line,) = problems_of(content)
    assert "models.zero_filled: " in line and "choose another name" in line
    content["models"]["zero_filled"] = {"architecture": "zero_filled"}
    validate_config(content)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"threat_model": "foo"}, "'foo' is none of noise, rotation, shift, rigid"),
        ({"threat_model": ["noise"]}, "['noise'] is none of noise, rotation, shift, rigid"),
        ({"target": "box"}, "missing; give one of noise, rotation, shift, rigid"),
    ],
)
def test_an_unknown_threat_model_is_named_in_plain_words(entry, problem):
    content = default()
    content["attacks"]["mine"] = entry
    (line,) = problems_of(content)
    assert line.strip() == f"attacks.mine.threat_model: {problem}"


def test_the_baseline_may_be_a_model_under_any_name():
    assert validate_config(default()).baseline_models == []
    models = {name: {"architecture": "zero_filled"} for name in ("nothing-learned", "zero_filled")}
    assert validate_config(changed(models=models)).baseline_models == ["nothing-learned", "zero_filled"]


def test_a_network_trained_here_says_itself_what_it_saw():
    assert "trained_on is for checkpoints" in problems_of(changed(models__unet__trained_on="train+val"))[0]


def test_null_takes_all_sizes_from_the_checkpoint():
    model = validate_config(changed(models__unet={"architecture": "unet", "arguments": None, "checkpoint": "m.pt"}))
    assert model.models["unet"].arguments == {} and model.models["unet"].network == "unet"


def test_sections_that_disagree_are_listed_beside_wrong_keys():
    """One error must not hide another kind of error."""
    content = changed(accelerations=[4, 4, 6], figures__region_attack="nope", statistics={"resamples": 1})
    content["models"]["unet"]["arguments"] = {"chanz": 3}
    content["foo"] = 1
    content["attacks"]["noise-box"]["steps"] = 0
    found = "\n".join(problems_of(content))
    for wanted in (
        "foo: unknown key",
        "statistics.resamples: ",
        "attacks.noise-box.steps: ",
        "accelerations: [4, 4, 6] repeats",
    ):
        assert wanted in found
    assert "mask.center_fractions: no entry for acceleration 6" in found
    assert "figures.region_attack: there is no attack 'nope'" in found
    assert "models.unet.arguments.chanz: unet takes chans, num_pool_layers, drop_prob" in found


@pytest.mark.parametrize("architecture", ["protocol", "nothing"])
def test_modules_that_build_no_network_are_named(architecture):
    content = default()
    content["models"]["unet"] |= {"architecture": architecture, "arguments": {}}
    assert any(
        f"no advmri/reconstruction/{architecture}.py with a function build" in one for one in problems_of(content)
    )


def test_infinity_is_no_value():
    content = default()
    content["models"]["unet"]["training"]["learning_rate"] = float("inf")
    assert any("learning_rate" in one for one in problems_of(content))


def test_keys_that_are_numbers_count_whether_they_come_as_numbers_or_as_text():
    """Snakemake's --config gives text, beside the numbers that YAML gives."""
    content = default()
    content["mask"]["center_fractions"] |= {"4": 0.2}
    content["claims"] = {"pairs": [["varnet", "unet"]]}
    assert validate_config(content).mask.center_fractions == {4: 0.2, 8: 0.04}


@pytest.mark.parametrize(
    ("fractions", "columns", "named"),
    [
        ({4: 0.25, 8: 0.04}, 160, "mask.center_fractions.4: a centre of 0.25 alone is more than 1/4"),
        ({4: 0.08, 8: 0.3}, 160, "mask.center_fractions.8: a centre of 0.3 alone is more than 1/8"),
        ({4: 0.002, 8: 0.04}, 160, "mask.center_fractions.4: 0.002 of 160 columns"),
        ({4: 0.247, 8: 0.04}, 160, "mask.center_fractions.4: 40 central columns of 160"),
    ],
)
def test_centres_that_leave_no_room_are_refused(fractions, columns, named):
    content = default()
    content["mask"]["center_fractions"] = fractions
    content["dataset"]["simulation"]["columns"] = columns
    with pytest.raises(InputError) as error:
        validate_config(content)
    assert named in str(error.value) and len(str(error.value).splitlines()) == 2


def test_a_centre_of_an_acceleration_that_is_not_asked_for_is_no_matter():
    content = default()
    content["mask"]["center_fractions"][16] = 0.5
    validate_config(content)


@pytest.mark.parametrize(
    ("training", "named"),
    [
        ({"warmup_steps": 450}, "warmup_steps: 450 of 450 steps"),
        ({"holdout_every": 5}, "holdout_every: not used without holdout_volumes"),
        ({"holdout_volumes": 20}, "holdout_volumes: 20 of 20 volumes"),
    ],
)
def test_what_a_training_could_not_use_is_refused(training, named):
    content = default()
    content["models"]["unet"]["training"] |= training
    with pytest.raises(InputError, match=rf"models\.unet\.training\.{named}"):
        validate_config(content)
