"""Judge the paper's checkable claims by this run's scores: estimate, interval over patients, verdict."""

import argparse
import json
from pathlib import Path

from advmri.claims.all_claims import claims_table
from advmri.claims.inputs import ClaimInputs
from advmri.claims.settings import ClaimsSettings
from advmri.claims.sweeps import read_sweeps
from advmri.scores.summary import add_drops
from advmri.seeds import derive_seed
from advmri.storage.tables import read_table
from workflow_scripts.program import LOGGER, note_inputs, parser, run
from workflow_scripts.table_output import write_table


def main(arguments: argparse.Namespace) -> None:
    """Read, judge, write."""
    metrics = read_table(arguments.metrics)
    roles: dict[str, str] = json.loads(arguments.roles)
    jobs = [job.rsplit("/", 1) for job in arguments.jobs]
    sweeps = [
        arguments.attacks_folder / roles["rotation_attack"] / series / volume / f"slices_{slices}.h5"
        for series in arguments.series
        for volume, slices in jobs
        if "rotation_attack" in roles
    ]
    note_inputs("attack_files", sweeps)
    inputs = ClaimInputs(
        scores=add_drops(metrics[metrics.region == "box"]),
        sweeps=read_sweeps(sweeps),
        roles=roles,
        pairs=[(better, other) for better, other in json.loads(arguments.pairs)],
        settings=ClaimsSettings.model_validate_json(arguments.settings),
        confidence=arguments.confidence,
        resamples=arguments.resamples,
        seed=derive_seed(arguments.seed, "bootstrap"),
    )
    table = claims_table(inputs)
    write_table(arguments.output, table)
    counts = ", ".join(f"{count} {word}" for word, count in table.verdict.value_counts().items())
    LOGGER.info("%d comparisons: %s", len(table), counts)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--metrics", type=Path, required=True, help="tables/metrics.csv")
    made.add_argument("--attacks-folder", type=Path, required=True, help="holds the attack files by attack and model")
    made.add_argument("--series", nargs="+", required=True, help="<model>-<acceleration>x of each")
    made.add_argument("--jobs", nargs="*", default=[], help="attack jobs as <volume>/<slices>: their sweeps of angles")
    made.add_argument("--roles", required=True, help="names of the attacks by role, JSON")
    made.add_argument("--pairs", default="[]", help="[[network said to be better, the other], ...], JSON")
    made.add_argument("--settings", default="{}", help="claims of the config, JSON")
    made.add_argument("--confidence", type=float, default=0.95)
    made.add_argument("--resamples", type=int, default=2000, help="bootstrap samples over patients")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--output", type=Path, required=True, help="claims.csv")
    return made


if __name__ == "__main__":
    run(main, options())
