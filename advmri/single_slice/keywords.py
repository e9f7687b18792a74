"""The attack that a user's keywords ask for."""

from importlib.util import find_spec
from typing import Any

import numpy as np
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from advmri.attacks.family import FamilySettings
from advmri.attacks.settings import choice_error, read_settings
from advmri.errors import InputError


def checked_settings(given: dict[str, Any]) -> FamilySettings:
    """Return the settings of an attack, defaults filled in; `threat_model` is `noise` unless it is given.

    Raises:
        InputError: with every setting that is unknown or wrong.
    """
    plain = {
        name: value.tolist() if isinstance(value, np.ndarray | np.generic) else value for name, value in given.items()
    }
    try:
        settings = read_settings({"threat_model": "noise"} | plain)
    except ValidationError as error:
        found = [_line(one) for one in error.errors(include_url=False)]
    else:
        parts = settings.parts()
        found = [
            f"{key}: there is no {name.replace('.', '/')}.py" for key, name in parts.items() if find_spec(name) is None
        ]
    if found:
        raise InputError(f"settings of the attack: {'; '.join(found)}.")
    return settings


def _line(error: ErrorDetails) -> str:
    wrong_choice = choice_error(error)
    if wrong_choice is not None:
        return wrong_choice
    name = next((str(part) for part in reversed(error["loc"]) if isinstance(part, str)), "")
    if error["type"] == "extra_forbidden":
        return f"{name}: unknown to this attack; config.schema.json lists the known ones"
    message = error["msg"].removeprefix("Value error, ")
    return f"{name}: {message}" if error["type"] != "value_error" else message
