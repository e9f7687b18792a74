"""Train one network for one acceleration; an interrupted job goes on from its last state when run again."""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from advmri.errors import InputError
from advmri.reconstruction.architecture import build_reconstructor
from advmri.reconstruction.contract import check_contract
from advmri.reconstruction.settings import ContractSettings
from advmri.reconstruction.weights.checkpoint import Checkpoint, save_checkpoint
from advmri.seeds import derive_seed
from advmri.training.dataset import MaskSettings
from advmri.training.length import training_length
from advmri.training.settings import TrainingSettings
from advmri.volumes.consistency import check_maximum, checked_target
from advmri.volumes.likeness import TrainingData
from advmri.volumes.reading import Volume, read_kspace, read_volume
from advmri.volumes.sampling import AcquiredColumns, check_sampling, with_acquired_columns
from workflow_scripts.launcher import devices_asked_for, is_first_process
from workflow_scripts.partial_folder import claim_partial_folder, partial_folder
from workflow_scripts.program import (
    LOGGER,
    Progress,
    add_compute_options,
    atomic_output,
    parser,
    run,
)
from workflow_scripts.table_output import write_table
from workflow_scripts.torch_setup import set_up_torch


def _state_of(path: Path) -> tuple[str, int, int]:
    """Return what changes when a volume does, without reading it: name, size and time."""
    facts = path.stat()
    return str(path), facts.st_size, facts.st_mtime_ns


def _devices(wanted: str, kind: str) -> int:
    """Return the number of processes on this node; raise InputError where they are more than its GPUs."""
    number = devices_asked_for(wanted, kind)
    if kind == "cuda" and number > torch.cuda.device_count():
        raise InputError(f"compute.devices is {number}, but torch finds {torch.cuda.device_count()} GPU(s) here.")
    return number


def _check_volumes(volumes: Sequence[Volume], acquired: AcquiredColumns) -> None:
    """Raise InputError before the first step where a volume's maximum or its middle slice is not what it says.

    Training without augmentation compares the other images as it comes to them.
    """
    with Progress("check volumes", len(volumes), "volumes") as progress:
        for done, volume in enumerate(volumes, start=1):
            middle = volume.slices // 2
            kspace = read_kspace(volume, middle)
            check_sampling(volume, middle, kspace, acquired)
            checked_target(volume, middle, kspace)
            check_maximum(volume)
            progress.update(done)


def main(arguments: argparse.Namespace) -> None:
    """Train, write the checkpoint and its history; with several devices the first process writes."""
    device = set_up_torch(arguments.device, arguments.precision, arguments.threads)
    devices = _devices(arguments.devices, device.type)
    # Here: Lightning reads its rank when it is imported, and only now does the environment say what counts.
    from advmri.training.fit import Compute, fit, split_holdout

    compute = Compute(device.type, arguments.workers, devices, arguments.nodes)
    settings = TrainingSettings.model_validate(json.loads(arguments.settings))
    sizes = json.loads(arguments.arguments)
    mask = MaskSettings(arguments.mask_type, arguments.acceleration, arguments.centre_fraction)
    acquired = arguments.acquired_columns
    volumes = [with_acquired_columns(read_volume(path), acquired) for path in sorted(arguments.volumes)]
    if is_first_process():
        _check_volumes(volumes, acquired)
    training, _ = split_holdout(volumes, settings.holdout_volumes)
    steps = training_length(settings, sum(volume.slices for volume in training)).steps
    determining = {
        "architecture": arguments.architecture,
        "arguments": sizes,
        "training": settings.model_dump(),
        "mask": vars(mask),
        "seed": arguments.seed,
        # A state counts forward passes.
        "processes": compute.processes,
        "volumes": [_state_of(volume.path) for volume in volumes],
        "padding": [volume.padding for volume in volumes],
        "code": arguments.code_digest,
    }
    seed = derive_seed(
        arguments.seed, arguments.architecture, json.dumps(sizes, sort_keys=True), arguments.acceleration
    )
    torch.manual_seed(derive_seed(seed, "weights"))
    reconstructor = build_reconstructor(arguments.architecture, sizes)
    parameters = sum(weight.numel() for weight in reconstructor.parameters())
    name = f"train {arguments.name}"
    LOGGER.info(
        "%s: %.2f M parameters, %d volumes, %d steps, on %s x %d",
        *(name, parameters / 1e6, len(volumes), steps, device, compute.processes),
    )
    claim = claim_partial_folder(arguments.output, determining) if is_first_process() else None
    work_folder = partial_folder(arguments.output, determining)
    begun = time.monotonic()
    try:
        with Progress(name, steps, "steps") as progress:
            history = fit(
                reconstructor,
                volumes,
                settings,
                mask,
                seed,
                compute,
                work_folder,
                lambda done, total, loss: progress.update(done, loss=f"{loss:.4f}"),
            )
    except SystemExit:
        # Asked to end. A further process that fails would have the first one killed.
        if is_first_process():
            raise
        return
    if claim is None:
        return
    seconds = time.monotonic() - begun
    checkpoint = Checkpoint(
        architecture=arguments.architecture,
        arguments=sizes,
        acceleration=arguments.acceleration,
        trained_on=arguments.trained_on,
        training={
            **settings.model_dump(),
            "steps": steps,
            "seed": arguments.seed,
            "volumes": [volume.path.stem for volume in volumes],
            "data": TrainingData.of(training).record(),
        },
    )
    check_contract(arguments.name, reconstructor.to(device).eval(), ContractSettings(), device)
    claim.check()
    write_table(arguments.history, history)
    with atomic_output(arguments.output) as temporary:
        save_checkpoint(temporary, checkpoint, reconstructor)
    claim.finish()
    LOGGER.info("%s: %d steps in %.0f s", name, steps, seconds)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    add_compute_options(made)
    made.add_argument("--name", required=True, help="of the model, for messages")
    made.add_argument("--architecture", required=True, help="a module of advmri/reconstruction")
    made.add_argument("--arguments", default="{}", help="its sizes as JSON")
    made.add_argument("--settings", required=True, help="models.<name>.training as JSON")
    made.add_argument("--acceleration", type=int, required=True)
    made.add_argument("--centre-fraction", type=float, required=True)
    made.add_argument("--mask-type", default="random")
    made.add_argument("--seed", type=int, required=True, help="the config's seed")
    made.add_argument("--workers", type=int, default=0, help="data loader processes per device")
    made.add_argument("--devices", default="1", help="processes, one per GPU; auto: as many as there are GPUs")
    made.add_argument("--nodes", type=int, default=1, help="more than one: srun starts a process per device")
    made.add_argument("--trained-on", default="train", help="the split(s), noted in the checkpoint")
    made.add_argument("--code-digest", default="", help="state of the code; a changed one does not resume")
    made.add_argument(
        "--acquired-columns", choices=("header", "kspace"), default="header", help="who says which those are"
    )
    made.add_argument("--volumes", type=Path, nargs="+", required=True, help="fastMRI .h5 files")
    made.add_argument("--history", type=Path, required=True, help="learning curve, CSV")
    made.add_argument("--output", type=Path, required=True, help="model.pt")
    return made


if __name__ == "__main__":
    run(main, options())
