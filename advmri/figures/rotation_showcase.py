"""The slice that figures 4b and 5 share."""

import pandas as pd

from advmri.figures.inputs import FigureInputs
from advmri.figures.showcase import Showcase, pick_showcase


def pick_rotated_box(inputs: FigureInputs) -> Showcase:
    """Pick a box by what the rotation attack takes from it at the largest theta_max.

    Only boxes in which the worst angle of every network differs from 0 are considered, where there are any: without a
    rotation there is nothing to see.
    """
    options = inputs.options
    attack, acceleration = options.role("rotation_attack"), options.showcase_acceleration
    metrics = inputs.metrics[(inputs.metrics.attack == attack) & (inputs.metrics.acceleration == acceleration)]
    largest = float(metrics.severity.max())
    place = ["volume", "slice", "box"]
    stays = metrics[(metrics.severity == largest) & (metrics.region == "box") & (metrics.angle == 0)]
    turned = metrics[~pd.MultiIndex.from_frame(metrics[place]).isin(pd.MultiIndex.from_frame(stays[place]))]
    if (turned.region == "box").any() and len(stays):
        return pick_showcase(turned, attack, acceleration, largest, options.pick, " turned by every network's attack")
    return pick_showcase(metrics, attack, acceleration, largest, options.pick)
