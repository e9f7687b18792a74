"""Check a model.pt made elsewhere and take it over."""

import argparse
import shutil
from pathlib import Path

import torch

from advmri.errors import InputError
from advmri.reconstruction.checkpoint import load_checkpoint
from workflow_scripts.program import LOGGER, atomic_output, parser, run


def main(arguments: argparse.Namespace) -> None:
    """Load, compare with what is expected, copy."""
    checkpoint, _ = load_checkpoint(arguments.checkpoint, torch.device("cpu"))
    for key in ("architecture", "acceleration"):
        found, expected = getattr(checkpoint, key), getattr(arguments, key)
        if found != expected:
            raise InputError(f"{arguments.checkpoint}: its {key} is {found}, the config says {expected}.")
    with atomic_output(arguments.output) as temporary:
        shutil.copyfile(arguments.checkpoint, temporary)
    LOGGER.info("%s: %s, trained on %s", arguments.checkpoint, checkpoint.architecture, checkpoint.trained_on)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--checkpoint", type=Path, required=True)
    made.add_argument("--architecture", required=True)
    made.add_argument("--acceleration", type=int, required=True)
    made.add_argument("--output", type=Path, required=True, help="model.pt")
    return made


if __name__ == "__main__":
    run(main, options())
