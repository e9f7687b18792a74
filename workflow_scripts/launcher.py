"""What a launcher (torchrun, srun, mpirun) says of this process: heeded where several devices are asked for only."""

import os

VARIABLES = (
    *("RANK", "LOCAL_RANK", "GROUP_RANK", "NODE_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"),
    *("SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID", "JSM_NAMESPACE_RANK"),
)
"""By these, torch and Lightning (`rank_zero.py`, when it is imported) tell processes apart."""


def heed_launcher(several: bool) -> None:
    """Forget what does not count, before Lightning is imported: all of it for one device, else what is empty.

    A rank left over from the session that a run was started in would make its one process a further one, which writes
    nothing and ends well.

    Args:
        several: whether several devices, or nodes, are asked for.
    """
    for name in VARIABLES:
        if not (several and os.environ.get(name)):
            os.environ.pop(name, None)


def devices_asked_for(wanted: str, kind: str) -> int:
    """Return the number of processes on this node; `auto`: one for every GPU that the job sees, one without.

    Args:
        wanted: compute.devices of the config.
        kind: compute.device; auto is a GPU where there is one.
    """
    if wanted != "auto":
        return int(wanted)
    import torch  # here, as most programs do without

    return torch.cuda.device_count() if kind != "cpu" and torch.cuda.is_available() else 1


def is_first_process() -> bool:
    """Say whether this is the process that writes: with several devices Lightning, or srun, starts further ones."""
    return all(int(os.environ.get(name) or 0) == 0 for name in ("LOCAL_RANK", "SLURM_PROCID"))
