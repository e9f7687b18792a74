"""Seeds derived from the config's seed and the name of the item they are for."""

import hashlib


def derive_seed(seed: int, *names: str | int) -> int:
    """Return a seed in [0, 2^63) that depends on `seed` and on every name, and on nothing else."""
    text = "\x1f".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1
