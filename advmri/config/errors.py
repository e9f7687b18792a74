"""Errors that pydantic finds in a config, as lines with the place in the file, and the config without them."""

from copy import deepcopy
from itertools import takewhile
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from advmri.attacks.settings import choice_error

Place = tuple[int | str, ...]


def _place(error: ErrorDetails) -> Place:
    """Return the keys of an error's place as they stand in the file: pydantic adds choices of an attack's family."""
    location = error["loc"]
    if location[:1] != ("attacks",):
        return location
    return location[:2] + tuple(key for key in location[3:] if not _is_tag(key))


def _is_tag(key: int | str) -> bool:
    """Whether a part of a place is a choice within a family, `optimiser=pgd`, and no key."""
    return isinstance(key, str) and "=" in key


def _name(place: Place) -> str:
    return ".".join(map(str, place))


def _found(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False)


def _lines(error: ErrorDetails) -> list[str]:
    place = _name(_place(error)) or "config"
    if error["type"] == "extra_forbidden":
        for chosen in filter(_is_tag, error["loc"]):
            return [
                f"{place}: unknown key of {str(chosen).replace('=', ' ')}, which would ignore it; take it out (null"
                " removes what another file sets)"
            ]
        return [f"{place}: unknown key; see config.schema.json for the known ones"]
    wrong_choice = choice_error(error)
    if wrong_choice is not None:
        return [f"{place}.{wrong_choice}"]
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] not in ("value_error", "missing"):
        message = f"{message} (found {error['input']!r})"
    return [f"{place}: {part}" for part in message.split("\n")]


def error_lines(error: ValidationError) -> list[str]:
    """Return every error as a line with its place."""
    return [line for one in _found(error) for line in _lines(one)]


def without_errors(content: dict[str, Any], error: ValidationError) -> dict[str, Any]:
    """Return the config without the keys in error, so that the rest can be checked."""
    rest = deepcopy(content)
    for place in map(_place, _found(error)):
        keys = list(takewhile(lambda key: isinstance(key, str), place))
        entry: Any = rest
        for key in keys[:-1]:
            entry = entry.get(key) if isinstance(entry, dict) else None
        if keys and isinstance(entry, dict):
            entry.pop(keys[-1], None)
    return rest


def is_about(line: str, error: ValidationError) -> bool:
    """Return whether a line is about an entry that has a key in error: what the entry lacks then is no finding."""
    return line.startswith(tuple(_name(place[:2]) for place in map(_place, _found(error)) if place))
