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
from advmri.claims.verdict import NOTE_SEPARATOR, ClaimRow

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


def claim_lines(table: pd.DataFrame) -> list[str]:
    """Return a line per claim with its verdicts, then the notes that their numbers in brackets refer to."""
    notes: dict[str, int] = {}
    lines = []
    for row in count_verdicts(table).to_dict("records"):
        of_claim = table[(table.claim == row["claim"]) & (table.description == row["description"])]
        counts = []
        for word in (word for word in VERDICTS if row[word]):
            parts = [part for note in of_claim.note[of_claim.verdict == word] for part in _parts(note, word)]
            numbers = sorted({notes.setdefault(part, len(notes) + 1) for part in parts})
            marks = f" [{', '.join(map(str, numbers))}]" if numbers else ""
            counts.append(f"{word} {row[word]}{marks}")
        lines.append(f"({row['claim']}) {row['description']}: {', '.join(counts)}")
    return [*lines, *(f"[{number}] {note}" for note, number in notes.items())]


def _parts(note: str, word: str) -> list[str]:
    """Return the parts of a note; why a claim was not tested is one."""
    if not isinstance(note, str) or not note:
        return []
    return [note] if word == "not tested" else note.split(NOTE_SEPARATOR)
