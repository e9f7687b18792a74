"""Read the tables that this project writes."""

from pathlib import Path

import pandas as pd

from advmri.storage.text_digest import check_table

NAMES: dict[str, type] = {"volume": str, "patient": str, "label": str, "model": str, "attack": str}


def read_table(path: Path) -> pd.DataFrame:
    """Read a table; names stay text, `NA` and `007` too: only an empty cell is missing.

    Raises:
        DamagedFileError: where it is not what the checksum beside it says.
    """
    check_table(path)
    columns = pd.read_csv(path, nrows=0).columns
    missing = {column: [""] if column in NAMES else ["", "nan"] for column in columns}
    return pd.read_csv(path, dtype=NAMES, keep_default_na=False, na_values=missing)
