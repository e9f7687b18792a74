"""Judge the paper's checkable claims by this run's scores: estimate, interval over patients, verdict."""

import argparse
import json
from pathlib import Path

import pandas as pd

from advmri.claims.all_claims import claims_table
from advmri.claims.inputs import ClaimInputs
from advmri.claims.settings import ClaimsSettings
from advmri.scores.cautions import cautions_on
from advmri.scores.summary import add_drops
from advmri.seeds import derive_seed
from advmri.storage.tables import read_table
from workflow_scripts.program import LOGGER, parser, run
from workflow_scripts.table_output import write_table


def main(arguments: argparse.Namespace) -> None:
    """Read, judge, write."""
    metrics = read_table(arguments.metrics)
    roles: dict[str, str] = json.loads(arguments.roles)
    inputs = ClaimInputs(
        scores=add_drops(metrics[metrics.region == "box"]),
        sweeps=pd.DataFrame() if arguments.sweeps is None else read_table(arguments.sweeps),
        roles=roles,
        pairs=[(better, other) for better, other in json.loads(arguments.pairs)],
        settings=ClaimsSettings.model_validate_json(arguments.settings),
        confidence=arguments.confidence,
        resamples=arguments.resamples,
        seed=derive_seed(arguments.seed, "bootstrap"),
        cautions=() if arguments.quality is None else tuple(cautions_on(read_table(arguments.quality))),
    )
    table = claims_table(inputs)
    write_table(arguments.output, table)
    counts = ", ".join(f"{count} {word}" for word, count in table.verdict.value_counts().items())
    LOGGER.info("%d comparisons: %s", len(table), counts)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--metrics", type=Path, required=True, help="tables/metrics.csv")
    made.add_argument("--sweeps", type=Path, nargs="?", help="tables/sweeps.csv, where there is a rotation attack")
    made.add_argument("--quality", type=Path, help="tables/quality.csv, for cautions on the networks")
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
