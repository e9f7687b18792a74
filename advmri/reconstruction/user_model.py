"""A user's own network: made by the user's function, named in the config as `package.module:function`."""

import inspect
from importlib import import_module
from typing import Any

from torch import Tensor, nn

from advmri.errors import InputError
from advmri.reconstruction.protocol import Reconstructor


class UserReconstructor(Reconstructor):
    """Passes everything on to the user's network, whose `forward` is that of `Reconstructor`."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, kspace: Tensor, mask: Tensor, num_low_frequencies: int, crop: tuple[int, int]) -> Tensor:
        """See `Reconstructor`."""
        return self.network(kspace, mask, num_low_frequencies, crop)


def is_factory(architecture: str) -> bool:
    """Whether a name is a user's factory, not a module of `advmri/reconstruction`."""
    return ":" in architecture


def build_from_factory(factory: str, arguments: dict[str, Any]) -> UserReconstructor:
    """Call `package.module:function` with `arguments` and wrap the network that it returns.

    Errors inside the user's function are not caught: their traceback is what the user needs.

    Raises:
        InputError: where there is no such function, it does not take these arguments, or returns no `nn.Module`.
    """
    name, _, function_name = factory.partition(":")
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"factory {factory!r}: {error}; it must be importable from this folder or through PYTHONPATH."
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise InputError(f"factory {factory!r}: {module.__file__} has no function {function_name!r}.")
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        raise InputError(f"factory {factory!r} does not take the arguments {arguments}: {error}.") from error
    network = function(**arguments)
    if not isinstance(network, nn.Module):
        raise InputError(f"factory {factory!r} returned a {type(network).__name__}; it must return a torch.nn.Module.")
    return UserReconstructor(network)
