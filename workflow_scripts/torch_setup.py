"""Choose device, precision and threads of torch for one job."""

import torch

from advmri.errors import InputError


def set_up_torch(device: str, precision: str, threads: int) -> torch.device:
    """Configure torch for reproducible results and return the device.

    Raises:
        InputError: where a GPU is asked for and torch finds none.
    """
    torch.set_num_threads(threads)
    # What use_deterministic_algorithms(True, warn_only=True) sets, which loads torch's compiler too: 1 to 2 s a job.
    torch.set_deterministic_debug_mode("warn")
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("compute.device is cuda, but torch finds no GPU; use auto or cpu.")
    return torch.device(device)
