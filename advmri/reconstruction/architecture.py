"""From an architecture's name to a reconstruction: each is a module of this folder with a function `build`."""

from importlib import import_module, util
from typing import Any

from advmri.errors import InputError
from advmri.reconstruction.protocol import Reconstructor


def build_reconstructor(architecture: str, arguments: dict[str, Any]) -> Reconstructor:
    """Make the reconstruction `architecture` with `arguments`, randomly initialised.

    Raises:
        InputError: where there is no such architecture or it does not take these arguments.
    """
    name = f"advmri.reconstruction.{architecture}"
    if not architecture.isidentifier() or util.find_spec(name) is None:
        raise InputError(f"architecture {architecture!r}: there is no advmri/reconstruction/{architecture}.py.")
    module = import_module(name)
    if not hasattr(module, "build"):
        raise InputError(f"architecture {architecture!r}: {name} has no function 'build'.")
    try:
        return module.build(**arguments)
    except TypeError as error:
        raise InputError(f"architecture {architecture!r} does not take the arguments {arguments}: {error}.") from error
