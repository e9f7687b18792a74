"""Figure 5: the worst rotation of one slice, for the networks and for the fully sampled image."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from advmri.figures.captions import orientation, place, rule
from advmri.figures.inputs import FigureInputs
from advmri.figures.montage import BOX_NOTE, Montage
from advmri.figures.panels import Panel, panel_facts, panel_values, read_panel
from advmri.figures.style import angle_label, model_colour
from advmri.figures.view import make_view

ERROR_PERCENTILE = 99.8
ROUND_TO = 10.0
"""Per cent: the scale of the error maps ends at a multiple of this."""


def draw(inputs: FigureInputs) -> tuple[Figure, pd.DataFrame]:
    """Draw per network: target, clean, fully sampled and attacked under the worst rotation; below them the errors."""
    options = inputs.options
    attack = options.role("rotation_attack")
    shown = inputs.shown("rotation_attack")
    box = shown.box
    models = list(options.models)
    found = {model: read_panel(inputs, shown, attack, model) for model in models}
    first = found[models[0]][0]
    view = make_view(first, options, shown.flip_up_down)
    height, width = first.target.shape
    foot = (
        f"{place(box)}. {rule(box)}. Worst angle θ within ±{box.severity:g}°: {options.worst_angle};"
        f" images rotated back. {BOX_NOTE}. {orientation(view)}.\n{inputs.foot}"
    )
    montage = Montage([True, False] * len(models), 4, view, height / width, foot)
    errors = {
        (model, name): np.abs(getattr(images, name) - images.target) * (100 / view.white)
        for model, (images, _) in found.items()
        for name in ("clean", "perturbed_target", "reconstruction")
    }
    largest = max(float(np.percentile(error, ERROR_PERCENTILE)) for error in errors.values())
    limit = max(ROUND_TO, float(np.ceil(largest / ROUND_TO)) * ROUND_TO)
    rows = []
    for number, model in enumerate(models):
        images, scores = found[model]
        angle = angle_label(images.angle)
        cells = (
            (Panel("target"), "Fully sampled"),
            (Panel("clean", model), "Clean"),
            (Panel("perturbed_target", model, attack), f"Fully sampled, θ = {angle}"),
            (Panel("reconstruction", model, attack), f"Reconstruction, θ = {angle}"),
        )
        for column, (panel, title) in enumerate(cells):
            facts = panel_facts(panel, images, scores, box, view, 2 * number, column)
            values = panel_values(facts)
            montage.show(2 * number, column, getattr(images, panel.shown), title, values)
            if panel.shown != "target":
                montage.show_error(2 * number + 1, column, errors[model, panel.shown], limit)
            rows.append(facts | {"error_white_percent": limit})
        montage.error_scale(2 * number + 1, 0, limit, "|error|\n(% of white)")
        montage.label_rows(2 * number, 2 * number + 1, options.models[model], model_colour(model, models))
    return montage.figure, pd.DataFrame(rows)
