"""The default run, `config.yaml` beside the Snakefile: what a config leaves out is taken from it."""

from typing import Any

import yaml

from advmri.errors import InputError
from advmri.provenance.sources import WORKFLOW

DEFAULTS = WORKFLOW / "config.yaml"


def _merged(below: Any, above: Any) -> Any:
    """Return `above` with what only `below` has, at every level of mappings."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return below | {key: _merged(below[key], value) if key in below else value for key, value in above.items()}


def with_defaults(content: dict[str, Any]) -> dict[str, Any]:
    """Return a config as read from YAML with the default run's entries where it has none.

    A model or attack of the default run is left out by an entry `null`.

    Raises:
        InputError: where the config is empty.
    """
    if not content:
        raise InputError(
            "there is no config: give one with --configfile, or as `config: config[...]` of the module;"
            " `advmri init` writes one to start from."
        )
    merged: dict[str, Any] = _merged(yaml.safe_load(DEFAULTS.read_text(encoding="utf-8")), content)
    return merged
