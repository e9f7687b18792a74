"""What the processor at hand multiplies fast."""

from functools import cache

import torch


@cache
def multiplies_bfloat16() -> bool:
    """Return whether it multiplies matrices of bfloat16 faster by far than those of float32 (AMX)."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))
