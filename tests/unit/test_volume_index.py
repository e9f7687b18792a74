"""The index of a volume reads back as it was written."""

from advmri.annotations import Box, ExcludedAnnotation
from advmri.volume_index import SliceIndex, VolumeIndex, read_index


def test_round_trip(tmp_path):
    index = VolumeIndex(
        volume="v",
        patient="p",
        acquisition="CORPD_FBK",
        slices=9,
        coils=2,
        rows=48,
        columns=32,
        crop=(24, 20),
        padding=(1, 31),
        maximum=1.25e-3,
        annotated={
            3: SliceIndex([Box(0, "Meniscus Tear", 1, 9, 2, 12), Box(1, "Ödem", 3, 4, 5, 6)], [0, 2], [1e-6, 2.5e-6]),
            11: SliceIndex([], [0, 1], [0.0, float("nan")]),
        },
        excluded=[ExcludedAnnotation(7, "v", 0, "artifact", "study-level annotation without a box")],
    )
    (tmp_path / "index.json").write_text(index.to_json())
    found = read_index(tmp_path / "index.json")
    assert found.annotated[3] == index.annotated[3] and list(found.annotated) == [3, 11]
    assert found.crop == (24, 20) and found.padding == (1, 31) and found.excluded == index.excluded
    assert found.to_json() == index.to_json()
