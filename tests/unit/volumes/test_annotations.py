"""Boxes of fastMRI+: the real file's counts, the up-down flip, and a reason for every annotation left out."""

import io
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import write_csv

from advmri.errors import InputError
from advmri.volumes.annotations import (
    Box,
    annotated_slices,
    boxes_of_volume,
    ending_hint,
    read_annotations,
    unaudited_annotations,
    write_annotations,
)

CROP = (320, 320)
SLICES = 60
"""More than any fastMRI knee has, so that no slice number is out of range."""


@pytest.fixture(scope="module")
def real_rows(shared):
    return read_annotations(shared / "fastmri-plus" / "knee.csv")


@pytest.fixture(scope="module")
def validation_volumes(shared):
    names = (shared / "fastmri-manifest" / "knee_multicoil_val.txt").read_text().split()
    return {name.rpartition("/")[2].removesuffix(".h5") for name in names}


def decide(rows, volumes=None, minimum_box_size=1):
    """Decide on every annotation of the volumes: kept boxes by (volume, slice), and the excluded ones."""
    kept, left_out = {}, []
    names = {row.volume for row in rows}
    by_volume = {name: [row for row in rows if row.volume == name] for name in names & (volumes or names)}
    for volume, its_rows in by_volume.items():
        boxes, excluded = boxes_of_volume(its_rows, volume, SLICES, CROP, minimum_box_size)
        kept |= {(volume, number): found for number, found in boxes.items()}
        left_out += excluded
    return kept, left_out


@pytest.mark.shared
def test_counts_of_the_real_file(real_rows):
    assert len(real_rows) == 16_167
    assert sum(not row.study_level for row in real_rows) == 16_154
    assert len({row.volume for row in real_rows if row.has_area}) == 969
    study = [row for row in real_rows if row.study_level]
    assert len(study) == 13 and {row.label for row in study} == {"artifact"} and {row.slice for row in study} == {0}
    kept, left_out = decide(real_rows)
    reasons = Counter(entry.reason.split(" (")[0] for entry in left_out)
    assert reasons == {
        "study-level annotation without a box": 13,
        "box has no area": 1,
        "duplicate of an earlier row": 5,
    }
    assert sum(map(len, kept.values())) + len(left_out) == len(real_rows)
    twice = {(entry.volume, entry.slice) for entry in left_out if entry.reason.startswith("duplicate")}
    assert twice == {("file1001706", number) for number in range(21, 26)}
    assert {row.label for row in real_rows if row.label.startswith("Joint Effusion")} == {"Joint Effusion"}


@pytest.mark.shared
def test_annotated_slices_of_the_real_file(real_rows):
    """9,581 slices carry a box row, and so does that of the box of zero height."""
    slices = {(row.volume, row.slice) for row in real_rows if not row.study_level}
    assert len(slices) == 9_581
    kept, _ = decide(real_rows)
    assert slices == set(kept)


@pytest.mark.shared
def test_counts_of_the_validation_split(real_rows, validation_volumes):
    rows = [row for row in real_rows if row.volume in validation_volumes]
    assert (len(rows), sum(not row.study_level for row in rows)) == (2_501, 2_500)
    kept, left_out = decide(real_rows, validation_volumes)
    assert (len({volume for volume, _ in kept}), len(kept)) == (154, 1_524)
    assert len(left_out) == 1 and left_out[0].reason.startswith("study-level")
    sizes = Counter(map(len, kept.values()))
    assert sizes == {1: 936, 2: 357, 3: 135, 4: 59, 5: 21, 6: 10, 7: 4, 8: 2}


@pytest.mark.shared
def test_small_boxes_of_the_real_file(real_rows, validation_volumes):
    boxes = [row for row in real_rows if row.has_area]
    assert sum(min(row.width, row.height) < 7 for row in boxes) == 184
    (flat,) = [row for row in real_rows if not row.study_level and not row.has_area]
    assert (flat.volume, flat.slice, flat.height) == ("file1002097", 27, 0)
    assert flat.volume not in validation_volumes
    everything, _ = decide(real_rows, validation_volumes)
    large, left_out = decide(real_rows, validation_volumes, minimum_box_size=7)
    small = [entry for entry in left_out if "smaller" in entry.reason]
    clipped = [box for found in everything.values() for box in found if min(_size(box)) < 7]
    assert len(small) == len(clipped) == 28
    assert len(everything) - len(large) == 12


def _size(box):
    return box.row1 - box.row0, box.column1 - box.column0


@pytest.mark.shared
def test_boxes_out_of_range_are_clipped_not_lost(real_rows, validation_volumes):
    outside = [row for row in real_rows if row.has_area and row.y < 0]
    assert len(outside) == 6 and sum(row.volume in validation_volumes for row in outside) == 2
    assert {(row.y, row.label) for row in outside} == {(-1, "Joint Effusion")}
    kept, _ = decide(real_rows)
    for row in outside:
        found = [box for box in kept[row.volume, row.slice] if (box.column0, box.row1) == (row.x, CROP[0])]
        assert [_size(box) for box in found] == [(row.height - 1, row.width)]


@pytest.mark.shared
def test_every_kept_box_lies_in_the_image_and_labels_carry_no_spaces(real_rows):
    kept, _ = decide(real_rows)
    for found in kept.values():
        for number, box in enumerate(found):
            assert box.number == number
            assert 0 <= box.row0 < box.row1 <= CROP[0] and 0 <= box.column0 < box.column1 <= CROP[1]
            assert box.label == box.label.strip()


def test_boxes_are_drawn_on_images_flipped_up_down(tmp_path):
    """y counts from the bottom: a box touching y = 0 ends at the last row of the array."""
    rows = read_annotations(
        write_csv(tmp_path / "a.csv", [("v", 3, "No", 10, 0, 7, 5, "A"), ("v", 3, "No", 0, 95, 4, 5, "B")])
    )
    boxes, excluded = boxes_of_volume(rows, "v", 4, (100, 50))
    assert excluded == []
    assert boxes == {3: [Box(0, "A", 95, 100, 10, 17), Box(1, "B", 0, 5, 0, 4)]}


def test_every_annotation_left_out_has_its_reason(tmp_path):
    rows = read_annotations(
        write_csv(
            tmp_path / "a.csv",
            [
                ("v", 0, "Yes", "", "", "", "", "artifact"),
                ("v", 1, "No", 5, 5, 4, 0, "flat"),
                ("v", 9, "No", 5, 5, 4, 4, "beyond the last slice"),
                ("v", -1, "No", 5, 5, 4, 4, "before the first slice"),
                ("v", 1, "No", 200, 5, 4, 4, "outside"),
                ("v", 1, "No", 5, 5, 4, 4, "kept "),
                ("v", 1, "No", 5, 5, 4, 4, "kept"),
                ("v", 1, "No", 5, 5, "", 4, "half"),
                ("v", 1, "No", 5, 5, 3, 4, "small"),
                ("other", 1, "No", 5, 5, 4, 4, "of another volume"),
            ],
        )
    )
    boxes, excluded = boxes_of_volume(rows, "v", 4, (100, 50), minimum_box_size=4)
    assert [box.label for box in boxes[1]] == ["kept"]
    reasons = {entry.line: entry.reason for entry in excluded}
    expected = {
        2: "study-level",
        3: "no area",
        4: "slice 9 is outside",
        5: "slice -1 is outside",
        6: "outside the image",
        8: "duplicate",
        9: "incomplete",
        10: "smaller than dataset.minimum_box_size = 4",
    }
    assert reasons.keys() == expected.keys()
    assert all(expected[line] in reason for line, reason in reasons.items())


def test_two_findings_in_one_place_are_no_duplicates(tmp_path):
    places = [("v", 1, "No", 5, 5, 4, 4, label) for label in ("tear", "oedema")]
    boxes, excluded = boxes_of_volume(read_annotations(write_csv(tmp_path / "a.csv", places)), "v", 4, (100, 50))
    assert [box.label for box in boxes[1]] == ["tear", "oedema"] and not excluded


def test_clipping_decides_on_the_size_that_is_left(tmp_path):
    rows = read_annotations(write_csv(tmp_path / "a.csv", [("v", 0, "No", 45, -3, 10, 8, "corner")]))
    boxes, _ = boxes_of_volume(rows, "v", 1, (100, 50), minimum_box_size=5)
    assert boxes == {0: [Box(0, "corner", 95, 100, 45, 50)]}
    above = read_annotations(write_csv(tmp_path / "b.csv", [("v", 0, "No", -4, 97, 10, 8, "opposite corner")]))
    assert boxes_of_volume(above, "v", 1, (100, 50))[0] == {0: [Box(0, "opposite corner", 0, 3, 0, 6)]}
    boxes, excluded = boxes_of_volume(rows, "v", 1, (100, 50), minimum_box_size=6)
    assert boxes == {} and "5 x 5" in excluded[0].reason


def test_annotations_of_volumes_that_are_not_audited_are_named_too(tmp_path):
    volumes = ("audited", "of-the-train-split", "left-out", "no-box")
    rows = [(name, 1, "No", 5, 5, 4, 4, "a") for name in volumes[:3]] + [
        ("no-box", 0, "Yes", "", "", "", "", "artifact")
    ]
    rows = read_annotations(write_csv(tmp_path / "a.csv", rows))
    found = unaudited_annotations(rows, {"audited", "left-out", "no-box"}, {"audited"})
    assert {entry.volume: entry.reason.split(",")[0] for entry in found} == {
        "of-the-train-split": "no volume of this name in multicoil_val",
        "left-out": "volume left out by dataset.audited_volumes",
        "no-box": "volume without a usable box",
    }
    assert [entry.line for entry in found] == [3, 4, 5]


def test_annotated_slices_count_boxes_with_an_area_only(tmp_path):
    rows = read_annotations(
        write_csv(
            tmp_path / "a.csv",
            [
                ("v", 7, "No", 5, 5, 4, 4, "a"),
                ("v", 2, "No", 5, 5, 4, 4, "a"),
                ("v", 2, "No", 9, 5, 4, 4, "b"),
                ("v", 3, "No", 5, 5, 4, 0, "flat"),
                ("v", -1, "No", 5, 5, 4, 4, "before the first slice"),
                ("v", 0, "Yes", "", "", "", "", "artifact"),
                ("w", 5, "No", 5, 5, 4, 4, "a"),
            ],
        )
    )
    assert annotated_slices(rows, "v") == [2, 7]
    assert annotated_slices(rows, "nobody") == []


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(1, 10), st.integers(0, 20), st.integers(1, 8)),
        unique=True,
    )
)
def test_what_is_written_is_read_back(tmp_path_factory, places):
    path = tmp_path_factory.mktemp("csv") / "boxes.csv"
    written = {}
    for number, row, height, column, width in places:
        boxes = written.setdefault(number, [])
        boxes.append(Box(len(boxes), "Meniscus Tear, say", row, row + height, column, column + width))
    text = io.StringIO()
    write_annotations(text, [("v", number, box) for number, boxes in written.items() for box in boxes], rows=40)
    path.write_text(text.getvalue())
    boxes, excluded = boxes_of_volume(read_annotations(path), "v", 4, (40, 28))
    assert excluded == [] and boxes == dict(sorted(written.items()))


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("file,slice,x,y,width,height,label\n", "study_level"),
        ("", "file, slice"),
        ("file,slice,study_level,x,y,width,height,label\nv,one,No,1,1,1,1,a\n", "line 2: column 'slice'"),
        ("file,slice,study_level,x,y,width,height,label\nv,1,No,1,1,1,1,a\nv,1,No,1,nan,1,1,a\n", "line 3: column 'y'"),
        ("file,slice,study_level,x,y,width,height,label\nv,1,No,1\n", "line 2: fewer cells"),
        ("file,slice,study_level,x,y,width,height,label\nv,,No,1,1,1,1,a\n", "line 2: 'file' or 'slice' is empty"),
        ("file,slice,study_level,x,y,width,height,label\nv,1,No,10.5,1,1,1,a\n", "line 2: column 'x' holds '10.5'"),
        ("file,slice,study_level,x,y,width,height,label\nv,1,maybe,1,1,1,1,a\n", "line 2: column 'study_level'"),
        (b"file,slice\n\xff", "UTF-8"),
        ("file,slice,study_level,x,y,width,height,label\nv,1,No,1,1,1,1," + "a" * 200_000 + "\n", "not a CSV file"),
    ],
)
def test_bad_files_are_named_with_the_line(tmp_path, content, named):
    path = tmp_path / "bad.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=r"bad\.csv") as caught:
        read_annotations(path)
    assert named in str(caught.value)


HEADER = "file,slice,study_level,x,y,width,height,label"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{HEADER}\n\n\nv,1,No,1,1,1,1,a\n\nv,1,No,1,one,1,1,a\n", 6),
        (f"\n{HEADER}\nv,1,No,1,one,1,1,a\n", 3),
        (f'{HEADER}\nv,1,No,1,1,1,1,"two\nlines"\nv,1,No,1,one,1,1,a\n', 4),
        (f'{HEADER}\r\n\r\nv,1,No,1,one,1,1,"two\r\nlines"\r\n', 3),
    ],
)
def test_messages_count_the_files_lines(tmp_path, text, line):
    """As an editor shows them: blank lines, and those within a quoted cell, count too."""
    (tmp_path / "a.csv").write_bytes(text.encode())
    with pytest.raises(InputError, match=rf"a\.csv, line {line}: column 'y' holds 'one'"):
        read_annotations(tmp_path / "a.csv")


def test_rows_know_the_files_lines(tmp_path):
    (tmp_path / "a.csv").write_text(f"{HEADER}\n\nv,1,No,1,1,1,1,a\n\n\nv,1,No,1,1,1,1,b,more,cells\n")
    assert [(row.line, row.label) for row in read_annotations(tmp_path / "a.csv")] == [(3, "a"), (6, "b")]


@pytest.mark.parametrize(("sign", "word"), [(";", "semicolons"), ("\t", "tabs")])
def test_other_separators_get_a_hint(tmp_path, sign, word):
    (tmp_path / "a.csv").write_text(f"{HEADER}\nv,1,No,1,1,1,1,a\n".replace(",", sign))
    with pytest.raises(InputError, match=f"missing; .*; its cells are separated by {word}: save it again with commas"):
        read_annotations(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text((tmp_path / "a.csv").read_text().replace(sign, ","))
    assert len(read_annotations(tmp_path / "a.csv")) == 1


def test_names_with_the_ending_of_their_files_get_a_hint(tmp_path):
    rows = [("v1.h5", 1, "No", 5, 5, 4, 4, "a"), ("w9.h5", 1, "No", 5, 5, 4, 4, "a"), ("v2", 1, "No", 5, 5, 4, 4, "a")]
    found = unaudited_annotations(read_annotations(write_csv(tmp_path / "a.csv", rows)), {"v1", "v2"}, {"v2"})
    assert [entry.reason.partition("multicoil_val")[2] for entry in found] == [" ('v1.h5': write it without .h5)", ""]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("v1.hdf5", " ('v1.hdf5': write it without .hdf5)"),
        ("v1.H5", " ('v1.H5': write it without .H5)"),
        ("multicoil_val/v1.h5", " ('multicoil_val/v1.h5': write 'v1')"),
        ("C:\\data\\v1", " ('C:\\\\data\\\\v1': write 'v1')"),
        ("multicoil_val/w.h5", ""),
        ("v1.npy", ""),
    ],
)
def test_names_with_other_endings_or_folders_get_a_hint(name, hint):
    assert ending_hint([name], {"v1"}) == hint


def test_a_box_without_a_label_has_one_in_every_table(tmp_path):
    """An empty cell of a table is a missing one."""
    rows = read_annotations(write_csv(tmp_path / "a.csv", [("v", 1, "No", 5, 5, 4, 4, " ")]))
    boxes, _ = boxes_of_volume(rows, "v", 2, (40, 30))
    assert [box.label for box in boxes[1]] == ["unlabelled"]


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.csv.*dataset\.annotations"):
        read_annotations(tmp_path / "nothing.csv")


def test_other_kinds_of_files_are_named(tmp_path):
    """Nothing of them is read as a table."""
    with pytest.raises(InputError, match=r"a folder, not a CSV file; name the file in dataset\.annotations"):
        read_annotations(tmp_path)
    for content, kind in ((b"\x89HDF\r\n\x1a\n", "an HDF5 file"), ("ö".encode("latin1"), "a file of unknown kind")):
        (tmp_path / "boxes.csv").write_bytes(content)
        with pytest.raises(InputError, match=rf"boxes\.csv: {kind}, not a CSV file in UTF-8 \(.* at byte 0\)"):
            read_annotations(tmp_path / "boxes.csv")
