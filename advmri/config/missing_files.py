"""Which files of a run are gone though others were made from them: Snakemake looks for none that no job will read."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from shlex import quote

import advmri.storage.layout as layout
from advmri.config.planning import Plan


@dataclass(frozen=True)
class MissingFiles:
    """The files of a run that `all` has to ask for, since nothing else does.

    A file is asked for where what is made from it is there. Where that is gone too, it is asked for itself, or made
    anyway, and Snakemake then asks for what it is made from. Before a run, nothing is looked for but a few folders.

    Attributes:
        plan: of the config.
        results: results/<name>.
        exists: whether there is a file or folder.
    """

    plan: Plan
    results: str
    exists: Callable[[str], bool] = os.path.exists

    def asked(self) -> list[str]:
        """Return the files to make again."""
        if not self._begun():
            return []
        return [*self._of_jobs(), *self._of_volumes(), *self._simulated()]

    def notes(self) -> list[str]:
        """Return what is said of folders that are not there as a whole: that is taken for intended."""
        if not self._begun():
            return []
        lists = [self._without_attacks() if self._has(layout.SCORES) else []]
        lists += [[folder] for folder in self._simulated_folders() if not self.exists(folder)]
        return [
            f"{', '.join(folders)}: not there, and not made again for results that are;"
            f" `mkdir -p {' '.join(map(quote, folders))}` asks for the files."
            for folders in lists
            if folders
        ]

    def _has(self, name: str) -> bool:
        return self.exists(f"{self.results}/{name}")

    def _begun(self) -> bool:
        return any(map(self._has, (layout.MODELS, layout.ATTACKS, layout.SCORES)))

    def _without_attacks(self) -> list[str]:
        """Return the folder of all attack files where it is gone, or the series of which only scores are left.

        A series without scores has not been attacked yet. Where the folder is there and empty, as made by hand, no
        series is gone: all are wanted.
        """
        everything = f"{self.results}/{layout.ATTACKS}"
        if not self.exists(everything):
            return [everything]
        series: dict[str, list[str]] = {}
        for attack_file, score_file in self._attack_and_score_files():
            series.setdefault(_series_of(attack_file), []).append(score_file)
        absent = [folder for folder in series if not self.exists(folder)]
        return (
            [folder for folder in absent if any(map(self.exists, series[folder]))] if len(absent) < len(series) else []
        )

    def _attack_and_score_files(self) -> Iterator[tuple[str, str]]:
        patterns = (f"{self.results}/{pattern}" for pattern in (layout.ATTACK_FILE, layout.SCORE_FILE))
        return zip(*map(self.plan.attack_jobs, patterns), strict=True)

    def _of_jobs(self) -> Iterator[str]:
        """Attack files whose scores are there, but for folders that are gone; scores that the tables hold."""
        collected, gone = self._has(layout.METRICS), self._without_attacks()
        for attack_file, score_file in self._attack_and_score_files():
            if self.exists(score_file):
                if not (self.exists(attack_file) or attack_file.startswith(tuple(f"{folder}/" for folder in gone))):
                    yield attack_file
            elif collected:
                yield score_file

    def _of_volumes(self) -> Iterator[str]:
        """Indices and masks: so few that what is made from them need not be looked for."""
        for volume in self.plan.audited_volumes:
            places = [layout.INDEX.format(volume=volume)]
            places += [layout.MASK.format(volume=volume, acceleration=one) for one in self.plan.config.accelerations]
            yield from (f"{self.results}/{place}" for place in places if not self._has(place))

    def _simulated_folders(self) -> list[str]:
        if self.plan.config.dataset.kind != "simulated":
            return []
        splits = {"val": True, "train": bool(self.plan.training_volumes)}
        return [str(self.plan.volume_path(split, "any").parent) for split, used in splits.items() if used]

    def _simulated(self) -> Iterator[str]:
        """Simulated volumes and their boxes, in folders that are there."""
        volumes = {"val": self.plan.audited_volumes, "train": self.plan.training_volumes}
        kept = [folder for folder in self._simulated_folders() if self.exists(folder)]
        for split, names in volumes.items():
            paths = [self.plan.volume_path(split, volume) for volume in names]
            yield from (str(path) for path in paths if str(path.parent) in kept and not self.exists(str(path)))
        if kept and not self.exists(str(self.plan.annotations)):
            yield str(self.plan.annotations)


def _series_of(attack_file: str) -> str:
    """Return the folder of one attack on one network."""
    return attack_file.rsplit("/", 2)[0]
