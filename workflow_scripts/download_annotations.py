"""Download the published fastMRI+ knee annotations at the pinned commit, checked by SHA-256."""

import argparse
from pathlib import Path

from advmri.volumes.fastmri_plus import PATH, URL, ensure_annotations
from workflow_scripts.program import LOGGER, parser, run


def main(arguments: argparse.Namespace) -> None:
    """Download unless the file is there."""
    downloaded = ensure_annotations(arguments.output, arguments.url)
    LOGGER.info("%s: %s", arguments.output, "downloaded" if downloaded else "is there already")


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--output", type=Path, default=PATH, help="the CSV; where `annotations: fastmri+` looks for it")
    made.add_argument("--url", default=URL, help="a mirror of the same file")
    return made


if __name__ == "__main__":
    run(main, options())
