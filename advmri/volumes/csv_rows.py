"""Rows of a CSV with the lines of the file that they stand on.

Imported while Snakemake parses, so the standard library is all it needs.
"""

import csv
from collections.abc import Iterator
from typing import TextIO

SEPARATORS = {";": "semicolons", "\t": "tabs"}


def numbered_rows(file: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Give every row that is not blank, with the number of the file's line on which it begins, from 1."""
    reader = csv.reader(file)
    before = 0
    for values in reader:
        if values:
            yield before + 1, values
        before = reader.line_num


def separator_hint(names: list[str]) -> str:
    """Return a hint where something else than commas separates the cells of a header; else nothing."""
    for sign, word in SEPARATORS.items():
        if len(names) == 1 and sign in names[0]:
            return f"; its cells are separated by {word}: save it again with commas"
    return ""
