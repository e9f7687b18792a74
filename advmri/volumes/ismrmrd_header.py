"""The ISMRMRD header (XML) of a Cartesian 2-D multi-slice acquisition, with the fields that fastMRI reads."""

from dataclasses import dataclass
from xml.etree import ElementTree

LARMOR_FREQUENCY_3T_HZ = 123_250_000


@dataclass(frozen=True)
class Geometry:
    """What a header says: as fastMRI reads it, and what else can be compared with k-space.

    Attributes:
        crop: (h, w) of the reconstruction.
        padding: acquired columns [left, right).
        encoded: (readout, phase encoding) samples of the encoded space; the first is None where the header lacks it.
        coils: receive coils, None where the header does not say.
        pixel_ratio: size of a pixel of the encoded space over that of the reconstruction, along readout and phase
            encoding; None where the header does not say.
    """

    crop: tuple[int, int]
    padding: tuple[int, int]
    encoded: tuple[int | None, int]
    coils: int | None
    pixel_ratio: tuple[float | None, float | None]


def _integer(header: ElementTree.Element, *tags: str) -> int:
    node: ElementTree.Element | None = header
    for tag in tags:
        node = node.find(f"{{*}}{tag}") if node is not None else None
    text = "" if node is None else (node.text or "").strip()
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"the ISMRMRD header has no number at {'/'.join(tags)}")
    return int(text)


def _optional(header: ElementTree.Element, *tags: str) -> int | None:
    try:
        return _integer(header, *tags)
    except ValueError:
        return None


def _pixel_mm(header: ElementTree.Element, space: str, axis: str) -> float | None:
    """Return the field of view over the matrix size along an axis; None where either is missing or not positive."""
    texts = [
        header.findtext(f"{{*}}encoding/{{*}}{space}/{{*}}{of}/{{*}}{axis}") for of in ("fieldOfView_mm", "matrixSize")
    ]
    try:
        size, samples = (float(text or "") for text in texts)
    except ValueError:
        return None
    return size / samples if 0 < size < float("inf") and samples > 0 else None


def _pixel_ratio(header: ElementTree.Element, axis: str) -> float | None:
    encoded, recon = (_pixel_mm(header, space, axis) for space in ("encodedSpace", "reconSpace"))
    return None if encoded is None or recon is None else encoded / recon


def decode_header(text: str | bytes) -> Geometry:
    """Read the geometry as fastMRI does (fastmri/data/mri_data.py:347-371), any or no XML namespace.

    Raises:
        ValueError: where the text is not XML, or a number is missing.
    """
    try:
        header = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"the ISMRMRD header is not valid XML ({error})") from error
    crop = tuple(_integer(header, "encoding", "reconSpace", "matrixSize", axis) for axis in "xy")
    encoded_columns = _integer(header, "encoding", "encodedSpace", "matrixSize", "y")
    limits = ("encoding", "encodingLimits", "kspace_encoding_step_1")
    left = encoded_columns // 2 - _integer(header, *limits, "center")
    return Geometry(
        crop=(crop[0], crop[1]),
        padding=(left, left + _integer(header, *limits, "maximum") + 1),
        encoded=(_optional(header, "encoding", "encodedSpace", "matrixSize", "x"), encoded_columns),
        coils=_optional(header, "acquisitionSystemInformation", "receiverChannels"),
        pixel_ratio=(_pixel_ratio(header, "x"), _pixel_ratio(header, "y")),
    )


def encode_header(
    encoded: tuple[int, int],
    recon: tuple[int, int],
    slices: int,
    coils: int,
    field_of_view_mm: tuple[float, float],
    acquired: tuple[int, int] | None = None,
) -> bytes:
    """Return the header as XML.

    Args:
        encoded: (readout, phase encoding) samples of k-space.
        recon: (rows, columns) of the reconstruction.
        slices: number of slices.
        coils: number of receive coils.
        field_of_view_mm: (readout, phase encoding) of the encoded space, in millimetres.
        acquired: columns [left, right) that were acquired; none: all.
    """
    # Here, not above: xsdata is slow to load, and only a simulation writes headers.
    from ismrmrd import xsd

    def space(matrix: tuple[int, int], size_mm: tuple[float, float]) -> xsd.encodingSpaceType:
        return xsd.encodingSpaceType(
            matrixSize=xsd.matrixSizeType(x=matrix[0], y=matrix[1], z=1),
            fieldOfView_mm=xsd.fieldOfViewMm(x=size_mm[0], y=size_mm[1], z=1.0),
        )

    left, right = acquired or (0, encoded[1])
    recon_mm = (field_of_view_mm[0] * recon[0] / encoded[0], field_of_view_mm[1] * recon[1] / encoded[1])
    columns = xsd.limitType(minimum=0, maximum=right - left - 1, center=encoded[1] // 2 - left)
    encoding = xsd.encodingType(
        encodedSpace=space(encoded, field_of_view_mm),
        reconSpace=space(recon, recon_mm),
        encodingLimits=xsd.encodingLimitsType(
            kspace_encoding_step_1=columns, slice=xsd.limitType(minimum=0, maximum=slices - 1, center=slices // 2)
        ),
        trajectory=xsd.trajectoryType.CARTESIAN,
    )
    header = xsd.ismrmrdHeader(
        acquisitionSystemInformation=xsd.acquisitionSystemInformationType(receiverChannels=coils),
        experimentalConditions=xsd.experimentalConditionsType(H1resonanceFrequency_Hz=LARMOR_FREQUENCY_3T_HZ),
        encoding=[encoding],
    )
    text: str = xsd.ToXML(header)
    return text.encode()
