"""Score one attack file: every metric of every reconstruction, in the box and on the whole image."""

import argparse
import csv
from pathlib import Path

from advmri.scores.index_agreement import check_index
from advmri.scores.scoring import columns, score_attack_file
from advmri.storage.attack_file import open_attack_file
from advmri.volumes.index import read_index
from workflow_scripts.program import parser, run
from workflow_scripts.table_output import table_output


def main(arguments: argparse.Namespace) -> None:
    """Score and write."""
    index = read_index(arguments.index)
    with open_attack_file(arguments.attack_file) as attack:
        check_index(attack, index, arguments.index)
        rows = score_attack_file(attack, index, arguments.ssim_of_box)
    with table_output(arguments.output) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--attack-file", type=Path, required=True)
    made.add_argument("--index", type=Path, required=True, help="the volume's index")
    made.add_argument("--ssim-of-box", choices=("map", "crop"), default="map", help="see metrics.ssim_of_box")
    made.add_argument("--output", type=Path, required=True, help="CSV, one row per slice, box, severity and region")
    return made


if __name__ == "__main__":
    run(main, options())
