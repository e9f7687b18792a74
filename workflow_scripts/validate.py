"""Measure one network's clean quality on whole validation volumes, beside the zero-filled reconstruction."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from advmri.acquisition.mask_file import read_mask_file
from advmri.errors import UnusableSliceError
from advmri.image_quality.image_pair import ImagePair
from advmri.image_quality.metrics import METRICS
from advmri.image_quality.ssim import WHOLE_IMAGE
from advmri.provenance.run_record import check_unchanged
from advmri.reconstruction.architecture import build_reconstructor
from advmri.reconstruction.weights.checkpoint import load_checkpoint
from advmri.scores.cautions import told
from advmri.storage.baseline import BASELINE
from advmri.volumes.consistency import check_maximum, checked_target
from advmri.volumes.likeness import NOT_KNOWN, trained_with
from advmri.volumes.reading import read_kspace, read_volume, volume_maximum
from workflow_scripts.program import LOGGER, Progress, add_compute_options, add_factory_option, parser, run
from workflow_scripts.table_output import write_table
from workflow_scripts.torch_setup import set_up_torch


def main(arguments: argparse.Namespace) -> None:
    """Reconstruct every slice of every volume and score the volumes as fastMRI does."""
    device = set_up_torch(arguments.device, arguments.precision, arguments.threads)
    checkpoint, network = load_checkpoint(arguments.checkpoint, device, arguments.factory)
    check_unchanged(arguments.checkpoint)
    methods = {arguments.model: network, BASELINE: build_reconstructor(BASELINE, {})}
    trained_on = {arguments.model: checkpoint.trained_on, BASELINE: "nothing"}
    training = trained_with(checkpoint.training, checkpoint.trained_on)
    unsaid = "" if checkpoint.trained_on == "nothing" else NOT_KNOWN
    words = {arguments.model: unsaid if training is None else str(training), BASELINE: ""}
    compared = {arguments.model} if checkpoint.architecture != BASELINE else set()
    rows = []
    with Progress(
        f"validate {arguments.model}-{arguments.acceleration}x", len(arguments.volumes), "volumes"
    ) as progress:
        for done, (path, mask_path) in enumerate(zip(arguments.volumes, arguments.masks, strict=True), start=1):
            volume = read_volume(path)
            columns, num_low_frequencies = read_mask_file(mask_path)
            mask = torch.from_numpy(columns)[None].to(device)
            images: dict[str, list[np.ndarray]] = {name: [] for name in methods}
            targets = []
            for number in range(volume.slices):
                try:
                    fully_sampled = read_kspace(volume, number)
                    targets.append(checked_target(volume, number, fully_sampled))
                except UnusableSliceError as error:
                    LOGGER.warning("left out: %s", error)
                    continue
                kspace = torch.from_numpy(fully_sampled)[None].to(device) * mask
                for name, method in methods.items():
                    with torch.no_grad():
                        images[name].append(method(kspace, mask, num_low_frequencies, volume.crop)[0].cpu().numpy())
            if not targets:
                LOGGER.warning("left out: %s: it has no usable slice", path)
                continue
            if len(targets) == volume.slices:
                check_maximum(volume)
            maximum, target = volume_maximum(volume), np.stack(targets)
            pairs = {name: ImagePair(target, np.stack(images[name]), maximum) for name in methods}
            scores = {
                name: {metric.name: metric.measure(pair, WHOLE_IMAGE) for metric in METRICS.values()}
                for name, pair in pairs.items()
            }
            unlike = {arguments.model: "" if training is None else told(training.unlike(volume)), BASELINE: ""}
            for name in methods:
                rows.append(
                    {
                        "volume": path.stem,
                        "patient": volume.patient,
                        "acquisition": volume.acquisition,
                        "model": name,
                        "acceleration": arguments.acceleration,
                        "trained_on": trained_on[name],
                        "trained_with": words[name],
                        "unlike_training": unlike[name],
                        "slices": len(target),
                        "zero_filled_ssim": scores[BASELINE]["ssim"] if name in compared else np.nan,
                    }
                    | scores[name]
                )
            progress.update(done)
    write_table(arguments.output, pd.DataFrame(rows))


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    add_compute_options(made)
    add_factory_option(made)
    made.add_argument("--checkpoint", type=Path, required=True, help="model.pt")
    made.add_argument("--model", required=True, help="its name")
    made.add_argument("--acceleration", type=int, required=True)
    made.add_argument("--volumes", type=Path, nargs="+", required=True, help="fastMRI .h5 files")
    made.add_argument("--masks", type=Path, nargs="+", required=True, help="their masks, in the same order")
    made.add_argument("--output", type=Path, required=True, help="CSV: every metric per volume")
    return made


if __name__ == "__main__":
    run(main, options())
