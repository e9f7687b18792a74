"""Fixtures of all tests: one CPU thread, a seeded generator, and the folder of real inputs."""

import numpy as np
import pytest
import torch
from hypothesis import settings
from support import SHARED

from advmri.image_quality.metrics import METRICS, Metric

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


@pytest.fixture
def extra_metric(monkeypatch):
    """The table of metrics with one entry more: the mean absolute error, in units of the data range."""

    def measure(pair, region):
        target, image = pair.cut_out(region)
        return float(np.mean(np.abs(target - image)) / pair.data_range)

    metric = Metric("mae", measure, higher_is_better=False, label="MAE", written="MAE {:.4f}")
    monkeypatch.setitem(METRICS, metric.name, metric)
    return metric
