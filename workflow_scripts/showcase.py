"""Pick the slices that figures show, by the scores, and cut them out of the attack files: figures need no other."""

import argparse
from dataclasses import replace
from pathlib import Path

from advmri.figures.cutting import Cutter, Wanted
from advmri.figures.showcase_file import write_showcase
from advmri.storage.guarded_file import new_hdf5_file
from advmri.storage.layout import INDEX, place
from advmri.storage.tables import read_table
from advmri.volumes.index import read_index
from workflow_scripts.program import LOGGER, atomic_output, note_inputs, parser, run


def main(arguments: argparse.Namespace) -> None:
    """Pick, cut, write."""
    cutter = Cutter(arguments.results, arguments.jobs, read_table(arguments.metrics))
    showcase = cutter.showcase(Wanted.from_json(arguments.settings))
    note_inputs("attack_files", cutter.files_read)
    indices = {role: place(arguments.results, INDEX, volume=shown.box.volume) for role, shown in showcase.items()}
    note_inputs("indices", indices.values())
    showcase = {
        role: replace(shown, flip_up_down=read_index(indices[role]).flip_up_down) for role, shown in showcase.items()
    }
    with atomic_output(arguments.output) as temporary, new_hdf5_file(temporary) as file:
        write_showcase(file, showcase)
    for role, shown in showcase.items():
        LOGGER.info("%s: %s, slice %d, box %d", role, shown.box.volume, shown.box.slice, shown.box.box)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--settings", required=True, help="what picks the slices, and what is shown of each, JSON")
    made.add_argument("--metrics", type=Path, required=True, help="tables/metrics.csv")
    made.add_argument("--results", type=Path, required=True, help="the run's folder, with attacks/ and index/")
    made.add_argument("--jobs", nargs="+", required=True, help="attack jobs of every series, as <volume>/<slices>")
    made.add_argument("--output", type=Path, required=True, help="the showcase, .h5")
    return made


if __name__ == "__main__":
    run(main, options())
