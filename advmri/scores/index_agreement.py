"""Whether an attack file was made from what the index says: boxes of another volume would be scored in its images."""

from pathlib import Path

from advmri.errors import misplaced
from advmri.storage.attack_file import AttackFile
from advmri.storage.layout import ATTACK_FILE, names_in
from advmri.storage.slice_jobs import job_range
from advmri.volumes.index import VolumeIndex


def check_index(attack: AttackFile, index: VolumeIndex, path: Path) -> None:
    """Compare volume, data and slices of an attack file with the volume's index, which was read from `path`.

    Raises:
        InputError: where they differ.
    """
    facts = attack.attributes
    for name, found, expected in (
        ("volume", facts["volume"], index.volume),
        ("data", facts["data_sha256"], index.data_sha256),
        ("slices", attack.slices(), _annotated(attack, index)),
    ):
        if found != expected:
            raise misplaced(attack.path, f"{name} {found}", f"{name} {expected} of {path}")


def _annotated(attack: AttackFile, index: VolumeIndex) -> list[int]:
    """Return the annotated slices that the file's name covers; those of the file, where that is no run's."""
    named = names_in(attack.path, ATTACK_FILE)
    if not named:
        return attack.slices()
    first, last = job_range(named["slices"])
    return [number for number in sorted(index.annotated) if first <= number <= last]
