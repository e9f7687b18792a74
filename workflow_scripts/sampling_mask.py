"""Draw the sampling mask of one volume at one acceleration, as fastMRI does, seeded by its name."""

import argparse
from pathlib import Path

from advmri.acquisition.mask_file import seed_of, write_mask_file
from advmri.acquisition.masks import fastmri_seed, make_mask
from advmri.errors import InputError
from advmri.volumes.index import read_index
from workflow_scripts.program import LOGGER, atomic_output, parser, run


def main(arguments: argparse.Namespace) -> None:
    """Draw and write."""
    index = read_index(arguments.index)
    try:
        mask = make_mask(
            index.columns,
            arguments.acceleration,
            arguments.centre_fraction,
            arguments.mask_type,
            fastmri_seed(index.volume),
            index.padding,
        )
    except ValueError as error:
        raise InputError(
            f"{index.volume}: no {arguments.acceleration}x mask of {index.columns} columns: {error}"
        ) from error
    with atomic_output(arguments.output) as temporary:
        write_mask_file(
            temporary,
            mask.columns.numpy(),
            mask.num_low_frequencies,
            arguments.acceleration,
            seed_of(index.volume),
        )
    LOGGER.info("%s: %.2fx", index.volume, mask.realised_acceleration)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--index", type=Path, required=True, help="the volume's index")
    made.add_argument("--acceleration", type=int, required=True)
    made.add_argument("--centre-fraction", type=float, required=True, help="share of the columns fully sampled")
    made.add_argument("--mask-type", default="random", choices=("random", "equispaced_fraction"))
    made.add_argument("--output", type=Path, required=True, help="the mask, .h5")
    return made


if __name__ == "__main__":
    run(main, options())
