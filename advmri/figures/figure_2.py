"""Figure 2: clean and attacked reconstructions of every network, beside the fully sampled image and itself attacked."""

import math

import pandas as pd
from matplotlib.figure import Figure

from advmri.figures.captions import orientation, place, rule
from advmri.figures.inputs import FigureInputs
from advmri.figures.montage import BOX_NOTE, Montage
from advmri.figures.panels import Panel, panel_facts, panel_values, read_panel
from advmri.figures.style import eta_label, model_colour
from advmri.figures.view import make_view

MODELS_PER_LINE = 3


def draw(inputs: FigureInputs) -> tuple[Figure, pd.DataFrame]:
    """Draw clean images above, attacked ones below; the noise shown on the fully sampled image changes it the most."""
    options = inputs.options
    attack = options.role("region_attack")
    shown = inputs.shown("region_attack")
    box = shown.box
    models = list(options.models)
    found = {model: read_panel(inputs, shown, attack, model) for model in models}
    first = found[models[0]][0]
    view = make_view(first, options, shown.flip_up_down)
    lines = math.ceil(len(models) / MODELS_PER_LINE)
    height, width = first.target.shape
    noise = eta_label(box.severity)
    changed_most = min(models, key=lambda model: found[model][1].fully_sampled_ssim)
    foot = f"{place(box)}. {rule(box)}. {BOX_NOTE}. {orientation(view)}."
    foot = f"{foot} *With the noise found against {options.models[changed_most]}."
    foot = f"{foot} {inputs.rising_note({'the attack': attack}, box)}\n{inputs.foot}"
    montage = Montage([True] * 2 * lines, 1 + min(len(models), MODELS_PER_LINE), view, height / width, foot)
    rows = []

    def add(row: int, column: int, panel: Panel, title: str, colour: str = "black") -> None:
        images, scores = found[panel.model or models[0]]
        facts = panel_facts(panel, images, scores, box, view, row, column)
        values = panel_values(facts)
        montage.show(row, column, getattr(images, panel.shown), title, values, colour)
        rows.append(facts)

    add(0, 0, Panel("target"), "Fully sampled")
    add(1, 0, Panel("perturbed_target", changed_most, attack), "Fully sampled*")
    for number, model in enumerate(models):
        line, column = 2 * (number // MODELS_PER_LINE), 1 + number % MODELS_PER_LINE
        label, colour = options.models[model], model_colour(model, models)
        add(line, column, Panel("clean", model), label, colour)
        add(line + 1, column, Panel("reconstruction", model, attack), label, colour)
    for line in range(lines):
        montage.label_rows(2 * line, 2 * line, "Clean")
        montage.label_rows(2 * line + 1, 2 * line + 1, f"Attacked, {noise}")
    return montage.figure, pd.DataFrame(rows)
