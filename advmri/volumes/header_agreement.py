"""Whether a volume's ISMRMRD header and the shapes of its data agree."""

from pathlib import Path

from advmri.errors import InputError
from advmri.volumes.ismrmrd_header import Geometry

PIXEL_TOLERANCE = 0.05


def check_axes(path: Path, geometry: Geometry, rows: int, columns: int) -> None:
    """Raise InputError where k-space has readout and phase encoding the other way round than its header."""
    readout, phase_encodes = geometry.encoded
    # The readout's samples may be fewer than the header says: its oversampling may have been removed.
    is_readout = readout is not None and readout != rows and readout % columns == 0
    if phase_encodes == rows != columns and is_readout:
        raise InputError(
            f"{path}: its k-space has {rows} rows and {columns} columns, its header (encodedSpace) {readout} readout"
            f" samples (rows) and {rows} phase encodes (columns); swap the last two axes of 'kspace', or x and y in the"
            " header."
        )


def header_cautions(geometry: Geometry, shape: tuple[int, int, int], crop: tuple[int, int]) -> tuple[str, ...]:
    """Return where the header differs from `kspace` [C, H, W] and the images in use, in words."""
    coils, *size = shape
    found = []
    if any(says not in (None, has) for says, has in zip(geometry.encoded, size, strict=True)):
        says = " x ".join("?" if number is None else str(number) for number in geometry.encoded)
        found.append(f"its header says {says} encoded samples, its k-space has {size[0]} x {size[1]}")
    if geometry.crop != crop:
        found.append(f"its header says {geometry.crop} for the reconstruction, its images have {crop}, which is used")
    if geometry.coils not in (None, coils):
        found.append(f"its header says {geometry.coils} coils, its k-space has {coils}")
    for ratio, name in zip(geometry.pixel_ratio, ("rows", "columns"), strict=True):
        if ratio is not None and abs(ratio - 1) > PIXEL_TOLERANCE:
            found.append(
                f"its header gives the reconstruction pixels of {1 / ratio:.3g} times k-space's along {name}: cut out"
                " as it is here, the image shows another part of the view than the header says"
            )
    return tuple(found)
