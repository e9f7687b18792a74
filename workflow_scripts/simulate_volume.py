"""Simulate one knee as a fastMRI volume."""

import argparse
import json
from pathlib import Path

from advmri.simulation.knee import simulate_volume
from advmri.simulation.settings import SimulationSettings
from advmri.volumes.writing import write_volume
from workflow_scripts.program import LOGGER, atomic_output, parser, run


def main(arguments: argparse.Namespace) -> None:
    """Simulate and write."""
    settings = SimulationSettings.model_validate(json.loads(arguments.settings))
    knee = simulate_volume(settings, arguments.seed, arguments.volume)
    field_of_view = (2 * settings.field_of_view_mm, settings.field_of_view_mm * settings.columns / settings.crop)
    with atomic_output(arguments.output) as temporary:
        write_volume(
            temporary,
            knee.kspace,
            crop=(settings.crop, settings.crop),
            acquisition=knee.acquisition,
            patient=knee.patient_id,
            field_of_view_mm=field_of_view,
            flip_up_down=True,
            attributes={"noise_sigma": knee.noise_sigma, "simulated": True},
        )
    LOGGER.info("%s: %s, k-space %s", arguments.volume, knee.acquisition, knee.kspace.shape)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = parser(__doc__)
    made.add_argument("--volume", required=True, help="its name, which seeds it")
    made.add_argument("--seed", type=int, required=True, help="the config's seed")
    made.add_argument("--settings", required=True, help="dataset.simulation as JSON")
    made.add_argument("--output", type=Path, required=True, help="the volume's .h5")
    return made


if __name__ == "__main__":
    run(main, options())
