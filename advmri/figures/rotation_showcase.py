"""The slice that figures 4b and 5 share."""

from advmri.figures.inputs import FigureInputs
from advmri.figures.showcase import Showcase, pick_showcase


def pick_rotated_box(inputs: FigureInputs) -> Showcase:
    """Pick a box by what the rotation attack takes from it at the largest theta_max."""
    options = inputs.options
    attack = options.role("rotation_attack")
    largest = float(inputs.metrics[inputs.metrics.attack == attack].severity.max())
    return pick_showcase(inputs.metrics, attack, options.showcase_acceleration, largest, options.pick)
