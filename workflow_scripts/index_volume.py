"""Index one volume: shape, padding, crop, annotated slices with boxes in array rows, and thermal noise."""

import argparse
from pathlib import Path

from advmri.annotations import boxes_of_volume, read_annotations
from advmri.noise import thermal_sigma
from advmri.volume_index import SliceIndex, VolumeIndex
from advmri.volumes import read_kspace, read_volume, volume_maximum
from workflow_scripts.program import LOGGER, parser, run, write_text


def main(arguments: argparse.Namespace) -> None:
    """Read the volume and the annotations, write the index."""
    volume = read_volume(arguments.volume)
    name = arguments.volume.stem
    rows = read_annotations(arguments.annotations)
    boxes, excluded = boxes_of_volume(rows, name, volume.slices, volume.crop, arguments.minimum_box_size)
    annotated = {
        number: SliceIndex(found, thermal_sigma(read_kspace(volume, number), volume.padding).tolist())
        for number, found in boxes.items()
    }
    index = VolumeIndex(
        volume=name,
        patient=volume.patient,
        acquisition=volume.acquisition,
        slices=volume.slices,
        coils=volume.coils,
        rows=volume.rows,
        columns=volume.columns,
        crop=volume.crop,
        padding=volume.padding,
        maximum=volume_maximum(volume),
        annotated=annotated,
        excluded=excluded,
    )
    write_text(arguments.output, index.to_json())
    LOGGER.info("%s: %d annotated slices, %d annotations excluded", name, len(annotated), len(excluded))


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--volume", type=Path, required=True, help="a fastMRI .h5")
    made.add_argument("--annotations", type=Path, required=True, help="fastMRI+ CSV")
    made.add_argument("--minimum-box-size", type=int, default=1, help="shortest side of a box that is kept, in pixels")
    made.add_argument("--output", type=Path, required=True, help="the index, JSON")
    return made


if __name__ == "__main__":
    run(main, options())
