"""Runs Snakemake's command line again and again without importing it anew: each time in a fork of this process.

Reads one JSON object per line (folder, words, output, environment), runs `snakemake WORDS` in the folder with all it
prints written to the output, and answers with a line that holds the exit status.
"""

import json
import os
import sys
import traceback

import h5py  # noqa: F401 - what the Snakefile imports, imported once
import pandas  # noqa: F401
import pydantic  # noqa: F401
from snakemake.cli import main


def run(folder: str, words: list[str], output: str, environment: dict[str, str]) -> None:
    """Become `python -m snakemake WORDS`, and end."""
    status = 1
    try:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        number = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(number, 1)
        os.dup2(number, 2)
        sys.path[0] = folder
        sys.argv = ["snakemake", *words]
        main(words)
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:  # noqa: BLE001 - it is printed, as the interpreter would
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            run(**request)
        _, ended = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(ended), flush=True)  # noqa: T201 - the answer
