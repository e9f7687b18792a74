"""Write a table with its checksum beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from advmri.storage.text_digest import checksum_file, checksum_line
from workflow_scripts.program import atomic_output, write_text


@contextmanager
def table_output(path: Path) -> Iterator[Path]:
    """Give a temporary name for a CSV file; on success its checksum is written, then the file renamed to `path`."""
    with atomic_output(path) as temporary:
        yield temporary
        # First the checksum: a table is never there without the one that belongs to it.
        write_text(checksum_file(path), checksum_line(temporary, path.name))


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table atomically."""
    with table_output(path) as temporary:
        table.to_csv(temporary, index=False)
