"""Modules of networks say truly whether they have weights."""

import pytest
import torch
from support import ROOT

from advmri.config.architecture_files import architecture_problems, has_weights
from advmri.reconstruction.architecture import build_reconstructor

FILES = (ROOT / "advmri" / "reconstruction").glob("*.py")
ARCHITECTURES = sorted(path.stem for path in FILES if not architecture_problems(path.stem, {}))


def test_the_projects_networks_are_found():
    assert {"unet", "varnet", "zero_filled"} <= set(ARCHITECTURES)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_the_config_reads_is_what_is_built(architecture):
    with torch.device("meta"):
        network = build_reconstructor(architecture, {})
    assert any(True for _ in network.parameters()) == has_weights(architecture)
