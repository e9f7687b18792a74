"""Sizes of fastMRI's networks from the names and shapes of their weights, as its published files hold them."""

import re
from collections.abc import Mapping

from torch import Tensor

State = Mapping[str, Tensor]
FIRST = "down_sample_layers.0.layers.0.weight"
PARALLEL = "module."
COMPILED = "_orig_mod."
"""Where `torch.compile` keeps the network that it was given: in front of all names, or of those of a part."""
SENSITIVITIES = "sens_net.norm_unet.unet."


def _count(state: State, pattern: str) -> int:
    """Return how many different numbers stand at the pattern's group in the names."""
    return len({found[1] for key in state if (found := re.match(pattern, key))})


def _unet(state: State, prefix: str = "") -> dict[str, int]:
    """Return `chans` and the number of poolings of a `fastmri.models.Unet` below `prefix`."""
    levels = _count(state, re.escape(prefix) + r"down_sample_layers\.(\d+)\.")
    return {"chans": state[f"{prefix}{FIRST}"].shape[0], "num_pool_layers": levels}


def unet_sizes(state: State) -> dict[str, int]:
    """Return the sizes of a `fastmri.models.Unet`; KeyError where the weights are of something else."""
    return _unet(state)


def varnet_sizes(state: State) -> dict[str, int]:
    """Return the sizes of a `fastmri.models.VarNet`; KeyError where the weights are of something else."""
    cascade, sensitivities = _unet(state, "cascades.0.model.unet."), _unet(state, SENSITIVITIES)
    return {
        "num_cascades": _count(state, r"cascades\.(\d+)\."),
        "chans": cascade["chans"],
        "pools": cascade["num_pool_layers"],
        "sens_chans": sensitivities["chans"],
        "sens_pools": sensitivities["num_pool_layers"],
    }


SIZES = {"unet": unet_sizes, "varnet": varnet_sizes}
"""By architecture. Its name is also what fastMRI's Lightning modules call the network (pl_modules/*_module.py)."""


def recognise(state: State) -> tuple[str, dict[str, int]] | None:
    """Return architecture and sizes of fastMRI's weights; None where they are of another network."""
    for architecture, sizes in SIZES.items():
        try:
            return architecture, sizes(state)
        except KeyError:
            continue
    return None


def without_compiled(state: State) -> State:
    """Return weights under the names that they have without `torch.compile`."""
    return {key.replace(COMPILED, ""): value for key, value in state.items()}


def without_prefix(state: State) -> State:
    """Return the network's weights out of a Lightning module's: `unet.` or `varnet.` cut off, loss buffers left out.

    So are the `module.` of torch's DataParallel and DistributedDataParallel, and the `_orig_mod.` of `torch.compile`.
    """
    state = without_compiled(state)
    if all(key.startswith(PARALLEL) for key in state):
        state = {key.removeprefix(PARALLEL): value for key, value in state.items()}
    for architecture in SIZES:
        prefix = f"{architecture}."
        inside = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        if inside:
            return inside
    return state
