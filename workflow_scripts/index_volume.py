"""Index one volume: shape, padding, crop, annotated slices with boxes in array rows, thermal noise, and identity."""

import argparse
from pathlib import Path

from advmri.acquisition.thermal.measure import measure_thermal_noise
from advmri.errors import UnusableSliceError
from advmri.storage.file_digest import file_sha256
from advmri.storage.hdf5_digest import array_digest
from advmri.volumes.annotations import boxes_of_volume, read_annotations, slice_left_out
from advmri.volumes.consistency import check_maximum, checked_target
from advmri.volumes.index import SliceIndex, VolumeIndex
from advmri.volumes.reading import read_slice, read_volume, volume_maximum
from advmri.volumes.sampling import (
    centre_caution,
    check_sampling,
    filled_rows,
    with_acquired_columns,
)
from workflow_scripts.program import LOGGER, parser, run, write_text


def main(arguments: argparse.Namespace) -> None:
    """Read the volume and the annotations, write the index."""
    volume = with_acquired_columns(read_volume(arguments.volume), arguments.acquired_columns)
    for caution in volume.cautions:
        LOGGER.warning("%s: %s", volume.path, caution)
    name = arguments.volume.stem
    rows = read_annotations(arguments.annotations)
    boxes, excluded = boxes_of_volume(rows, name, volume.slices, volume.crop, arguments.minimum_box_size)
    annotated = {}
    for number, found in boxes.items():
        try:
            scan = read_slice(volume, number)
            check_sampling(volume, number, scan.kspace, arguments.acquired_columns)
            checked_target(volume, number, scan.kspace)
        except UnusableSliceError as error:
            LOGGER.warning("left out: %s", error)
            reason = str(error).removeprefix(f"{volume.path}: ")
            excluded += slice_left_out(rows, name, number, excluded, reason)
            continue
        if len(scan.coils) < volume.coils:
            dead = sorted(set(range(volume.coils)) - set(scan.coils))
            LOGGER.warning(
                "%s: slice %d: coils %s of %d are zero everywhere and left out", name, number, dead, volume.coils
            )
        if off_centre := centre_caution(scan.kspace):
            LOGGER.warning("%s: slice %d: %s", name, number, off_centre)
        noise = measure_thermal_noise(filled_rows(scan.kspace), volume.padding)
        annotated[number] = SliceIndex(found, scan.coils, noise, array_digest(scan.kspace))
    try:
        check_maximum(volume)
    except UnusableSliceError as error:
        LOGGER.warning("the attribute 'max' is not checked: %s", error)
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
        data_sha256=file_sha256(volume.path),
        data_bytes=volume.path.stat().st_size,
        annotated=annotated,
        excluded=excluded,
        flip_up_down=volume.flip_up_down,
    )
    write_text(arguments.output, index.to_json())
    LOGGER.info("%s: %d annotated slices, %d annotations excluded", name, len(annotated), len(excluded))


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--volume", type=Path, required=True, help="a fastMRI .h5")
    made.add_argument("--annotations", type=Path, required=True, help="fastMRI+ CSV")
    made.add_argument("--minimum-box-size", type=int, default=1, help="shortest side of a box that is kept, in pixels")
    made.add_argument(
        "--acquired-columns", choices=("header", "kspace"), default="header", help="who says which those are"
    )
    made.add_argument("--output", type=Path, required=True, help="the index, JSON")
    return made


if __name__ == "__main__":
    run(main, options())
