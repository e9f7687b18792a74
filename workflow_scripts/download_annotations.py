"""Download published fastMRI+ annotations at the pinned commit, checked by SHA-256."""

import argparse
from pathlib import Path

from advmri.volumes.fastmri_plus import PUBLISHED, ensure_annotations
from workflow_scripts.program import LOGGER, parser, run


def main(arguments: argparse.Namespace) -> None:
    """Download unless the file is there."""
    wanted = PUBLISHED[arguments.annotations]
    path, url = arguments.output or wanted.path, arguments.url or wanted.url
    downloaded = ensure_annotations(path, url, wanted.sha256)
    LOGGER.info("%s: %s", path, "downloaded" if downloaded else "is there already")


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument(
        "--annotations", choices=list(PUBLISHED), default="fastmri+", help="as in the config: of knees, or of brains"
    )
    made.add_argument("--output", type=Path, help="the CSV; none: where that value of dataset.annotations looks for it")
    made.add_argument("--url", help="a mirror of the same file")
    return made


if __name__ == "__main__":
    run(main, options())
