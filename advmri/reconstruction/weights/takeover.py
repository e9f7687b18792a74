"""Reconstructions not trained here: our `model.pt`, fastMRI's files, a user's factory, or one without weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from advmri.errors import InputError
from advmri.reconstruction.architecture import build_reconstructor
from advmri.reconstruction.protocol import Reconstructor
from advmri.reconstruction.user_model import is_factory
from advmri.reconstruction.weights.checkpoint import Checkpoint, build_with_weights, facts_of, is_checkpoint
from advmri.reconstruction.weights.fastmri_layout import SIZES, recognise, without_compiled, without_prefix
from advmri.reconstruction.weights.weights_file import WEIGHTS_AT, is_state_dict, load_weights, read_torch_file

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Wanted:
    """What the config says of a model.

    Attributes:
        architecture: a module of `advmri/reconstruction`, or a factory.
        arguments: sizes; those left out are taken from the file.
        acceleration: that it is audited at.
        trained_on: None leaves it to the file.
    """

    architecture: str
    arguments: dict[str, Any]
    acceleration: int
    trained_on: str | None = None


@dataclass(frozen=True)
class TakenOver:
    """What was found.

    Attributes:
        checkpoint: its facts.
        reconstructor: in evaluation mode, weights frozen.
        complete: whether the file is a `model.pt` already, to be copied as it is.
    """

    checkpoint: Checkpoint
    reconstructor: Reconstructor
    complete: bool


def _words(architecture: str, sizes: Mapping[str, Any]) -> str:
    listed = ", ".join(f"{key} {value}" for key, value in sizes.items())
    return f"{architecture} with {listed}" if listed else architecture


def _check_sizes(path: Path, wanted: Wanted, architecture: str, found: Mapping[str, Any]) -> None:
    """Compare what the config gives with what the file holds; one message names both."""
    differ = {key for key, value in wanted.arguments.items() if key in found and found[key] != value}
    if architecture != wanted.architecture or differ:
        raise InputError(
            f"{path}: found {_words(architecture, found)}, expected {_words(wanted.architecture, wanted.arguments)};"
            f" correct the model's architecture or arguments in the config (arguments: null takes the file's sizes)."
        )


def _trained_on(path: Path | None, wanted: Wanted) -> str:
    if wanted.trained_on is None:
        raise InputError(
            f"{path or wanted.architecture}: does not say what it was trained on; set the model's trained_on to train,"
            f" train+val (fastMRI's published weights have seen the validation volumes) or nothing."
        )
    return wanted.trained_on


def _own(path: Path, content: dict[str, Any], wanted: Wanted) -> tuple[Checkpoint, Reconstructor]:
    """Take a `model.pt` of this project, which says everything itself."""
    checkpoint = facts_of(content, path)
    _check_sizes(path, wanted, checkpoint.architecture, checkpoint.arguments)
    if checkpoint.acceleration != wanted.acceleration:
        raise InputError(
            f"{path}: its acceleration is {checkpoint.acceleration}, the config says {wanted.acceleration}."
        )
    if wanted.trained_on not in (None, checkpoint.trained_on):
        raise InputError(
            f"{path}: it was trained on {checkpoint.trained_on!r}, the config says {wanted.trained_on!r}; remove the"
            f" model's trained_on."
        )
    return checkpoint, build_with_weights(checkpoint.architecture, checkpoint.arguments, content["state_dict"], path)


def _state_dict(path: Path, content: Any) -> State:
    """Return the weights in a file: the file itself, or what lies at one of `WEIGHTS_AT`."""
    inside = [content[key] for key in WEIGHTS_AT if key in content] if isinstance(content, dict) else []
    found = next(filter(is_state_dict, [*inside, content]), None)
    if found is None:
        raise InputError(
            f"{path}: no checkpoint of a known layout: expected AdvMRI's model.pt, a state_dict, or one at"
            f" {', '.join(WEIGHTS_AT[:-1])} or {WEIGHTS_AT[-1]} of what training code saved, such as Lightning's."
        )
    return found


def _below_a_prefix(state: State, expected: set[str]) -> State:
    """Return the weights of a network that is an attribute of a saved one; unchanged where no such prefix is found."""
    first = min(expected, default="")
    prefixes = (key.removesuffix(first) for key in state if key.endswith(first))
    for prefix in sorted(prefixes, key=len):
        if all(f"{prefix}{key}" in state for key in expected):
            inside = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
            return {key: value for key, value in inside.items() if not prefix or key in expected}
    return state


def _with_factory(path: Path | None, content: Any, wanted: Wanted) -> Reconstructor:
    """Make a user's network; with a file, its weights are taken from there."""
    reconstructor = build_reconstructor(wanted.architecture, wanted.arguments)
    if path is not None:
        # The factory itself may return a compiled network.
        names = dict(zip(without_compiled(expected := reconstructor.network.state_dict()), expected, strict=True))
        state = _below_a_prefix(without_compiled(_state_dict(path, content)), set(names))
        named = {names.get(key, key): value for key, value in state.items()}
        load_weights(reconstructor.network, named, path, f"the network of {wanted.architecture}")
    return reconstructor


def _of_fastmri(path: Path, state: State, wanted: Wanted) -> tuple[dict[str, Any], Reconstructor]:
    """Take fastMRI's weights; sizes that do not show in them (`crop_readout`) come from the config."""
    if wanted.architecture not in SIZES:
        raise InputError(
            f"{path}: holds weights alone; these are known for {' and '.join(SIZES)}, not for {wanted.architecture}:"
            f" give a model.pt, or a factory."
        )
    state = without_prefix(state)
    found = recognise(state)
    if found is None:
        raise InputError(
            f"{path}: its weights are neither of fastmri.models.Unet nor of VarNet (first: {next(iter(state))});"
            f" a network of your own needs a factory."
        )
    architecture, sizes = found
    _check_sizes(path, wanted, architecture, sizes)
    arguments = wanted.arguments | sizes
    return arguments, build_with_weights(architecture, arguments, state, path)


def _without_weights(wanted: Wanted) -> Reconstructor:
    """Make a reconstruction that computes by itself alone, as `HAS_WEIGHTS = False` in its module says."""
    reconstructor = build_reconstructor(wanted.architecture, wanted.arguments)
    if any(True for _ in reconstructor.parameters()):
        raise InputError(
            f"{wanted.architecture}: its network has weights; give a checkpoint, and remove HAS_WEIGHTS = False from"
            f" its module if it is there."
        )
    return reconstructor


def take_over(path: Path | None, wanted: Wanted) -> TakenOver:
    """Read a reconstruction made elsewhere.

    Args:
        path: our `model.pt`; fastMRI's published layout (a state_dict of `fastmri.models.Unet` or `VarNet`) or a
            checkpoint of its Lightning modules; for a factory also any state_dict. Weights may lie at one of
            `WEIGHTS_AT`, and be of a compiled network. None: the factory has the weights,
            or the architecture none.
        wanted: the config's part. A file that says the same itself must agree with it.

    Raises:
        InputError: one message with what was expected and what was found.
    """
    content: Any = None if path is None else read_torch_file(path)
    complete = path is not None and is_checkpoint(content)
    if path is not None and complete:
        checkpoint, reconstructor = _own(path, content, wanted)
    elif path is None and not is_factory(wanted.architecture):
        reconstructor = _without_weights(wanted)
        checkpoint = Checkpoint(wanted.architecture, wanted.arguments, wanted.acceleration, "nothing")
    else:
        trained_on, arguments = _trained_on(path, wanted), wanted.arguments
        if path is None or is_factory(wanted.architecture):
            reconstructor = _with_factory(path, content, wanted)
        else:
            arguments, reconstructor = _of_fastmri(path, _state_dict(path, content), wanted)
        checkpoint = Checkpoint(wanted.architecture, arguments, wanted.acceleration, trained_on)
    return TakenOver(checkpoint, reconstructor.eval().requires_grad_(False), complete)
