"""Check a config as read from YAML: every key, and whether the sections agree."""

from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from advmri.config.consistency import disagreements
from advmri.config.errors import error_lines, is_about, without_errors
from advmri.config.schema import Config
from advmri.errors import InputError


def _numbers_as_keys(content: Any) -> Any:
    """Return the same with keys that are numbers as numbers.

    YAML's are; those of `--config` are text and come beside them. They are later, so they count.
    """
    if isinstance(content, list):
        return [_numbers_as_keys(value) for value in content]
    if not isinstance(content, dict):
        return content
    values = {key: _numbers_as_keys(value) for key, value in content.items()}
    if not all(isinstance(key, int) or (isinstance(key, str) and key.isdecimal()) for key in values):
        return values
    texts = {int(key): value for key, value in values.items() if isinstance(key, str)}
    return {key: value for key, value in values.items() if isinstance(key, int)} | texts


def validate_config(content: dict[str, Any]) -> Config:
    """Check a config as read from YAML.

    Raises:
        InputError: with every error found, one per line with its place.
    """
    lines: list[str] = []
    config = None
    content = _numbers_as_keys(content)
    try:
        config = Config.model_validate(content)
        lines = disagreements(config)
    except ValidationError as error:
        lines = error_lines(error)
        # Whether sections agree can be told of valid ones only: so without the keys in error.
        with suppress(ValidationError):
            rest = Config.model_validate(without_errors(content, error))
            lines += [line for line in disagreements(rest) if not is_about(line, error)]
    if config is None or lines:
        raise InputError("the config has errors:\n" + "\n".join(f"  {line}" for line in lines))
    return config
