"""Read a run's tables of one job each, which are the ones that their names say."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from advmri.storage.baseline import BASELINE
from advmri.storage.layout import SCORE_FILE, VALIDATION, check_name
from advmri.storage.tables import read_table

JOB = ("attack", "model", "acceleration", "volume")
SERIES = ("model", "acceleration")


def read_scores(path: Path) -> pd.DataFrame:
    """Read the scores of one attack job; raises InputError where they are another's than their name says."""
    table = read_table(path)
    _check(path, SCORE_FILE, table, JOB)
    return table


def read_validation(path: Path) -> pd.DataFrame:
    """Read the clean quality of one network; raises InputError where it is another's than its name says."""
    table = read_table(path)
    _check(path, VALIDATION, table[table.model != BASELINE], SERIES)
    return table


def _check(path: Path, pattern: str, table: pd.DataFrame, keys: Iterable[str]) -> None:
    """Compare the columns that say where rows come from with a file's name."""
    for values in table[list(keys)].drop_duplicates().to_dict("records"):
        check_name(path, pattern, {str(key): value for key, value in values.items()})
