"""All claims of a run as one table."""

from dataclasses import fields

import pandas as pd

from advmri.claims import (
    better_network,
    continuity,
    fully_sampled,
    higher_acceleration,
    region_attack,
    rotation_is_milder,
    similar_slopes,
)
from advmri.claims.inputs import ClaimInputs
from advmri.claims.verdict import ClaimRow

CLAIMS = (
    better_network,
    similar_slopes,
    region_attack,
    rotation_is_milder,
    continuity,
    higher_acceleration,
    fully_sampled,
)
COLUMNS = [field.name for field in fields(ClaimRow)]
VERDICTS = ("holds", "does not hold", "undecided", "not tested")


def claims_table(inputs: ClaimInputs) -> pd.DataFrame:
    """Return one row per claim and comparison, (a) to (g), with the fields of `ClaimRow` as columns."""
    rows = [row for claim in CLAIMS for row in claim.assess(inputs)]
    table = pd.DataFrame([vars(row) for row in rows], columns=COLUMNS)
    return table.astype({"acceleration": "Int64", "severity": "float64"})


def count_verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """Return how often each claim holds, does not, or stays open: one row per claim and its words."""
    counts = table.groupby(["claim", "description"], sort=False).verdict.value_counts().unstack(fill_value=0)
    return (
        counts.reindex(columns=list(VERDICTS), fill_value=0)
        .sort_index(level="claim", sort_remaining=False)
        .reset_index()
    )
