"""What the config says of an attack: the families, one line each (imports neither torch nor numpy: Snakemake reads it).

Here alone is it known which families there are; a stored file is read by the `threat_model` in its attribute `attack`.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import Field, TypeAdapter
from pydantic_core import ErrorDetails

from advmri.attacks.family import FamilySettings, StoredResults, stored_results
from advmri.attacks.motion.settings import MotionAttack
from advmri.attacks.noise.optimisers.settings import AnyNoiseAttack
from advmri.errors import InputError

AttackSettings = Annotated[
    AnyNoiseAttack  # additive noise in k-space
    | MotionAttack,  # rigid motion of the patient
    Field(discriminator="threat_model"),
]

Stored = Mapping[str, Any]
"""The attribute `attack` of a file, decoded."""


def read_settings(content: str | Mapping[str, Any]) -> FamilySettings:
    """Return settings from JSON, or from a mapping.

    Raises:
        ValidationError: where they are not those of a family.
    """
    adapter: TypeAdapter[FamilySettings] = TypeAdapter(AttackSettings)
    return adapter.validate_json(content) if isinstance(content, str) else adapter.validate_python(content)


def _members(annotation: Any) -> Iterator[type[FamilySettings]]:
    if isinstance(annotation, type):
        yield annotation
        return
    for part in get_args(annotation):
        if isinstance(part, type) or get_args(part):
            yield from _members(part)


@cache
def kinds() -> tuple[type[FamilySettings], ...]:
    """Return every class of settings, in the union's order."""
    return tuple(_members(AttackSettings))


def _named(kind: type[FamilySettings], key: str) -> str:
    return str(get_args(kind.model_fields[key].annotation)[0])


def threat_models() -> list[str]:
    """Return the names of the threat models, in the union's order."""
    return list(dict.fromkeys(_named(kind, "threat_model") for kind in kinds()))


def choice_error(error: ErrorDetails) -> str | None:
    """Return what is wrong with the key that chooses among the classes, after its name; None for any other error."""
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        key, known = "threat_model", threat_models()
    elif error["type"] == "unknown_optimiser":
        key, known = "optimiser", list(kinds_of(error["input"]["threat_model"]))
    else:
        return None
    given = error["input"].get(key)
    found = "missing; give one" if given is None else f"{given!r} is none"
    return f"{key}: {found} of {', '.join(known)}"


def kinds_of(threat_model: str) -> dict[str, type[FamilySettings]]:
    """Return the classes of a threat model by optimiser.

    Raises:
        InputError: where there is no such threat model.
    """
    found = {_named(kind, "optimiser"): kind for kind in kinds() if _named(kind, "threat_model") == threat_model}
    if not found:
        known = ", ".join(threat_models())
        raise InputError(
            f"threat_model {threat_model!r}: no such family here, only {known}; use the code that wrote it."
        )
    return found


def kind_of(stored: Stored) -> type[FamilySettings]:
    """Return the class of the settings in a file's attribute `attack`: what the file holds follows from that alone."""
    found = kinds_of(str(stored.get("threat_model")))
    return found.get(stored.get("optimiser", ""), next(iter(found.values())))


def reader_of(stored: Stored) -> StoredResults:
    """Return how the datasets of a file with this attribute `attack` are read."""
    return stored_results(kind_of(stored))


def stored_settings(stored: Stored) -> FamilySettings:
    """Return the settings in a file's attribute `attack`.

    Files of before optimisers had settings of their own hold the keys of all of them: those of others are left out.
    """
    found = kinds_of(str(stored.get("threat_model")))
    own = kind_of(stored).model_fields
    others = {key for kind in found.values() for key in kind.model_fields} - set(own)
    return read_settings({key: value for key, value in stored.items() if key not in others})


def longer_search(
    settings: FamilySettings, optimiser: str, severity: float, steps: int, restarts: int
) -> FamilySettings:
    """Return an attack at one severity by a search of so many steps and starts, none of which ends early.

    What else the attack says holds, as far as the optimiser has it.

    Raises:
        InputError: where the threat model has no such optimiser, or its search has no steps.
        ValidationError: where the optimiser cannot honour the attack's other settings.
    """
    known = stepwise_optimisers(settings.threat_model)
    if optimiser not in known:
        raise InputError(f"optimiser {optimiser!r}: none of {settings.threat_model} attacks that searches by steps.")
    kind = kinds_of(settings.threat_model)[optimiser]
    own = {key: value for key, value in settings.model_dump().items() if key in kind.model_fields}
    asked = {"optimiser": optimiser, "severities": [severity], "steps": steps, "restarts": restarts}
    return kind.model_validate(own | dict(kind.WHOLE_SEARCH) | asked)


def stepwise_optimisers(threat_model: str) -> list[str]:
    """Return the optimisers of a threat model whose search can be longer."""
    return [name for name, kind in kinds_of(threat_model).items() if kind.STEPWISE]


def extra_columns() -> tuple[str, ...]:
    """Return what the families add to metrics.csv, in the union's order."""
    return tuple(dict.fromkeys(column for kind in kinds() for column in kind.COLUMNS))
