"""What there is to do: volumes, annotated slices and jobs, known while Snakemake parses.

The standard library and the config are enough; for simulated data the lesion plan is a pure function of the config.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from advmri.config.schema import Config
from advmri.errors import InputError
from advmri.simulation.lesion_plan import planned_lesions, volume_names
from advmri.storage.access import NoAccessError
from advmri.storage.slice_jobs import job_name
from advmri.volumes import fastmri_plus
from advmri.volumes.annotations import AnnotationRow, annotated_slices, ending_hint, read_annotations
from advmri.volumes.folder import file_problem, other_endings, unusual_filters, volume_names_in


@dataclass(frozen=True)
class Plan:
    """The jobs of a config."""

    config: Config

    @cached_property
    def root(self) -> Path:
        """Folder with multicoil_train/ and multicoil_val/."""
        dataset = self.config.dataset
        return Path(dataset.root) if dataset.root is not None else Path("data") / dataset.name

    @cached_property
    def annotations(self) -> Path:
        """The CSV of boxes."""
        given = self.config.dataset.annotations
        if given in fastmri_plus.PUBLISHED:
            return fastmri_plus.PUBLISHED[given].path
        return Path(given) if given is not None else self.root / "annotations.csv"

    def volume_path(self, split: str, volume: str) -> Path:
        """Return where a volume lies."""
        return self.root / f"multicoil_{split}" / f"{volume}.h5"

    def _volumes(self, split: str) -> list[str]:
        dataset = self.config.dataset
        if dataset.kind == "simulated":
            return volume_names(dataset.simulation, split)
        return volume_names_in(self.root / f"multicoil_{split}")

    @cached_property
    def training_volumes(self) -> list[str]:
        """Volumes of the train split that are used; none where every model comes from a checkpoint."""
        trained = {name: model.training for name, model in self.config.models.items() if model.training is not None}
        if not trained:
            return []
        volumes = self._volumes("train")[: self.config.dataset.training_volumes]
        for name, training in trained.items():
            if training.holdout_volumes >= len(volumes):
                raise InputError(
                    f"models.{name}.training.holdout_volumes: {training.holdout_volumes} of the {len(volumes)} volumes"
                    f" in {self.root / 'multicoil_train'}; none is left to train on."
                )
        return volumes

    @cached_property
    def _rows(self) -> list[AnnotationRow]:
        return read_annotations(self.annotations)

    @cached_property
    def _rows_of(self) -> dict[str, list[AnnotationRow]]:
        """The rows of each volume: found once, not anew for each of thousands of volumes."""
        found: dict[str, list[AnnotationRow]] = {}
        for row in self._rows:
            found.setdefault(row.volume, []).append(row)
        return found

    def _annotated(self, volume: str) -> list[int]:
        config = self.config
        if config.dataset.kind == "simulated":
            planned = planned_lesions(config.dataset.simulation, config.seed, volume)
            return sorted({lesion.slice for lesion in planned})
        return annotated_slices(self._rows_of.get(volume, []), volume)

    def boxes_on(self, volume: str) -> dict[int, int]:
        """Return how many boxes each annotated slice of a volume has."""
        config = self.config
        if config.dataset.kind == "simulated":
            return Counter(lesion.slice for lesion in planned_lesions(config.dataset.simulation, config.seed, volume))
        return Counter(row.slice for row in self._rows_of.get(volume, []) if row.has_area)

    def boxes_digest(self, volume: str) -> str:
        """Return the SHA-256 of all that the CSV says of one volume."""
        return hashlib.sha256(repr(self._rows_of.get(volume, [])).encode()).hexdigest()

    @cached_property
    def validation_volumes(self) -> list[str]:
        """All volumes of the val split, annotated or not."""
        return self._volumes("val")

    @cached_property
    def audited_slices(self) -> dict[str, list[int]]:
        """Annotated slices of each audited volume of the val split."""
        found = {volume: self._annotated(volume) for volume in self.validation_volumes}
        annotated = {volume: slices for volume, slices in found.items() if slices}
        if not annotated:
            hint = ending_hint([row.volume for row in self._rows], self.validation_volumes)
            raise InputError(f"{self.annotations}: no box belongs to a volume in {self.root / 'multicoil_val'}{hint}.")
        limit = self.config.dataset.audited_volumes
        return dict(list(annotated.items())[:limit])

    @cached_property
    def audited_volumes(self) -> list[str]:
        """Volumes that are attacked."""
        return list(self.audited_slices)

    def sampled_slices(self, count: int) -> list[tuple[str, int]]:
        """Return so many audited slices as (volume, slice), spread evenly over all; all where there are fewer."""
        every = [(volume, number) for volume, numbers in self.audited_slices.items() for number in numbers]
        count = min(count, len(every))
        return [every[(2 * place + 1) * len(every) // (2 * count)] for place in range(count)]

    def slice_jobs(self, volume: str) -> list[str]:
        """Return the jobs of a volume, named by their slices: `017`, or `012-027` for several."""
        slices = self.audited_slices[volume]
        size = self.config.attack.slices_per_job
        chunks = [slices[start : start + size] for start in range(0, len(slices), size)]
        return [job_name(chunk) for chunk in chunks]

    @cached_property
    def jobs(self) -> list[str]:
        """The attack jobs of every series, that is of one attack on one network, as `<volume>/<slices>`."""
        return [f"{volume}/{slices}" for volume in self.audited_volumes for slices in self.slice_jobs(volume)]

    def attack_jobs(
        self, pattern: str, attacks: Iterable[str] | None = None, accelerations: Iterable[int] | None = None
    ) -> list[str]:
        """Fill a pattern in for every attack job; None: of all attacks, at all accelerations."""
        jobs = [job.rpartition("/") for job in self.jobs]
        return [
            pattern.format(attack=attack, model=model, acceleration=acceleration, volume=volume, slices=slices)
            for attack in (self.config.attacks if attacks is None else attacks)
            for model in self.config.models
            for acceleration in (self.config.accelerations if accelerations is None else accelerations)
            for volume, _, slices in jobs
        ]

    def notes(self) -> list[str]:
        """Return what the user should know before the run: files that are no volumes, annotated volumes without one."""
        if self.config.dataset.kind == "simulated":
            return []
        return self._notes_on_endings() + self._notes_on_annotations() + self._notes_on_limits()

    def _notes_on_limits(self) -> list[str]:
        dataset = self.config.dataset
        limits = {
            "audited_volumes": (dataset.audited_volumes, self.audited_volumes),
            "training_volumes": (dataset.training_volumes, self.training_volumes),
        }
        return [
            f"dataset.{key}: {asked} are asked for, {len(used)} are there."
            for key, (asked, used) in limits.items()
            if asked is not None and len(used) < asked
        ]

    def _notes_on_endings(self) -> list[str]:
        folders = [self.root / f"multicoil_{split}" for split in ("train", "val")]
        return [f"{folder}: some files are left out{hint}." for folder in folders if (hint := other_endings(folder))]

    def _notes_on_annotations(self) -> list[str]:
        annotated = {row.volume for row in self._rows if row.has_area}
        known = set(self.validation_volumes) | {path.stem for path in self.root.glob("multicoil_train/*.h5")}
        missing = sorted(annotated - known)
        if not missing:
            return []
        shown = ", ".join(f"{name!a}" for name in missing[:3]) + (", ..." if len(missing) > 3 else "")
        shown += ending_hint(missing, known)
        return [
            f"{self.annotations}: {len(missing)} of {len(annotated)} annotated volumes are in neither folder of"
            f" {self.root} and are not audited: {shown}. tables/excluded.csv will name their boxes."
        ]

    def fetch_annotations(self) -> list[str]:
        """Download the published annotations where the config asks for them; return what was done."""
        wanted = fastmri_plus.PUBLISHED.get(self.config.dataset.annotations or "")
        if wanted is None:
            return []
        downloaded = fastmri_plus.ensure_annotations(wanted.path, wanted.url, wanted.sha256)
        return [f"{wanted.path}: downloaded from {wanted.url}"] if downloaded else []

    @property
    def _wanted_files(self) -> list[Path]:
        """Every volume that will be read and is not made here."""
        if self.config.dataset.kind == "simulated":
            return []
        wanted = [("train", volume) for volume in self.training_volumes] + [("val", v) for v in self.audited_volumes]
        return [self.volume_path(split, volume) for split, volume in wanted]

    def check_filters(self) -> None:
        """Check that volumes can be decompressed: with h5py, where their headers name filters that not all HDF5 have.

        Raises:
            InputError: naming the filters that are missing, and the package that has them.
        """
        first: dict[frozenset[int], Path] = {}
        for path in self._wanted_files:
            if unusual := unusual_filters(path):
                first.setdefault(unusual, path)
        if first and find_spec("h5py") is not None:
            from advmri.volumes.hdf5_filters import check_volume

            for path in first.values():
                check_volume(path)

    def check_files(self) -> None:
        """Check that every volume that will be read looks like HDF5 and is as long as it says.

        Raises:
            InputError: naming every one that does not, or that cannot be read.
        """
        problems, unread = [], []
        for path in self._wanted_files:
            try:
                if problem := file_problem(path):
                    problems.append(f"  {path}: {problem}")
            except NoAccessError as error:
                unread.append(f"  {error}")
        blocks = [
            (unread, "these volumes could not be read:"),
            (problems, "these volumes are no whole HDF5 files; restore or remove them:"),
        ]
        if problems or unread:
            raise InputError("\n".join("\n".join([head, *lines]) for lines, head in blocks if lines))
