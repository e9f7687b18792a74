"""Fixtures of all tests: one CPU thread, a seeded generator, and the folder of real inputs."""

import numpy as np
import pytest
import torch
from hypothesis import settings
from support import SHARED

settings.register_profile("advmri", deadline=None, max_examples=25, derandomize=True)
settings.load_profile("advmri")
torch.set_num_threads(1)


@pytest.fixture
def rng():
    return np.random.default_rng(2022)


@pytest.fixture(scope="session")
def shared():
    """The folder of real inputs (shared/data beside the repository, or ADVMRI_SHARED)."""
    if not SHARED.is_dir():
        pytest.skip(f"real inputs not found at {SHARED}; set ADVMRI_SHARED")
    return SHARED
