"""A trained reconstruction as a file: architecture, weights and what it was trained on."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from advmri.errors import InputError
from advmri.reconstruction.architecture import build_reconstructor
from advmri.reconstruction.protocol import Reconstructor
from advmri.reconstruction.user_model import is_factory
from advmri.reconstruction.weights.fastmri_layout import SIZES
from advmri.reconstruction.weights.weights_file import load_weights, read_torch_file
from advmri.storage.guarded_file import guarded_file

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Checkpoint:
    """Everything that `model.pt` holds but the weights.

    Attributes:
        architecture: name of a module in `advmri/reconstruction`, or a user's factory `package.module:function`.
        arguments: sizes given to its `build`, or to the factory.
        acceleration: the acceleration it was trained for.
        trained_on: name of the split, `train` or `train+val` (leakage), or `nothing` for what has no training.
        training: settings and facts of the training.
    """

    architecture: str
    arguments: dict[str, Any]
    acceleration: int
    trained_on: str
    training: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(path: Path, checkpoint: Checkpoint, reconstructor: Reconstructor) -> None:
    """Write `model.pt`, loadable with `torch.load(weights_only=True)`; state_dict keys are those of fastmri.models."""
    facts = asdict(checkpoint)
    architecture = {"name": facts.pop("architecture"), "arguments": facts.pop("arguments")}
    state = {key: value.detach().cpu() for key, value in reconstructor.network.state_dict().items()}
    content = {"format_version": FORMAT_VERSION, "architecture": architecture, "state_dict": state, **facts}
    with guarded_file(path) as file:
        torch.save(content, file)


def is_checkpoint(content: Any) -> bool:
    """Whether this is what `save_checkpoint` writes."""
    return isinstance(content, dict) and content.get("format_version") == FORMAT_VERSION


def facts_of(content: dict[str, Any], path: Path) -> Checkpoint:
    """Return the facts in the content of a `model.pt`; raises InputError where some are missing."""
    architecture = content.get("architecture")
    parts = architecture if isinstance(architecture, dict) else {}
    kinds = {"name": str, "arguments": dict, "acceleration": int, "trained_on": str, "training": dict}
    facts: dict[str, Any] = {key: parts.get(key, content.get(key)) for key in kinds}
    wrong = [key for key, kind in kinds.items() if not isinstance(facts[key], kind)]
    if wrong or not isinstance(content.get("state_dict"), Mapping):
        named = ", ".join(wrong) or "state_dict"
        raise InputError(f"{path}: not a whole checkpoint: {named} missing or of the wrong type; export it anew.")
    return Checkpoint(architecture=facts.pop("name"), **facts)


def build_with_weights(
    architecture: str, arguments: dict[str, Any], state: Mapping[str, Tensor], path: Path
) -> Reconstructor:
    """Make a reconstruction with given weights.

    fastMRI's networks are made on torch's `meta` device and take the tensors of `state` as they are: the random
    weights that they would start with are not drawn, and a file mapped into memory is not copied.
    """
    with torch.device("meta") if architecture in SIZES else nullcontext():
        reconstructor = build_reconstructor(architecture, arguments)
    sizes = ", ".join(f"{key} {value}" for key, value in arguments.items())
    load_weights(reconstructor.network, state, path, f"{architecture} ({sizes})" if sizes else architecture)
    return reconstructor


def load_checkpoint(path: Path, device: torch.device, factory: str | None = None) -> tuple[Checkpoint, Reconstructor]:
    """Read `model.pt` and return its facts and the reconstruction on `device`: evaluation mode, weights frozen.

    Args:
        path: of the file.
        device: where the network goes.
        factory: the one that may be called. A file that names another could have any function of any package run.

    Raises:
        InputError: where the file is not such a checkpoint, its weights do not fit its architecture, or it names a
            factory that is not the given one.
    """
    content = read_torch_file(path)
    if not is_checkpoint(content):
        raise InputError(f"{path}: not an AdvMRI checkpoint of format {FORMAT_VERSION}.")
    checkpoint = facts_of(content, path)
    if is_factory(checkpoint.architecture) and checkpoint.architecture != factory:
        raise InputError(
            f"{path}: names the factory {checkpoint.architecture!r}, where {factory!r} is given; what code runs is not"
            " for the file to say: give --factory, or name it in the config, if you trust it."
        )
    reconstructor = build_with_weights(checkpoint.architecture, checkpoint.arguments, content["state_dict"], path)
    return checkpoint, reconstructor.to(device).eval().requires_grad_(False)
