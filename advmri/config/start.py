"""The config that an audit starts from: `configs/start.yaml` with the user's own name, data and checkpoints."""

import json
import re
from collections.abc import Mapping

import yaml

from advmri.config.defaults import DEFAULTS
from advmri.errors import InputError
from advmri.provenance.sources import WORKFLOW

START = WORKFLOW / "configs" / "start.yaml"
VALUES = {"name": "name", "dataset": "  name", "root": "  root", "annotations": "  annotations"}
"""What can be given, by how its line in the file begins."""
MODELS = re.compile(r"# Trained here.*?(?=\n# Noise)", re.DOTALL)
CHECKPOINTS = """\
# Taken over. Where a file does not say what it was trained on, as fastMRI's do not, add `trained_on: train` (or
# `train+val`, as fastMRI's published weights were).
models:
"""


def _scalar(value: str) -> str:
    """Return a text as YAML, in quotes where YAML would read something else."""
    try:
        plain = yaml.safe_load(value) == value
    except yaml.YAMLError:
        plain = False
    return value if plain else json.dumps(value, ensure_ascii=False)


def start_text(given: Mapping[str, str], checkpoints: Mapping[str, str]) -> str:
    """Return the config's text.

    Args:
        given: values by the keys of `VALUES`; those left out stay as in the file.
        checkpoints: by the names of the default run's models: taken over in place of training; others are left out.

    Raises:
        InputError: where the default run has no model of that name.
    """
    text = START.read_text(encoding="utf-8")
    for key, value in given.items():
        line = re.compile(rf"^{VALUES[key]}: \S+( #.*)?$", re.MULTILINE)
        text, count = line.subn(f"{VALUES[key]}: {_scalar(value)}".replace("\\", r"\\"), text, count=1)
        assert count, f"{START} has a line for {key}"
    if not checkpoints:
        return text
    known = yaml.safe_load(DEFAULTS.read_text(encoding="utf-8"))["models"]
    for name in set(checkpoints) - set(known):
        raise InputError(
            f"--checkpoint {name}: of {' and '.join(known)} the default run knows the networks; for one of your own"
            " write the file without it, and give the model a `factory`."
        )
    lines = [
        f"  {name}: {{training: null, arguments: null, checkpoint: {json.dumps(checkpoints[name])}}}\n"
        if name in checkpoints
        else f"  {name}: null\n"
        for name in known
    ]
    return MODELS.sub(lambda _: CHECKPOINTS + "".join(lines), text, count=1)
