"""Write the boxes of the simulated lesions as a fastMRI+ CSV."""

import argparse
import json
from pathlib import Path

from advmri.simulation.knee import lesion_boxes
from advmri.simulation.lesion_plan import volume_names
from advmri.simulation.settings import SimulationSettings
from advmri.volumes.annotations import Box, write_annotations
from workflow_scripts.program import parser, run
from workflow_scripts.table_output import table_output


def main(arguments: argparse.Namespace) -> None:
    """Find the boxes and write them."""
    settings = SimulationSettings.model_validate(json.loads(arguments.settings))
    boxes = [
        (volume, lesion.slice, Box(0, lesion.label, lesion.row0, lesion.row1, lesion.column0, lesion.column1))
        for split in ("train", "val")
        for volume in volume_names(settings, split)
        for lesion in lesion_boxes(settings, arguments.seed, volume)
    ]
    with table_output(arguments.output) as temporary, temporary.open("w", newline="") as file:
        write_annotations(file, boxes, settings.crop)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--seed", type=int, required=True, help="the config's seed")
    made.add_argument("--settings", required=True, help="dataset.simulation as JSON")
    made.add_argument("--output", type=Path, required=True, help="the CSV")
    return made


if __name__ == "__main__":
    run(main, options())
