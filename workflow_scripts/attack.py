"""Attack the annotated slices of one volume; a job that was killed goes on at the slice where it stopped.

Asked to end by SIGTERM or SIGUSR1, it finishes the slice it works at.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from advmri.attack_file import SliceResult, TargetResult, slice_group, write_attributes, write_slice
from advmri.attacks.noise import attack_with_noise
from advmri.attacks.rotation import attack_with_rotation
from advmri.attacks.scan import Scan
from advmri.attacks.settings import AttackSettings, NoiseAttack, RotationAttack
from advmri.mask_file import read_mask_file
from advmri.provenance import file_sha256
from advmri.reconstruction.checkpoint import load_checkpoint
from advmri.reconstruction.protocol import Reconstructor
from advmri.seeds import derive_seed
from advmri.slice_jobs import job_range
from advmri.ssim import WHOLE_IMAGE, Region
from advmri.thermal.relative_norm import thermal_relative_norm
from advmri.volume_index import SliceIndex, VolumeIndex, read_index
from advmri.volumes import Volume, read_kspace, read_volume
from workflow_scripts.program import LOGGER, Progress, add_compute_options, atomic_output, parser, run
from workflow_scripts.termination import Termination
from workflow_scripts.torch_setup import set_up_torch


def _regions(settings: NoiseAttack | RotationAttack, annotated: SliceIndex) -> dict[str, tuple[str, Region]]:
    """Return label and region of each target of a slice by its group's name."""
    if settings.target == "image":
        return {"image": ("", WHOLE_IMAGE)}
    return {
        f"box_{box.number}": (box.label, (slice(box.row0, box.row1), slice(box.column0, box.column1)))
        for box in annotated.boxes
    }


def _selection(region: Region, crop: tuple[int, int], device: torch.device) -> Tensor:
    selected = torch.zeros(crop, dtype=torch.bool, device=device)
    selected[region] = True
    return selected


def _bounds(region: Region, crop: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    (row0, row1, _), (column0, column1, _) = region[0].indices(crop[0]), region[1].indices(crop[1])
    return (row0, row1), (column0, column1)


def attack_slice(
    volume: Volume,
    index: VolumeIndex,
    number: int,
    mask: tuple[np.ndarray, int],
    reconstructor: Reconstructor,
    settings: NoiseAttack | RotationAttack,
    seed: int,
    batch_size: int,
    device: torch.device,
) -> SliceResult:
    """Attack every target of one slice."""
    kspace = read_kspace(volume, number)
    columns, num_low_frequencies = mask
    scan = Scan(
        kspace=torch.from_numpy(kspace).to(device),
        mask=torch.from_numpy(columns).to(device),
        num_low_frequencies=num_low_frequencies,
        crop=index.crop,
        reconstructor=reconstructor,
    )
    regions = _regions(settings, index.annotated[number])
    outcomes: dict[str, Any]
    if isinstance(settings, NoiseAttack):
        selected = {name: _selection(region, index.crop, device) for name, (_, region) in regions.items()}
        outcomes = attack_with_noise(scan, selected, settings, seed, batch_size)
    else:
        bounds = {name: region for name, (_, region) in regions.items()}
        outcomes = attack_with_rotation(scan, bounds, settings, index.maximum, batch_size)
    sigma = np.asarray(index.annotated[number].thermal.sigma)
    return SliceResult(
        number=number,
        target=scan.target.cpu().numpy(),
        clean=scan.clean().cpu().numpy(),
        coils=np.asarray(index.annotated[number].coils),
        thermal_relative_norm=thermal_relative_norm(sigma, kspace, int(columns.sum()) * kspace.shape[1]),
        targets=[
            TargetResult(
                name,
                label,
                *_bounds(region, index.crop),
                {key: value.detach().cpu().numpy() for key, value in vars(outcomes[name]).items()},
            )
            for name, (label, region) in regions.items()
        ],
    )


def _parts_folder(output: Path, attributes: dict[str, Any]) -> Path:
    """Return the folder of finished slices of interrupted runs with the same attributes; others are thrown away."""
    digest = hashlib.sha256(json.dumps(attributes, sort_keys=True).encode()).hexdigest()[:16]
    wanted = output.with_name(f".{output.name}.{digest}.partial")
    for other in output.parent.glob(f".{output.name}.*.partial"):
        if other != wanted:
            shutil.rmtree(other)
    wanted.mkdir(parents=True, exist_ok=True)
    return wanted


def main(arguments: argparse.Namespace) -> None:
    """Attack slice by slice, then assemble the attack file."""
    device = set_up_torch(arguments.device, arguments.precision, arguments.threads)
    settings: NoiseAttack | RotationAttack = TypeAdapter(AttackSettings).validate_json(arguments.settings)
    volume, index = read_volume(arguments.volume), read_index(arguments.index)
    mask = read_mask_file(arguments.mask)
    _, reconstructor = load_checkpoint(arguments.checkpoint, device)
    first, last = job_range(arguments.slices)
    numbers = [number for number in index.annotated if first <= number <= last]
    attributes = {
        "volume": index.volume,
        "patient": index.patient,
        "acquisition": index.acquisition,
        "model": arguments.model,
        "acceleration": arguments.acceleration,
        "attack_name": arguments.attack,
        "attack": settings.model_dump(),
        "data_range": index.maximum,
        "num_low_frequencies": mask[1],
        "checkpoint_sha256": file_sha256(arguments.checkpoint),
        "data_sha256": file_sha256(arguments.volume),
        "mask_sha256": file_sha256(arguments.mask),
        "index_sha256": file_sha256(arguments.index),
        "code_sha256": arguments.code_digest,
        "seed": arguments.seed,
        "batch_size": arguments.batch_size,
        "device": device.type,
    }
    parts = _parts_folder(arguments.output, attributes)
    name = f"{arguments.attack} {arguments.model}-{arguments.acceleration}x {index.volume}"
    with Progress(name, len(numbers), "slices") as progress, Termination() as termination:
        for done, number in enumerate(numbers, start=1):
            part = parts / f"{slice_group(number)}.h5"
            if not part.is_file():
                termination.obey()
                seed = derive_seed(arguments.seed, arguments.attack, index.volume, number)
                result = attack_slice(
                    volume, index, number, mask, reconstructor, settings, seed, arguments.batch_size, device
                )
                with atomic_output(part) as temporary, h5py.File(temporary, "w") as file:
                    write_slice(file, result)
            progress.update(done)
            LOGGER.info("%s: slice %d done (%d of %d)", name, number, done, len(numbers))
    with atomic_output(arguments.output) as temporary, h5py.File(temporary, "w") as file:
        write_attributes(file, attributes)
        for number in numbers:
            with h5py.File(parts / f"{slice_group(number)}.h5", "r") as part_file:
                part_file.copy(slice_group(number), file)
    shutil.rmtree(parts)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    add_compute_options(made)
    made.add_argument("--attack", required=True, help="its name in the config")
    made.add_argument("--settings", required=True, help="attacks.<name> as JSON")
    made.add_argument("--model", required=True, help="the model's name")
    made.add_argument("--acceleration", type=int, required=True)
    made.add_argument("--slices", required=True, help="first and last annotated slice: 017 or 012-027")
    made.add_argument("--seed", type=int, required=True, help="the config's seed")
    made.add_argument("--batch-size", type=int, default=8, help="perturbations or angles computed at a time")
    made.add_argument("--code-digest", default="", help="state of the code, noted in the file")
    made.add_argument("--volume", type=Path, required=True, help="a fastMRI .h5")
    made.add_argument("--index", type=Path, required=True, help="its index")
    made.add_argument("--mask", type=Path, required=True, help="its mask")
    made.add_argument("--checkpoint", type=Path, required=True, help="model.pt")
    made.add_argument("--output", type=Path, required=True, help="the attack file, .h5")
    return made


if __name__ == "__main__":
    run(main, options())
