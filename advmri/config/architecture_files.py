"""What a network's module takes, read from its source: the config is checked without importing torch."""

import ast
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "reconstruction"


def architecture_problems(architecture: str, arguments: dict[str, Any]) -> list[str]:
    """Say what is wrong with a network's architecture or the names of its arguments; nothing where all is well.

    Args:
        architecture: a module of advmri/reconstruction with a function `build`.
        arguments: what the config gives to `build`.
    """
    source = FOLDER / f"{architecture}.py"
    tree = ast.parse(source.read_text(encoding="utf-8")) if source.is_file() else ast.Module([], [])
    builds = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "build"]
    if not builds:
        return [f"architecture: no advmri/reconstruction/{architecture}.py with a function build"]
    taken = [one.arg for one in (*builds[0].args.args, *builds[0].args.kwonlyargs)]
    return [
        f"arguments.{name}: {architecture} takes {', '.join(taken) or 'no arguments'}"
        for name in arguments
        if name not in taken
    ]
