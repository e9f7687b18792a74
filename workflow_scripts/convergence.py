"""Attack a few slices with more and more steps and starts: what a longer search would have found."""

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from advmri.attacks.family import FamilySettings
from advmri.attacks.family_programs import attack_of
from advmri.attacks.settings import longer_search, read_settings
from advmri.provenance.run_record import check_unchanged
from advmri.seeds import derive_seed
from workflow_scripts.attack_inputs import AttackInputs
from workflow_scripts.program import Progress, add_compute_options, add_factory_option, parser, run
from workflow_scripts.table_output import write_table
from workflow_scripts.torch_setup import set_up_torch


def _searches(settings: FamilySettings, asked: dict[str, Any]) -> list[tuple[int, FamilySettings]]:
    """Return one attack per optimiser and number of steps, at one severity, with that number."""
    severity, restarts = asked["severity"] or max(settings.severities), asked["restarts"]
    return [
        (steps, longer_search(settings, optimiser, severity, steps, restarts))
        for optimiser in asked["optimisers"]
        for steps in sorted(asked["steps"])
    ]


def _rows(outcome: dict[str, Tensor], search: FamilySettings, steps: int, clean: float) -> list[dict[str, Any]]:
    """Return the best objective of the first, the first two, ... starts."""
    starts = outcome["start_objective"][0]
    return [
        {
            "severity": search.severities[0],
            "optimiser": search.optimiser,
            "steps": steps,
            "restarts": count,
            "objective": float(starts[:count].max()),
            "clean_objective": clean,
        }
        for count in range(1, len(starts) + 1)
    ]


def main(arguments: argparse.Namespace) -> None:
    """Attack each slice by each search."""
    device = set_up_torch(arguments.device, arguments.precision, arguments.threads)
    settings = read_settings(arguments.settings)
    attack = attack_of(settings)
    searches = _searches(settings, json.loads(arguments.convergence))
    samples = list(zip(arguments.volumes, arguments.indices, arguments.masks, arguments.slices, strict=True))
    rows: list[dict[str, Any]] = []
    done = 0
    name = f"convergence {arguments.model}-{arguments.acceleration}x"
    with Progress(name, len(samples) * len(searches), "searches") as progress:
        for volume, index, mask, number in samples:
            files = {"volume": volume, "index": index, "mask": mask, "checkpoint": arguments.checkpoint}
            inputs = AttackInputs.read(files, device, arguments.factory)
            check_unchanged(arguments.checkpoint)
            place = {"model": arguments.model, "acceleration": arguments.acceleration, "volume": inputs.index.volume}
            place["trained_on"] = inputs.trained_on
            seed = derive_seed(arguments.seed, arguments.attack, inputs.index.volume, number)
            task = inputs.task(number, inputs.targets(settings.target, number), seed)
            (clean,) = attack([task], settings.model_copy(update={"severities": [0.0]}), 1)
            for steps, search in searches:
                (outcomes,) = attack([task], search, arguments.batch_size)
                for target, outcome in outcomes.items():
                    known = place | {"slice": number, "target": target}
                    rows += [
                        known | row for row in _rows(outcome, search, steps, float(clean[target]["final_objective"]))
                    ]
                done += 1
                progress.update(done)
    write_table(arguments.output, pd.DataFrame(rows))


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    add_compute_options(made)
    add_factory_option(made)
    made.add_argument("--attack", required=True, help="its name in the config")
    made.add_argument("--settings", required=True, help="attacks.<name> as JSON")
    made.add_argument("--convergence", required=True, help="optimisers, severity, steps and restarts as JSON")
    made.add_argument("--model", required=True, help="the model's name")
    made.add_argument("--acceleration", type=int, required=True)
    made.add_argument("--seed", type=int, required=True, help="the config's seed")
    made.add_argument("--batch-size", type=int, default=8, help="perturbations computed at a time")
    made.add_argument("--volumes", type=Path, nargs="+", required=True, help="one fastMRI .h5 per sampled slice")
    made.add_argument("--indices", type=Path, nargs="+", required=True, help="their indices")
    made.add_argument("--masks", type=Path, nargs="+", required=True, help="their masks")
    made.add_argument("--slices", type=int, nargs="+", required=True, help="the sampled slice of each")
    made.add_argument("--checkpoint", type=Path, required=True, help="model.pt")
    made.add_argument("--output", type=Path, required=True, help="CSV")
    return made


if __name__ == "__main__":
    run(main, options())
