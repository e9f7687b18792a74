"""Attack the annotated slices of one volume; a job that was killed goes on at the slice where it stopped.

Asked to end by SIGTERM or SIGUSR1, it finishes the slice it works at.

With `--verify FILE` an attack file is checked instead: see `python -m workflow_scripts.verify_attack --help`.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from itertools import groupby
from pathlib import Path

import numpy as np
from torch import Tensor

from advmri.attacks.family import FamilySettings
from advmri.attacks.family_programs import NotFiniteError, attack_of
from advmri.attacks.settings import read_settings
from advmri.errors import InputError
from advmri.provenance.run_record import check_unchanged
from advmri.seeds import derive_seed
from advmri.storage.attack_file import (
    SliceResult,
    TargetResult,
    is_whole_slice,
    slice_group,
    write_attributes,
    write_slice,
)
from advmri.storage.guarded_file import new_hdf5_file
from advmri.storage.hdf5_reading import open_hdf5
from advmri.storage.slice_jobs import job_range
from advmri.volumes.index import VolumeIndex
from workflow_scripts.attack_inputs import INPUTS, AttackInputs
from workflow_scripts.partial_folder import claim_partial_folder
from workflow_scripts.program import Progress, add_compute_options, add_factory_option, atomic_output, parser, run
from workflow_scripts.termination import Termination
from workflow_scripts.torch_setup import set_up_torch


def attack_slices(
    inputs: AttackInputs,
    numbers: Sequence[int],
    settings: FamilySettings,
    seeds: Sequence[int],
    batch_size: int,
    probed: int | None = None,
) -> list[SliceResult]:
    """Attack every target of some slices; families that can, search all of them together.

    On the slice `probed` the gradient is compared with differences.
    """
    targets = [inputs.targets(settings.target, number) for number in numbers]
    tasks = [inputs.task(number, named, seed) for number, named, seed in zip(numbers, targets, seeds, strict=True)]
    tasks = [replace(task, probes_gradient=number == probed) for number, task in zip(numbers, tasks, strict=True)]
    try:
        outcomes = attack_of(settings)(tasks, settings, batch_size)
    except NotFiniteError as error:
        raise _failure(inputs, numbers, f", or such a gradient, {error.where}") from error
    results = [
        SliceResult(
            number=number,
            target=_array(task.scan.target),
            clean=_array(task.scan.clean()),
            coils=np.asarray(inputs.index.annotated[number].coils),
            thermal_relative_norm=inputs.thermal_relative_norm(task.scan, number),
            targets=[
                TargetResult(
                    name,
                    target.label,
                    *target.bounds(inputs.index.crop),
                    {key: _array(value) for key, value in found[name].items()},
                )
                for name, target in named.items()
            ],
        )
        for number, task, named, found in zip(numbers, tasks, targets, outcomes, strict=True)
    ]
    for result in results:
        _refuse_not_finite(result, inputs)
    return results


def _refuse_not_finite(result: SliceResult, inputs: AttackInputs) -> None:
    """Raise InputError where an image is not finite: the search saw nothing, and would seem to fail."""
    attacked = [target.arrays["reconstruction"] for target in result.targets]
    if not all(np.isfinite(image).all() for image in (result.clean, *attacked)):
        raise _failure(inputs, [result.number])
    computed = [target.arrays[name] for target in result.targets for name in ("perturbed_target", "final_objective")]
    if not all(np.isfinite(values).all() for values in (result.target, *computed)):
        raise InputError(
            f"slice {result.number} of {inputs.files['volume']}: its images or objectives exceed float32; rescale the"
            " volume's k-space."
        )


def _failure(inputs: AttackInputs, numbers: Sequence[int], where: str = "") -> InputError:
    """Return the error that names a network that failed, and the slices it was given."""
    named = ", ".join(map(str, numbers))
    return InputError(
        f"{inputs.files['checkpoint']}: its network returns NaN or infinity for slice {named} of"
        f" {inputs.files['volume']}{where}; train or export it anew, or remove the model from the config."
    )


def _array(value: Tensor) -> np.ndarray:
    return value.detach().cpu().numpy()


def _error_gained(result: SliceResult) -> str:
    """Return by how much the largest perturbation found in a slice raised the L2 error in its target, for people."""
    growth = []
    for target in result.targets:
        region = (..., slice(*target.rows), slice(*target.columns))
        clean = np.linalg.norm((result.clean - result.target)[region])
        errors = np.linalg.norm((target.arrays["reconstruction"] - result.target)[region], axis=(-2, -1))
        growth.append(float(errors.max() / clean - 1) if clean > 0 else np.inf)
    return f"{max(growth):+.0%}" if growth else "none"


def _bundles(numbers: list[int], index: VolumeIndex, size: int) -> list[list[int]]:
    """Cut the slices into bundles that are attacked together: of the same coils, and always the same ones."""
    bundles = []
    for _, alike in groupby(numbers, key=lambda number: index.annotated[number].coils):
        group = list(alike)
        bundles += [group[first : first + size] for first in range(0, len(group), size)]
    return bundles


def main(arguments: argparse.Namespace) -> None:
    """Attack slice by slice, then assemble the attack file."""
    device = set_up_torch(arguments.device, arguments.precision, arguments.threads)
    settings = read_settings(arguments.settings)
    inputs = AttackInputs.read({name: getattr(arguments, name) for name in INPUTS}, device, arguments.factory)
    check_unchanged(arguments.checkpoint)
    index = inputs.index
    first, last = job_range(arguments.slices)
    numbers = [number for number in index.annotated if first <= number <= last]
    attributes = {
        "volume": index.volume,
        "patient": index.patient,
        "acquisition": index.acquisition,
        "model": arguments.model,
        "acceleration": arguments.acceleration,
        "trained_on": inputs.trained_on,
        "attack_name": arguments.attack,
        "attack": settings.model_dump(),
        "data_range": index.maximum,
        "num_low_frequencies": inputs.num_low_frequencies,
        **inputs.digests(),
        "code_sha256": arguments.code_digest,
        "seed": arguments.seed,
        "batch_size": arguments.batch_size,
        "slices_per_batch": arguments.slices_per_batch,
        "device": device.type,
    }
    claim = claim_partial_folder(arguments.output, attributes)
    name = f"{arguments.attack} {arguments.model}-{arguments.acceleration}x {index.volume}"
    done = 0
    with Progress(name, len(numbers), "slices") as progress, Termination() as termination:
        for bundle in _bundles(numbers, index, arguments.slices_per_batch):
            files = [claim.folder / f"{slice_group(number)}.h5" for number in bundle]
            found_before = all(is_whole_slice(file, number) for file, number in zip(files, bundle, strict=True))
            facts = {}
            if not found_before:
                termination.obey()
                claim.check()
                seeds = [derive_seed(arguments.seed, arguments.attack, index.volume, number) for number in bundle]
                results = attack_slices(inputs, bundle, settings, seeds, arguments.batch_size, numbers[0])
                claim.check()
                for file, result in zip(files, results, strict=True):
                    with atomic_output(file) as temporary, new_hdf5_file(temporary) as part_file:
                        write_slice(part_file, result)
                facts["largest error"] = ", ".join(map(_error_gained, results))
            done += len(bundle)
            progress.finished(f"slice {', '.join(map(str, bundle))}", done, found_before, **facts)
        # Not after the last slice either: a Snakemake that got the signal too counts its job as failed, whatever the
        # program says, and deletes the output. The parts are out of its reach.
        termination.obey()
        claim.check()
        with atomic_output(arguments.output) as temporary, new_hdf5_file(temporary) as file:
            for number in numbers:
                with open_hdf5(claim.folder / f"{slice_group(number)}.h5") as part_file:
                    part_file.copy(slice_group(number), file)
            write_attributes(file, attributes | {"inputs": {name: str(path) for name, path in inputs.files.items()}})
            claim.check()
        termination.obey()
    claim.finish()


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    add_compute_options(made)
    add_factory_option(made)
    made.add_argument("--attack", required=True, help="its name in the config")
    made.add_argument("--settings", required=True, help="attacks.<name> as JSON")
    made.add_argument("--model", required=True, help="the model's name")
    made.add_argument("--acceleration", type=int, required=True)
    made.add_argument("--slices", required=True, help="first and last annotated slice: 017 or 012-027")
    made.add_argument("--seed", type=int, required=True, help="the config's seed")
    made.add_argument("--batch-size", type=int, default=8, help="perturbations or angles computed at a time")
    made.add_argument("--slices-per-batch", type=int, default=1, help="slices whose searches share batches")
    made.add_argument("--code-digest", default="", help="state of the code, noted in the file")
    made.add_argument("--volume", type=Path, required=True, help="a fastMRI .h5")
    made.add_argument("--index", type=Path, required=True, help="its index")
    made.add_argument("--mask", type=Path, required=True, help="its mask")
    made.add_argument("--checkpoint", type=Path, required=True, help="model.pt")
    made.add_argument("--output", type=Path, required=True, help="the attack file, .h5")
    return made


if __name__ == "__main__":
    if "--verify" in sys.argv:
        # By name: an edit of the verification must not rerun attacks.
        verification = import_module("workflow_scripts.verify_attack")
        run(verification.main, verification.options())
    else:
        run(main, options())
