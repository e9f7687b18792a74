"""The command `advmri`: starts an audit in any folder, runs the workflow there, and calls its programs."""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from shlex import quote

from advmri.errors import InputError, missing_package
from advmri.provenance.sources import WORKFLOW, check_working_folder
from advmri.storage.cache_folder import VARIABLE, refusal, temporary_cache, usual_cache

CONFIG = Path("config.yaml")
BOXES = Path("boxes.csv")
COMMANDS = {
    "init": "write a config and an empty table of boxes to start from into this folder",
    "run": "run the workflow in this folder; takes all options of `snakemake`",
    "verify": "compute the certificate of an attack file anew and compare the file with its inputs",
    "trace": "say where a number in a table or a figure came from",
    "import": "make volumes from k-space or images, or take over a checkpoint",
}
PROGRAMS = {"verify": "verify_attack", "trace": "trace"}
"""Programs of `workflow_scripts` by the command that calls them."""
IMPORTS = {"kspace": "import_kspace", "images": "import_images", "checkpoint": "import_checkpoint"}
IMPORT_HELP = {
    "kspace": "an array of k-space or coil images becomes a volume",
    "images": "magnitude images become volumes with simulated coils",
    "checkpoint": "weights trained elsewhere become a model.pt",
}
RUN_HELP = """usage: advmri run [--configfile FILE ...] [options of snakemake]

Runs the workflow in this folder: data/, results/, logs/ and .snakemake/ are made here. The config is config.yaml in
this folder and what --configfile names; what they leave out is as in the default run. `snakemake --help` has all
options; some of them:

  -n                      only show the jobs
  --cores N               processor cores; all of them where this is not given
  --configfile FILE ...   config files, later ones above earlier ones and above config.yaml
  --config KEY=VALUE      single settings
  --report report.html    figures, tables and config of a finished run in one file
"""


def _command_line(name: str, description: str, commands: Mapping[str, str]) -> argparse.ArgumentParser:
    """Return the parser of the one word that chooses among commands; what follows that word is the command's own."""
    # Paths stay in one piece.
    raw = argparse.RawDescriptionHelpFormatter
    made = argparse.ArgumentParser(prog=name, description=description, formatter_class=raw)
    choices = made.add_subparsers(dest="command", required=True, metavar="command", title="commands")
    for command, what in commands.items():
        choices.add_parser(command, help=what, add_help=False)
    return made


def _installed() -> str | None:
    """Return the version of the installed package; None where this is a copy of the repository alone."""
    try:
        return metadata.version("advmri")
    except metadata.PackageNotFoundError:
        return None


def _start() -> str:
    """Return the command that runs the workflow in this folder."""
    if _installed():
        return "advmri run"
    return "snakemake" if Path.cwd() == WORKFLOW else f"snakemake --snakefile {quote(str(WORKFLOW / 'Snakefile'))}"


def _version() -> str:
    return f"advmri {_installed() or '(not installed)'}, workflow in {WORKFLOW}"


def check_writable(folder: Path) -> None:
    """Check that files can be made in a folder.

    Raises:
        InputError: where they cannot.
    """
    if reason := refusal(folder, make=False):
        raise InputError(f"{folder}: nothing can be written here ({reason}); start in a folder of your own.")


def write_start(config: Path, given: Mapping[str, str], checkpoints: Mapping[str, str]) -> list[Path]:
    """Write a config to start from, and an empty table of boxes where no other is given; return their paths.

    Raises:
        InputError: where one of them is there already, or the folder cannot be written.
    """
    from pydantic import TypeAdapter, ValidationError

    from advmri.config.schema import Name
    from advmri.config.start import start_text
    from advmri.volumes.annotations import COLUMNS

    if "name" in given:
        try:
            TypeAdapter(Name).validate_python(given["name"])
        except ValidationError as error:
            raise InputError(
                f"--name {given['name']!r}: letters, digits, dots, dashes and underscores make a name of results/; give"
                " such a --name."
            ) from error
    texts = {config: start_text(given, checkpoints)}
    if "annotations" not in given:
        texts[config.parent / BOXES] = ",".join(COLUMNS) + "\n"
    for path in texts:
        if path.exists():
            raise InputError(
                f"{path} is there already and is not overwritten: start in another folder, give another --output, or"
                " remove it."
            )
    check_writable(config.parent)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _init(words: Sequence[str]) -> None:
    options = argparse.ArgumentParser(prog="advmri init", description=f"{COMMANDS['init'].capitalize()}.")
    options.add_argument("--output", type=Path, default=CONFIG, metavar="FILE", help="the config (config.yaml)")
    options.add_argument("--name", help="results go to results/NAME/ (my-audit; of another --output its name)")
    options.add_argument("--root", metavar="FOLDER", help="holds multicoil_train/ and multicoil_val/ (volumes)")
    options.add_argument(
        "--annotations", metavar="CSV", help="of boxes, or fastmri+, fastmri+brain for the published ones (boxes.csv)"
    )
    options.add_argument(
        "--checkpoint",
        action="append",
        default=[],
        metavar="MODEL=FILE",
        help="unet or varnet is not trained but taken from FILE, in which {acceleration} is replaced; may be repeated",
    )
    asked = options.parse_args(words)
    pairs = [word.partition("=") for word in asked.checkpoint]
    for model, _, file in pairs:
        if not (model and file):
            options.error("--checkpoint takes MODEL=FILE, for instance unet=weights/unet-{acceleration}x.pt")
    name = asked.name or (None if asked.output == CONFIG else asked.output.stem)
    values = {"name": name, "dataset": name, "root": asked.root, "annotations": asked.annotations}
    given = {key: value for key, value in values.items() if value is not None}
    config = Path.cwd() / asked.output
    written = write_start(config, given, {model: file for model, _, file in pairs})
    start = _start()
    start += "" if config == Path.cwd() / CONFIG else f" --configfile {quote(str(asked.output))}"
    where = "" if asked.root else "say here where your volumes are, then "
    sys.stdout.write(f"{config}: {where}`{start} -n` shows the jobs and `{start}` does them.\n")
    for boxes in written[1:]:
        sys.stdout.write(
            f"{boxes}: one row per box; a value of `fastmri+` for `annotations` takes the published ones instead.\n"
        )


def _check_config(words: Sequence[str]) -> Path:
    """Return the folder of the run.

    Raises:
        InputError: where no config is given and the folder has none.
    """
    options = argparse.ArgumentParser(prog="advmri run", add_help=False, allow_abbrev=False)
    options.add_argument("--configfile", "--configfiles", nargs="+", type=Path, default=[])
    options.add_argument("--directory", "-d", type=Path, default=Path.cwd())
    options.add_argument("--profile")
    asked, _ = options.parse_known_args(words)
    folder: Path = asked.directory.absolute()
    # A profile may name the config.
    if not (asked.configfile or asked.profile or (folder / CONFIG).is_file()):
        raise InputError(
            f"there is no {CONFIG} in {folder}: `advmri init` writes one to start from, and --configfile names another."
        )
    for path in asked.configfile:
        if not path.is_file():
            what = "a folder, not a file" if path.is_dir() else "there is no such file"
            raise InputError(f"--configfile {path}: {what}.")
    for path in (folder / CONFIG, *asked.configfile):
        if path.is_file():
            check_yaml(path)
    return folder


def check_yaml(path: Path) -> None:
    """Check that a config file holds keys and values, before Snakemake reads it, which names another file.

    Raises:
        InputError: where it does not.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not YAML ({reason}); mend that, or write it anew with `advmri init`.") from error
    if not isinstance(content, dict) or not content:
        raise InputError(f"{path}: holds no `key: value`; `advmri init` in an empty folder writes one to start from.")


def give_cache() -> None:
    """Let Snakemake start, and jobs keep what they compile, where the user's cache cannot be written: in TMPDIR.

    Raises:
        InputError: where nothing can be written there either.
    """
    usual = usual_cache()
    reason = "there is no home folder" if usual is None else refusal(usual)
    if reason is None:
        return
    place = usual or Path("~/.cache")
    folder = temporary_cache()
    if folder is None:
        raise InputError(
            f"{place}: nothing can be written here ({reason}), nor to {tempfile.gettempdir()}: set {VARIABLE} to a"
            " folder of your own."
        )
    os.environ[VARIABLE] = str(folder)
    # Matplotlib looks for its own, and would say in every job that there is none.
    os.environ["MPLCONFIGDIR"] = os.environ.get("MPLCONFIGDIR") or str(folder / "matplotlib")
    sys.stderr.write(f"note: {place}: nothing can be written here ({reason}); caches go to {folder}.\n")


def _run(words: Sequence[str]) -> None:
    """Become Snakemake."""
    if {"-h", "--help"} & set(words):
        sys.stdout.write(RUN_HELP)
        return
    folder = _check_config(words)
    check_working_folder()
    if folder.is_dir():
        check_writable(folder)
    give_cache()
    if find_spec("snakemake") is None:
        raise ModuleNotFoundError(name="snakemake")
    # `-P`: what lies in this folder is for the jobs, and must not get in Snakemake's way.
    command = [sys.executable, "-P", "-m", "snakemake", "--snakefile", str(WORKFLOW / "Snakefile"), *words]
    os.execv(sys.executable, command)


def _call(name: str, program: str, words: Sequence[str]) -> None:
    """Call a program of `workflow_scripts` as `name`."""
    from workflow_scripts.program import run

    # As for `python -m`: a network of the user's own lies in this folder.
    sys.path.insert(0, str(Path.cwd()))
    module = import_module(f"workflow_scripts.{program}")
    options: argparse.ArgumentParser = module.options()
    options.prog = name
    sys.argv = [name, *words]
    run(module.main, options)


def _dispatch(words: Sequence[str]) -> None:
    options = _command_line("advmri", "Worst-case audits of multi-coil MR image reconstruction.", COMMANDS)
    options.add_argument("--version", action="version", version=_version())
    command: str = options.parse_args(words[:1]).command
    rest = words[1:]
    if command == "init":
        _init(rest)
    elif command == "run":
        _run(rest)
    elif command == "import":
        kind: str = (
            _command_line("advmri import", f"{COMMANDS['import'].capitalize()}.", IMPORT_HELP)
            .parse_args(rest[:1])
            .command
        )
        _call(f"advmri import {kind}", IMPORTS[kind], rest[1:])
    else:
        _call(f"advmri {command}", PROGRAMS[command], rest)


def main() -> None:
    """Do what the command line asks for; an InputError becomes one line and exit status 1."""
    try:
        _dispatch(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads has seen enough, as with `| head`. Python would write what is left when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
    except ModuleNotFoundError as error:
        if (sentence := missing_package(error)) is None:
            raise
        sys.stderr.write(f"error: {sentence}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
