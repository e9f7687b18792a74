"""Weights in files of torch: read without running code, compared with a network, put into it."""

import pickle
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from advmri.errors import InputError, damaged
from advmri.storage.access import no_access

REFUSED_CLASS = re.compile(r"(?:GLOBAL|class) `?([\w.]+\.\w+)")
ZIP_SIGNATURE = b"PK\x03\x04"
NAMED = 3
"""Weights that a message names; of further ones it gives the number."""


def archive_damage(path: Path) -> str | None:
    """Return what is wrong with a zip file by its CRC-32 checksums, which torch.load does not look at; else None."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, NotImplementedError, OSError, RuntimeError, ValueError, zlib.error) as error:
        if unread := no_access(path, error):
            raise unread from error
        return f"not a whole zip file ({error})"
    return None if broken is None else f"the CRC-32 of {broken} differs"


def _holds_anything(path: Path) -> bool:
    """Whether any byte is not zero: what a full disk or a lost node leaves of a file often has none."""
    with path.open("rb") as file:
        return any(any(block) for block in iter(lambda: file.read(2**16), b""))


def read_torch_file(path: Path) -> Any:
    """Read what `torch.save` wrote, by `weights_only=True`; zip files are mapped into memory, not copied.

    Raises:
        InputError: where the file is missing, no such file, or holds objects of other classes.
        DamagedFileError: where a zip file's checksums differ.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such checkpoint.")
    if not _holds_anything(path):
        raise damaged(path, "nothing but zeros" if path.stat().st_size else "empty")
    with path.open("rb") as file:
        zipped = file.read(len(ZIP_SIGNATURE)) == ZIP_SIGNATURE or zipfile.is_zipfile(path)
    if zipped and (damage := archive_damage(path)):
        raise damaged(path, damage)
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        refused = REFUSED_CLASS.search(str(error))
        if refused is None:
            raise InputError(f"{path}: not a checkpoint that loads with weights_only=True.") from error
        raise InputError(
            f"{path}: holds an object of {refused[1]}, which weights_only=True does not load; if you trust the file,"
            f" keep its weights alone: torch.save(torch.load(path, weights_only=False)['state_dict'], new_path)."
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise InputError(f"{path}: not a checkpoint that loads with weights_only=True ({error}).") from error


def is_state_dict(content: Any) -> bool:
    """Whether this is a mapping of names to tensors."""
    return (
        isinstance(content, Mapping)
        and len(content) > 0
        and all(isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items())
    )


def _shape(value: Tensor) -> str:
    return "x".join(map(str, value.shape)) or "scalar"


def load_weights(network: nn.Module, state: Mapping[str, Tensor], path: Path, what: str) -> None:
    """Put weights into a network; parameters on torch's `meta` device take the tensors of `state` in their own type.

    Args:
        network: with the keys of `state`.
        state: weights by name.
        path: where they come from, for the message.
        what: the network in words, for instance its architecture and sizes.

    Raises:
        InputError: naming weights that are missing, that are too many, that are not finite or whose shapes differ.
    """
    expected = network.state_dict()
    problems = [f"{key} is missing" for key in expected if key not in state]
    problems += [f"{key} is unknown" for key in state if key not in expected]
    problems += [
        f"{key} is {_shape(state[key])}, expected {_shape(value)}"
        for key, value in expected.items()
        if key in state and state[key].shape != value.shape
    ]
    problems += [f"{key} holds NaN or infinity" for key, value in state.items() if not torch.isfinite(value).all()]
    if problems:
        more = f" (and {len(problems) - NAMED} more)" if len(problems) > NAMED else ""
        raise InputError(f"{path}: its weights do not fit {what}: {'; '.join(problems[:NAMED])}{more}.")
    stored = {key: value.to(expected[key].dtype) for key, value in state.items()}
    network.load_state_dict(stored, assign=any(value.is_meta for value in expected.values()))
