"""The files behind scores: score files, attack files, masks, checkpoints and volumes, each compared with its digest."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from advmri.errors import InputError
from advmri.provenance.run_record import record_path
from advmri.reconstruction.weights.checkpoint import facts_of
from advmri.reconstruction.weights.weights_file import read_torch_file
from advmri.storage.attack_file import INPUT_DIGESTS, AttackFile, open_attack_file
from advmri.storage.baseline import BASELINE
from advmri.storage.file_digest import file_sha256
from advmri.storage.layout import ATTACKS, CHECKPOINT, SCORE_FILE, SCORES, VALIDATION, place
from advmri.storage.slice_jobs import range_of_file
from advmri.storage.tables import read_table
from advmri.tracing.report import TraceReport

JOB = ["attack", "model", "acceleration", "volume"]


def files_with_slice(run: Path, pattern: str, job: dict[str, Any], slice_number: int) -> list[Path]:
    """Return the files of an attack job that hold a slice: one, or none where it is missing."""
    example = place(run, pattern, **job, slices=slice_number)
    files = sorted(example.parent.glob(f"slices_*{example.suffix}"))
    return [path for path in files if (ends := range_of_file(path)) and ends[0] <= slice_number <= ends[1]]


class Origins:
    """Follows scores to their origins and says each thing once.

    Args:
        run: results/<name>.
        report: takes what is found.
        with_volumes: whether volumes, the largest files, are read and compared.
        scores: the score files that metrics.csv was made from, as its record says: another cut of the slices into jobs
            leaves the files of the one before.
    """

    def __init__(self, run: Path, report: TraceReport, with_volumes: bool = True, scores: Iterable[Path] = ()) -> None:
        self.run = run
        self.scores = {path.resolve() for path in scores}
        self.report = report
        self.with_volumes = with_volumes
        self.checkpoints: set[Path] = set()
        self._digests: dict[Path, str] = {}
        self._told: set[Path] = set()

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            self._digests[path] = file_sha256(path) if path.is_file() else "missing"
        return self._digests[path]

    def follow_rows(self, rows: pd.DataFrame) -> None:
        """Say where rows of metrics.csv come from, grouped by attack file."""
        jobs: dict[tuple[Path | None, str], list[int]] = {}
        for number, row in rows.iterrows():
            job = {name: row[name] for name in JOB}
            files = files_with_slice(self.run, SCORE_FILE, job, int(row["slice"]))
            used = [path for path in files if path.resolve() in self.scores] or files
            what = "/".join(str(job[name]) for name in JOB)
            jobs.setdefault((used[0] if used else None, what), []).append(int(str(number)))
        for (score_file, what), numbers in jobs.items():
            if score_file is None:
                self.report.compare(1, what, False, f"its score file is not below {self.run}; run the workflow again")
                continue
            within = score_file.relative_to(self.run / SCORES).with_suffix(".h5")
            attack_file = self.run / ATTACKS / within
            if not attack_file.is_file():
                self.report.compare(1, what, False, f"{attack_file} is missing; run the workflow again")
                continue
            self._follow_score(score_file, rows.loc[numbers])
            self.follow_attack(attack_file, sorted({int(number) for number in rows.loc[numbers, "slice"]}))

    def _follow_score(self, path: Path, rows: pd.DataFrame) -> None:
        self.report.say(1, f"{path}: {len(rows)} row{'s' if len(rows) > 1 else ''}")
        self.report.inputs(2, self.report.record(2, path), path, "attack_file", "index")
        try:
            stored = read_table(path)
        except InputError as error:
            self.report.compare(2, str(path), False, str(error))
            return
        merged = rows.merge(stored.drop_duplicates(), how="inner")
        self.report.compare(2, "rows in metrics.csv", len(merged) == len(rows), f"they are not those of {path}")

    def follow_attack(self, path: Path, slices: list[int]) -> None:
        """Say how an attack file was made, and compare slices of it with their digests."""
        self.report.say(2, f"from {path}, slice {', '.join(map(str, slices))}")
        self.report.record(3, path)
        try:
            with open_attack_file(path) as attack:
                for number in slices:
                    attack.group(number)
                self.report.compare(3, "content", True, "")
                self._follow_inputs(attack, path)
        except InputError as error:
            self.report.compare(3, str(path), False, str(error))

    def _follow_inputs(self, attack: AttackFile, path: Path) -> None:
        facts = attack.attributes
        settings = ", ".join(f"{key} {value}" for key, value in facts["attack"].items())
        self.report.say(3, f"attack {facts['attack_name']}: {settings}")
        self.report.say(
            3,
            f"seed {facts['seed']}, batch size {facts['batch_size']}, on {facts['device']},"
            f" code {str(facts['code_sha256'])[:12]}",
        )
        for name, attribute in INPUT_DIGESTS.items():
            file, stored = Path(facts["inputs"][name]), str(facts[attribute])
            what = f"{name} {file} ({stored[:12]})"
            if name == "volume" and not self.with_volumes:
                self.report.say(3, f"{what}: not compared")
                continue
            self.report.compare(3, what, self._digest(file) == stored, f"not the file that {path} was made from")
            if name != "checkpoint" and file not in self._told and record_path(file).is_file():
                self._told.add(file)
                self.report.record(4, file)
            if name == "checkpoint":
                self.checkpoints.add(file)

    def follow_validation(self, row: pd.Series) -> None:
        """Say where clean quality comes from: the validation it was taken from, its checkpoint, masks and volumes."""
        for path in sorted(self.run.glob(VALIDATION.format(model="*", acceleration=f"{row['acceleration']:g}"))):
            wanted = {name: row[name] for name in ("model", "acceleration", "volume") if name in row}
            table = read_table(path)
            if not (table[list(wanted)] == pd.Series(wanted)).all(axis=1).any():
                continue
            self.report.say(0, f"{path}")
            record = self.report.record(1, path)
            names = [name for name in record.get("inputs", {}) if self.with_volumes or name != "volumes"]
            self.report.inputs(1, record, path, *names)
            if row["model"] != BASELINE:
                series = {"model": row["model"], "acceleration": f"{row['acceleration']:g}"}
                noted = record.get("inputs", {}).get("checkpoint", [{"path": place(self.run, CHECKPOINT, **series)}])
                self.checkpoints.update(Path(one["path"]) for one in noted)
            return

    def follow_checkpoint(self, path: Path) -> None:
        """Say how a network was trained or where its weights came from."""
        self.report.say(0, f"{path}")
        record = self.report.record(1, path)
        if not path.is_file():
            self.report.compare(1, str(path), False, "missing; run the workflow again")
            return
        try:
            facts = facts_of(read_torch_file(path), path)
        except InputError as error:
            self.report.compare(1, str(path), False, str(error))
            return
        sizes = ", ".join(f"{key} {value}" for key, value in facts.arguments.items())
        network = f"{facts.architecture} ({sizes})" if sizes else facts.architecture
        self.report.say(1, f"{network}, {facts.acceleration}x, trained on: {facts.trained_on}")
        training = {key: value for key, value in facts.training.items() if key != "volumes"}
        if training:
            self.report.say(1, "training: " + ", ".join(f"{key} {value}" for key, value in training.items()))
        names = [name for name in record.get("inputs", {}) if self.with_volumes or name != "volumes"]
        if names:
            self.report.inputs(1, record, path, *names)
        elif facts.training.get("volumes"):
            self.report.say(1, "volumes: " + ", ".join(facts.training["volumes"]))
