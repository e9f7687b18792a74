"""Check a whole attack file: recompute everything from the stored perturbations. Exits with 1 and a line per mismatch.

The files it was made from are found by the paths in it, relative to the folder of the run, or given by options.
"""

import argparse
from pathlib import Path
from typing import Any

import h5py

from advmri.attacks.comparison import compare
from advmri.attacks.family import FamilySettings
from advmri.attacks.family_programs import Task, verification_of
from advmri.attacks.settings import stored_settings
from advmri.errors import InputError
from advmri.storage.attack_file import INPUT_DIGESTS, AttackFile, open_attack_file, slice_group
from advmri.storage.file_digest import file_sha256
from advmri.storage.hdf5_digest import DIGEST, attributes_digest, content_digest
from advmri.storage.slice_jobs import range_of_file
from workflow_scripts.attack_inputs import INPUTS, AttackInputs
from workflow_scripts.program import LOGGER, Progress, add_compute_options, add_factory_option, parser, run
from workflow_scripts.torch_setup import set_up_torch


def _input_files(arguments: argparse.Namespace, facts: dict[str, Any]) -> dict[str, Path]:
    """Return the files it was made from: those given, else those named in the file."""
    files = {name: getattr(arguments, name) or Path(facts.get("inputs", {}).get(name, "")) for name in INPUTS}
    missing = [f"--{name} ({path})" for name, path in files.items() if not path.is_file()]
    if missing:
        raise InputError(f"{arguments.verify}: made from files that are not here; give {', '.join(missing)}.")
    return files


def _arrays(group: h5py.Group) -> dict[str, Any]:
    return {name: item[()] for name, item in group.items() if isinstance(item, h5py.Dataset)}


def _check_slice(
    attack: AttackFile, inputs: AttackInputs, settings: FamilySettings, number: int, facts: dict[str, Any]
) -> list[str]:
    """Return what is wrong with one slice."""
    group = attack.group(number)
    found = []
    if group.attrs.get(DIGEST) != content_digest(group):
        found.append("content: differs from its checksum")
    if number not in inputs.index.annotated:
        return [*found, "slice: not among the annotated slices of the index"]
    scan = inputs.scan(number)
    stored = _arrays(group)
    thermal = inputs.thermal_relative_norm(scan, number)
    expected = {"target": scan.target, "clean": scan.clean(), "thermal_relative_norm": thermal}
    expected["coils"] = inputs.index.annotated[number].coils
    for name, values in expected.items():
        found.extend(compare(name, stored.get(name), values))
    targets = inputs.targets(settings.target, number)
    if sorted(targets) != attack.target_names(number):
        return [*found, f"targets: {attack.target_names(number)} stored, {sorted(targets)} expected"]
    for name, target in targets.items():
        rows, columns = target.bounds(inputs.index.crop)
        if (tuple(group[name].attrs["rows"]), tuple(group[name].attrs["columns"])) != (rows, columns):
            found.append(f"{name}: rows or columns are not those of the index")
        if group[name].attrs["label"] != target.label:
            found.append(f"{name}: its label is not that of the index")
        task = Task(scan, {name: target.region}, 0, float(facts["data_range"]))
        lines = verification_of(settings)(task, settings, _arrays(group[name]))
        found.extend(f"{name}/{line}" for line in lines)
    return found


def check_file(attack: AttackFile, files: dict[str, Path], arguments: argparse.Namespace) -> list[str]:
    """Return every mismatch of an attack file, one line each."""
    facts = attack.attributes
    found = [] if facts.get(DIGEST) == attributes_digest(attack.file) else ["attributes: differ from their checksum"]
    device = set_up_torch(arguments.device, arguments.precision, arguments.threads)
    inputs = AttackInputs.read(files, device, arguments.factory)
    digests = inputs.digests() | {INPUT_DIGESTS["volume"]: file_sha256(files["volume"])}
    found += [f"{name}: not the file it was made from" for name, digest in digests.items() if facts[name] != digest]
    expected = {
        "volume": inputs.index.volume,
        "patient": inputs.index.patient,
        "acquisition": inputs.index.acquisition,
        "acceleration": inputs.acceleration,
        "trained_on": inputs.trained_on,
        "data_range": inputs.index.maximum,
        "num_low_frequencies": inputs.num_low_frequencies,
    }
    found += [
        f"{name}: {facts[name]!r}, expected {value!r}" for name, value in expected.items() if facts[name] != value
    ]
    settings = stored_settings(facts["attack"])
    numbers = attack.slices()
    first, last = range_of_file(attack.path) or (min(numbers, default=0), max(numbers, default=-1))
    missing = [number for number in inputs.index.annotated if first <= number <= last and number not in numbers]
    found += [f"{slice_group(number)}: missing" for number in missing]
    found += [
        f"{name}: not a slice that the file lists" for name in attack.file if name not in map(slice_group, numbers)
    ]
    with Progress(f"verify {arguments.verify.name}", len(numbers), "slices") as progress:
        for done, number in enumerate(numbers, start=1):
            lines = _check_slice(attack, inputs, settings, number, facts)
            found.extend(f"{slice_group(number)}/{line}" for line in lines)
            progress.update(done)
    return found


def main(arguments: argparse.Namespace) -> None:
    """Print one line per mismatch; exit with 1 where there is one."""
    arguments.verify = arguments.verify or arguments.file
    if arguments.verify is None:
        raise InputError("no attack file: name it, results/<name>/attacks/.../slices_<first>-<last>.h5.")
    try:
        with open_attack_file(arguments.verify, check=False) as attack:
            mismatches = check_file(attack, _input_files(arguments, attack.attributes), arguments)
            checked = len(attack.slices())
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise InputError(f"{arguments.verify}: cannot be read as an attack file ({error}); make it again.") from error
    for line in mismatches:
        LOGGER.error("%s: %s", arguments.verify, line)
    if mismatches:
        raise InputError(f"{arguments.verify}: {len(mismatches)} mismatches, listed above; make the file again.")
    LOGGER.info("%s: %d slices agree with what is stored", arguments.verify, checked)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    add_compute_options(made)
    add_factory_option(made)
    made.add_argument("file", type=Path, nargs="?", metavar="FILE", help="the attack file, .h5")
    made.add_argument("--verify", type=Path, default=None, metavar="FILE", help="the same")
    made.add_argument("--volume", type=Path, default=None, help="the volume; none: as named in the file")
    made.add_argument("--index", type=Path, default=None, help="its index; likewise")
    made.add_argument("--mask", type=Path, default=None, help="its mask; likewise")
    made.add_argument("--checkpoint", type=Path, default=None, help="model.pt; likewise")
    return made


if __name__ == "__main__":
    run(main, options())
