"""What is found on the way from a number to its origin: lines for people, and all that does not agree."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from advmri.errors import DamagedFileError
from advmri.provenance.run_record import is_same, noted_digest, read_record


@dataclass
class TraceReport:
    """Lines as they come, and the disagreements among them.

    Attributes:
        packages: versions noted in the records, as text, and the files made with them.
    """

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    packages: dict[str, list[Path]] = field(default_factory=dict)

    def say(self, depth: int, text: str) -> None:
        """Add a line."""
        self.lines.append("  " * depth + text)

    def compare(self, depth: int, what: str, agrees: bool, instead: str) -> None:
        """Add whether something agrees."""
        self.say(depth, f"{what}: {'agrees' if agrees else 'DOES NOT AGREE: ' + instead}")
        if not agrees:
            self.problems.append(f"{what}: {instead}")

    def record(self, depth: int, path: Path) -> Mapping[str, Any]:
        """Say how a file was made, and whether it is still that file; return its record, empty without one."""
        try:
            record = read_record(path)
        except DamagedFileError as error:
            self.compare(depth, f"record of {path}", False, str(error))
            return {}
        if record is None:
            self.say(depth, "no record beside it: not made by this run's programs, or by an older version")
            return {}
        code, job = record["code"], record["job"]
        commit = (code["git_commit"] or "no git commit")[:12]
        changed = " with uncommitted changes" if code["uncommitted_changes"] else ""
        gpu = f", {job['gpu']} {job['gpu_peak_memory_mb']} MB" if "gpu" in job else ""
        self.say(
            depth,
            f"made by {record['program']} at {commit}{changed} (code {code['sha256'][:12]}), {job['started']},"
            f" {job['seconds']:g} s, at most {job['peak_memory_mb']:g} MB{gpu}",
        )
        self.packages.setdefault(
            ", ".join(f"{name} {number}" for name, number in record["packages"].items()), []
        ).append(path)
        if not is_same(path, record["file"]):
            self.compare(depth, str(path), False, "changed since its record was written; delete it and run again")
        return record

    def inputs(self, depth: int, record: Mapping[str, Any], path: Path, *names: str) -> None:
        """Compare the files that a file was made from with those that are there now."""
        for name in names or record.get("inputs", {}):
            for entry in record.get("inputs", {}).get(name, []):
                same = is_same(Path(entry["path"]), entry)
                digest = noted_digest(entry).removeprefix("sampled:")[:12]
                self.compare(
                    depth,
                    f"{name.replace('_', ' ')} {entry['path']} ({digest})",
                    same,
                    f"not the file that {path} was made from",
                )
