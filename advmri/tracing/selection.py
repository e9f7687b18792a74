"""One row of a table by conditions like `model=unet`, and the rows of metrics.csv that its numbers are made of."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from advmri.errors import InputError
from advmri.image_quality.metrics import METRICS
from advmri.scores.summary import add_drops

KEYS = ("volume", "slice", "box", "model", "acceleration", "attack", "optimiser", "target", "region", "severity")
TOLERANCE = 1e-4
"""Relative: severities are stored in single precision in some tables."""


def _equal(column: pd.Series, value: object) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        try:
            number = float(str(value))
        except ValueError:
            return pd.Series(False, index=column.index)
        return pd.Series(np.isclose(column.astype(float), number, rtol=TOLERANCE, atol=0), index=column.index)
    return column.astype(str) == str(value)


def _shown(values: pd.Series) -> str:
    found = [f"{value:g}" if isinstance(value, float) else str(value) for value in values.dropna().unique()]
    return ", ".join(found[:8]) + (", ..." if len(found) > 8 else "") or "nothing"


def choose_row(table: pd.DataFrame, conditions: Iterable[str], path: Path) -> pd.Series:
    """Return the one row that fulfils all conditions; its name is the row's number from 0.

    Raises:
        InputError: where a condition is none, or none or several rows fulfil them; says what to give instead.
    """
    rows = table
    for condition in conditions:
        name, sign, value = condition.partition("=")
        if not sign or name not in table:
            raise InputError(f"{path}: {condition!r} is no column=value; its columns are {', '.join(table.columns)}.")
        left = rows[_equal(rows[name], value)]
        if left.empty:
            raise InputError(
                f"{path}: no row with {condition}; with the conditions before, {name} is {_shown(rows[name])}."
            )
        rows = left
    if len(rows) > 1:
        words = [name for name in rows if not pd.api.types.is_float_dtype(rows[name]) or name in KEYS]
        apart = [name for name in words if rows[name].nunique(dropna=False) > 1]
        offered = "".join(f"\n  {name}: {_shown(rows[name])}" for name in apart or rows.columns)
        raise InputError(f"{path}: {len(rows)} rows fulfil that; add conditions column=value:{offered}")
    return rows.iloc[0]


def _wanted(row: pd.Series, columns: Iterable[str]) -> dict[str, list[str | float]]:
    """Return the values of metrics.csv's key columns that a row of another table stands for."""
    wanted: dict[str, list[str | float]] = {}
    for name in KEYS:
        if name in row and not pd.isna(row[name]) and name in columns:
            two = isinstance(row[name], str) and "verdict" in row
            # claims.csv compares two: `a vs b`.
            values: list[str | float] = [*row[name].split(" vs ")] if two else [row[name]]
            wanted[name] = values
    if "models" in row and isinstance(row["models"], str):
        wanted["model"] = [*row["models"].split(" vs ")]
    if "region" not in row:
        wanted["region"] = ["box"]
    return wanted


def rows_behind(row: pd.Series, metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of metrics.csv that a row of the summary, the claims or a figure's CSV is made of.

    A row without `severity` and `attack` (clean quality, a training curve) has none.
    """
    if not {"severity", "attack"} & set(row.index):
        return metrics.iloc[:0]
    rows = metrics
    for name, values in _wanted(row, metrics.columns).items():
        fits = pd.Series(False, index=rows.index)
        for value in values:
            fits |= _equal(rows[name], value)
        rows = rows[fits]
    return rows


def compare_means(row: pd.Series, rows: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return (as in the table, mean of `rows`) for each number of a row that is a mean over rows of metrics.csv."""
    if rows.empty or "n_boxes" not in row or int(row["n_boxes"]) != len(rows) or "verdict" in row:
        return {}
    found = {}
    scores = add_drops(rows)
    fully_sampled = str(row.get("series", "")).startswith(("fully sampled", "interpolation alone"))
    for name in scores.columns:
        column = f"{name}_mean" if f"{name}_mean" in row else name if name in METRICS else ""
        if column and column in row and not pd.isna(row[column]):
            source = f"fully_sampled_{name}" if fully_sampled else name
            found[column] = (float(row[column]), float(scores[source].mean()))
    return found
