"""How many annotations were not used, and why, in a few lines."""

import re
from collections import defaultdict
from collections.abc import Iterable

NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?!\w)")
SHOWN = 8
"""Reasons that are listed; of further ones the number."""


def left_out_lines(entries: Iterable[tuple[str, str]]) -> list[str]:
    """Return a summary of annotations left out, those with the same reason together, the most frequent first.

    Args:
        entries: volume and reason of each; reasons that differ in numbers only count as one.
    """
    volumes: dict[str, list[str]] = defaultdict(list)
    for volume, reason in entries:
        volumes[NUMBER.sub("N", reason).rstrip(".")].append(volume)
    total = sum(map(len, volumes.values()))
    if not total:
        return ["No annotation was left out."]
    ordered = sorted(volumes.items(), key=lambda entry: -len(entry[1]))
    lines = [f"Left out: {total} annotation{'s' * (total > 1)} (tables/excluded.csv names each):"]
    for reason, names in ordered[:SHOWN]:
        where = f"{len(set(names))} volumes" if len(set(names)) > 1 else names[0]
        lines.append(f"  {len(names)}  {reason} ({where})")
    rest = sum(len(names) for _, names in ordered[SHOWN:])
    return lines + ([f"  {rest}  for {len(ordered) - SHOWN} other reasons"] if rest else [])
