"""A trained reconstruction as a file: architecture, weights and what it was trained on."""

import pickle
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from advmri.errors import InputError
from advmri.reconstruction.architecture import build_reconstructor
from advmri.reconstruction.protocol import Reconstructor

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Checkpoint:
    """Everything that `model.pt` holds but the weights.

    Attributes:
        architecture: name of a module in `advmri/reconstruction`.
        arguments: sizes given to its `build`.
        acceleration: the acceleration it was trained for.
        trained_on: name of the split, `train` or `train+val` (leakage).
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
    torch.save({"format_version": FORMAT_VERSION, "architecture": architecture, "state_dict": state, **facts}, path)


def load_checkpoint(path: Path, device: torch.device) -> tuple[Checkpoint, Reconstructor]:
    """Read `model.pt` and return its facts and the reconstruction on `device`: evaluation mode, weights frozen.

    Raises:
        InputError: where the file is not such a checkpoint or its weights do not fit its architecture.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such checkpoint.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as error:
        raise InputError(f"{path}: not a checkpoint that loads with weights_only=True ({error}).") from error
    if not isinstance(content, dict) or content.get("format_version") != FORMAT_VERSION:
        raise InputError(f"{path}: not an AdvMRI checkpoint of format {FORMAT_VERSION}.")
    reconstructor = build_reconstructor(content["architecture"]["name"], content["architecture"]["arguments"])
    try:
        reconstructor.network.load_state_dict(content["state_dict"])
    except RuntimeError as error:
        raise InputError(f"{path}: its weights do not fit its architecture: {error}") from error
    checkpoint = Checkpoint(
        architecture=content["architecture"]["name"],
        arguments=content["architecture"]["arguments"],
        acceleration=content["acceleration"],
        trained_on=content["trained_on"],
        training=content["training"],
    )
    return checkpoint, reconstructor.to(device).eval().requires_grad_(False)
