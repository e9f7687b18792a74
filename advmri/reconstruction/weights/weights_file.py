"""Weights in files of torch: read without running code, compared with a network, put into it."""

import pickle
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

import torch
from torch import Tensor, nn

from advmri.errors import InputError, damaged
from advmri.storage.access import no_access
from advmri.storage.file_kind import file_kind

REFUSED = re.compile(r"GLOBAL `?([\w.]+)|class `?([\w.]+\.\w+)")
ZIP_SIGNATURE = b"PK\x03\x04"
WEIGHTS_AT = ("state_dict", "model_state_dict", "model")
"""Where training code keeps the weights beside epoch and optimiser: Lightning, torch's tutorials, fastMRI's of old."""
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
    if path.is_dir():
        raise InputError(f"{path}: a folder, not a checkpoint; name the file in it.")
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
    except (pickle.UnpicklingError, OSError, RuntimeError, EOFError, ValueError, KeyError, IndexError) as error:
        if unread := no_access(path, error):
            raise unread from error
        if refused := REFUSED.search(str(error)):
            raise InputError(_with_classes(path, refused[1] or refused[2])) from error
        raise InputError(
            f"{path}: not a checkpoint (what torch.save writes) but {_kind(path, zipped)}; check the model's"
            " `checkpoint` in the config."
        ) from error


def _kind(path: Path, zipped: bool) -> str:
    """Return what a file is that torch does not load."""
    return "a zip archive that torch.load refuses" if zipped else file_kind(path)


def _with_classes(path: Path, name: str) -> str:
    """Return what to say of a file that holds an object of a class: its weights alone need no code to be run."""
    module = name.rpartition(".")[0]
    if not module:
        return f"{path}: calls {name}(), which no weights need; it is not loaded (weights_only=True)."
    weights = path.with_name(f"{path.stem}-weights.pt")
    # At WEIGHTS_AT, where `take_over` looks too; else the first value that has weights.
    code = (
        f"import sys, torch; x = torch.load({str(path)!r}, map_location='cpu', weights_only=False);"
        " x = x if isinstance(x, dict) else {'state_dict': x};"
        f" x = {{k: x[k] for k in [*{WEIGHTS_AT}, *x] if k in x}};"
        " found = [v.state_dict() if isinstance(v, torch.nn.Module) else v for v in x.values()];"
        " found = [dict(v) for v in found if isinstance(v, dict) and v];"
        " found = [v for v in found if all(isinstance(one, torch.Tensor) for one in v.values())];"
        " found or sys.exit('no weights at its first level, but: ' + ', '.join(map(str, x)));"
        f" torch.save(found[0], {str(weights)!r})"
    )
    return (
        f"{path}: holds an object of {name}, which is not loaded, as that would run code; if you trust the file, save"
        f" its weights alone, with the Python that has {module} (python -c {quote(code)}), and name {weights} instead."
    )


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
