"""The closing summary: every annotation left out is counted under its reason."""

from advmri.volumes.left_out import SHOWN, left_out_lines


def test_reasons_that_differ_in_numbers_count_as_one():
    entries = [("v1", f"slice {number} is zero everywhere.") for number in (1, 22)]
    entries += [("v2", "slice 3 is zero everywhere."), ("v1", "box of 3 x 12 px is smaller than x = 7")]
    assert left_out_lines(entries) == [
        "Left out: 4 annotations (tables/excluded.csv names each):",
        "  3  slice N is zero everywhere (2 volumes)",
        "  1  box of N x N px is smaller than x = N (v1)",
    ]


def test_nothing_left_out_is_said_too():
    assert left_out_lines([]) == ["No annotation was left out."]


def test_many_reasons_are_cut_and_none_is_lost():
    entries = [("v", f"reason {'a' * (place + 1)}") for place in range(SHOWN + 3)]
    lines = left_out_lines(entries)
    assert len(lines) == SHOWN + 2 and lines[-1] == "  3  for 3 other reasons"
    assert sum(int(line.split()[0]) for line in lines[1:]) == len(entries)


def test_names_of_digits_in_a_reason_stay(tmp_path):
    assert left_out_lines([("v", "'v1.h5': write it without .h5")])[1] == "  1  'v1.h5': write it without .h5 (v)"
