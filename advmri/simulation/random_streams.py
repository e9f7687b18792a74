"""Independent, reproducible random streams named by what they are for."""

import hashlib

import numpy as np


def random_stream(seed: int, volume: str, purpose: str) -> np.random.Generator:
    """Make the generator that serves one purpose in one volume, whatever else has been drawn before."""
    digest = hashlib.sha256(f"{seed}|{volume}|{purpose}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
