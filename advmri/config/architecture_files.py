"""What a network's module takes, read from its source: the config is checked without importing torch."""

import ast
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "reconstruction"


def _module(architecture: str) -> list[ast.stmt]:
    """Return the statements of a network's module; none where there is no such file."""
    source = FOLDER / f"{architecture}.py"
    return ast.parse(source.read_text(encoding="utf-8")).body if source.is_file() else []


def has_weights(architecture: str) -> bool:
    """Return whether there is something to train or to load: not where its module says `HAS_WEIGHTS = False`."""
    for node in _module(architecture):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "HAS_WEIGHTS" for target in targets):
            value = getattr(node, "value", None)
            return not (isinstance(value, ast.Constant) and value.value is False)
    return True


def architecture_problems(architecture: str, arguments: dict[str, Any]) -> list[str]:
    """Say what is wrong with a network's architecture or its arguments; nothing where all is well.

    Args:
        architecture: a module of advmri/reconstruction with a function `build`.
        arguments: what the config gives to `build`.
    """
    builds = [node for node in _module(architecture) if isinstance(node, ast.FunctionDef) and node.name == "build"]
    if not builds:
        return [f"architecture: no advmri/reconstruction/{architecture}.py with a function build"]
    taken = {one.arg: one.annotation for one in (*builds[0].args.args, *builds[0].args.kwonlyargs)}
    return [
        f"arguments.{name}: {architecture} takes {', '.join(taken) or 'no arguments'}"
        for name in arguments
        if name not in taken
    ] + [
        f"arguments.{name}: {problem} (found {value!r})"
        for name, value in arguments.items()
        if (problem := _value_problem(value, taken.get(name)))
    ]


def _value_problem(value: Any, annotation: ast.expr | None) -> str | None:
    """Return what is wrong with the value of an argument of a plain type; None where nothing is, or no type is given.

    Whole numbers are sizes: none is below 1.
    """
    name = annotation.id if isinstance(annotation, ast.Name) else None
    if name == "bool":
        return None if isinstance(value, bool) else "true or false is wanted"
    if name == "int" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        return "a whole number of at least 1 is wanted"
    if name == "float" and (isinstance(value, bool) or not isinstance(value, int | float)):
        return "a number is wanted"
    return None
