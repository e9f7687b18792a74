"""Figure 3: the annotated region where it is attacked itself, and where the whole image is."""

import pandas as pd
from matplotlib.figure import Figure

from advmri.figures.captions import orientation, place, rule
from advmri.figures.inputs import FigureInputs
from advmri.figures.montage import BOX_NOTE, Montage
from advmri.figures.panels import Panel, panel_facts, panel_values, read_panel
from advmri.figures.style import eta_label, model_colour
from advmri.figures.view import make_view


def draw(inputs: FigureInputs) -> tuple[Figure, pd.DataFrame]:
    """Draw one row per network: target, clean, region attacked, whole image attacked."""
    options = inputs.options
    region, whole = options.role("region_attack"), options.role("image_attack")
    shown = inputs.shown("region_attack")
    box = shown.box
    models = list(options.models)
    first, _ = read_panel(inputs, shown, region, models[0])
    view = make_view(first, options, shown.flip_up_down)
    height, width = first.target.shape
    rising = inputs.rising_note({"the region's attack": region, "the image's": whole}, box)
    foot = f"{place(box)}. {rule(box)}. {BOX_NOTE}. {orientation(view)}. {rising}\n{inputs.foot}"
    montage = Montage([True] * len(models), 4, view, height / width, foot)
    rows = []
    for row, model in enumerate(models):
        by_region = read_panel(inputs, shown, region, model)
        by_image = read_panel(inputs, shown, whole, model)
        cells = (
            (Panel("target"), by_region, "Fully sampled"),
            (Panel("clean", model), by_region, "Clean"),
            (Panel("reconstruction", model, region), by_region, f"Region attacked, {eta_label(box.severity)}"),
            (Panel("reconstruction", model, whole), by_image, f"Image attacked, {eta_label(by_image[0].severity)}"),
        )
        for column, (panel, (images, scores), title) in enumerate(cells):
            facts = panel_facts(panel, images, scores, box, view, row, column)
            values = panel_values(facts)
            montage.show(row, column, getattr(images, panel.shown), title, values)
            rows.append(facts)
        montage.label_rows(row, row, options.models[model], model_colour(model, models))
    return montage.figure, pd.DataFrame(rows)
