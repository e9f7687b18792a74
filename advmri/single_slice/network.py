"""A user's network, as it stands in the user's program: wrapped, frozen while it is attacked, and given back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from advmri.errors import InputError
from advmri.reconstruction.full_precision import full_precision
from advmri.reconstruction.protocol import Reconstructor
from advmri.reconstruction.user_model import UserReconstructor

Network = Callable[[Tensor, Tensor, int, tuple[int, int]], Tensor]
"""An `nn.Module`, or a function, of k-space, mask, num_low_frequencies and crop: see `Reconstructor.forward`."""


class _Function(nn.Module):
    """A plain function as a module without weights."""

    def __init__(self, function: Network) -> None:
        super().__init__()
        self.function = function

    def forward(self, kspace: Tensor, mask: Tensor, num_low_frequencies: int, crop: tuple[int, int]) -> Tensor:
        """See `Reconstructor`."""
        return self.function(kspace, mask, num_low_frequencies, crop)


def as_reconstructor(network: Network) -> Reconstructor:
    """Return a module or function behind the contract of every reconstruction; its own `Reconstructor` as it is.

    Raises:
        InputError: where it cannot be called.
    """
    if isinstance(network, Reconstructor):
        return network
    if not callable(network):
        raise InputError(
            f"network: a {type(network).__name__} cannot be called; give an nn.Module or a function"
            " network(kspace, mask, num_low_frequencies, crop)."
        )
    return UserReconstructor(network if isinstance(network, nn.Module) else _Function(network))


def device_of(network: nn.Module, kspace: object) -> torch.device:
    """Return where the network's weights are; without weights where the k-space is, the CPU for NumPy's arrays."""
    for tensor in (*network.parameters(), *network.buffers()):
        return tensor.device
    return kspace.device if isinstance(kspace, Tensor) else torch.device("cpu")


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Hold a network in evaluation mode with frozen weights, as the workflow does; as it was before afterwards."""
    training = {module: module.training for module in network.modules()}
    learning = {weight: weight.requires_grad for weight in network.parameters()}
    network.eval().requires_grad_(False)
    try:
        yield
    finally:
        for module, mode in training.items():
            module.training = mode
        for weight, learns in learning.items():
            weight.requires_grad_(learns)


@contextmanager
def reproducible() -> Iterator[None]:
    """Compute as a job of the workflow does: float32, deterministic, with gradients; as it was before afterwards."""
    mode, benchmark = torch.get_deterministic_debug_mode(), torch.backends.cudnn.benchmark
    try:
        torch.set_deterministic_debug_mode("warn")
        torch.backends.cudnn.benchmark = False
        with full_precision(), torch.enable_grad():
            yield
    finally:
        torch.set_deterministic_debug_mode(mode)
        torch.backends.cudnn.benchmark = benchmark


def name_of(network: Network) -> str:
    """Return what a network is called in messages."""
    return getattr(network, "__name__", type(network).__name__)
