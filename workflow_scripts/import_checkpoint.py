"""Take over a reconstruction that is not trained here, check that it keeps the contract, and write it as model.pt."""

import argparse
import json
import shutil
from pathlib import Path

from advmri.reconstruction.contract import check_contract
from advmri.reconstruction.settings import ContractSettings
from advmri.reconstruction.weights.checkpoint import save_checkpoint
from advmri.reconstruction.weights.takeover import Wanted, take_over
from advmri.scores.leakage import LEAKAGE
from advmri.volumes.likeness import NOT_KNOWN, trained_with
from workflow_scripts.program import LOGGER, add_compute_options, atomic_output, parser, run
from workflow_scripts.torch_setup import set_up_torch


def main(arguments: argparse.Namespace) -> None:
    """Load, compare with what is expected, try, write."""
    device = set_up_torch(arguments.device, arguments.precision, arguments.threads)
    wanted = Wanted(
        arguments.architecture, json.loads(arguments.arguments), arguments.acceleration, arguments.trained_on
    )
    found = take_over(arguments.checkpoint, wanted)
    contract = ContractSettings.model_validate_json(arguments.contract)
    check_contract(arguments.name, found.reconstructor.to(device), contract, device)
    with atomic_output(arguments.output) as temporary:
        if found.complete:
            shutil.copyfile(arguments.checkpoint, temporary)
        else:
            save_checkpoint(temporary, found.checkpoint, found.reconstructor)
    checkpoint, source = found.checkpoint, arguments.checkpoint or arguments.architecture
    data = trained_with(checkpoint.training, checkpoint.trained_on)
    LOGGER.info(
        "%s: %s %s for %dx, trained on %s, keeps the contract; its data: %s; written to %s",
        *(source, checkpoint.architecture, checkpoint.arguments, checkpoint.acceleration, checkpoint.trained_on),
        *(data or NOT_KNOWN, arguments.output),
    )
    if checkpoint.trained_on == LEAKAGE:
        LOGGER.warning("%s has seen the validation volumes: its results are marked everywhere", arguments.name)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    add_compute_options(made)
    made.add_argument("--name", default="model", help="of the model, for messages")
    made.add_argument(
        "--checkpoint",
        type=Path,
        default=None,
        help="model.pt, fastMRI's weights; none: a factory's own, or no weights",
    )
    made.add_argument(
        "--architecture", required=True, help="a module of advmri/reconstruction, or package.module:factory"
    )
    made.add_argument("--arguments", default="{}", help="its sizes as JSON; those left out are taken from the file")
    made.add_argument("--acceleration", type=int, required=True)
    made.add_argument("--trained-on", choices=("train", LEAKAGE, "nothing"), default=None)
    made.add_argument("--contract", default="{}", help="models.<name>.contract as JSON")
    made.add_argument("--code-digest", default="", help="state of a factory's code outside this folder")
    made.add_argument("--output", type=Path, required=True, help="model.pt")
    return made


if __name__ == "__main__":
    run(main, options())
