"""From an architecture's name to a reconstruction: a module of this folder with a function `build`, or a factory."""

from importlib import import_module, util
from typing import Any

from advmri.errors import InputError
from advmri.reconstruction.protocol import Reconstructor
from advmri.reconstruction.user_model import build_from_factory, is_factory


def build_reconstructor(architecture: str, arguments: dict[str, Any]) -> Reconstructor:
    """Make the reconstruction `architecture` (or a user's factory, `package.module:function`) with `arguments`.

    Raises:
        InputError: where there is no such architecture or it does not take these arguments.
    """
    if is_factory(architecture):
        return build_from_factory(architecture, arguments)
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
