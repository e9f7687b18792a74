"""Write the config's JSON schema; a test fails when the file and the pydantic models drift apart."""

import argparse
import json
from pathlib import Path

from advmri.config.schema import config_schema
from workflow_scripts.program import parser, run, write_text


def main(arguments: argparse.Namespace) -> None:
    """Write the schema."""
    write_text(arguments.output, json.dumps(config_schema(), indent=2) + "\n")


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--output", type=Path, default=Path("config.schema.json"))
    return made


if __name__ == "__main__":
    run(main, options())
