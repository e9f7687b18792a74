"""Every figure: what it draws is what the tables say, the right way up, in the same colours, byte for byte."""

import json
from dataclasses import asdict, fields, replace

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from support import ROOT, run_program, silence

from advmri.attacks.family import Severity
from advmri.errors import DamagedFileError, InputError
from advmri.figures.captions import rule
from advmri.figures.cutting import Cutter, Wanted, WantedSlice
from advmri.figures.drawing import draw_figure, save_figure
from advmri.figures.inputs import FigureInputs, FigureOptions
from advmri.figures.montage import Montage
from advmri.figures.picking import pick_box, pick_moved_box
from advmri.figures.showcase_file import read_showcase, write_showcase
from advmri.figures.style import MODEL_COLOURS, model_colour, times
from advmri.figures.view import Box, make_view
from advmri.scores.scoring import columns, score_attack_file
from advmri.scores.summary import summarise
from advmri.storage.attack_file import AttackFile, SliceResult, TargetResult, write_attributes, write_slice
from advmri.volumes.annotations import Box as AnnotatedBox
from advmri.volumes.index import SliceIndex, VolumeIndex
from workflow_scripts import figure as program

SHAPE = (36, 30)
BOXES = {3: [AnnotatedBox(0, "Meniscus Tear", 4, 12, 3, 9)], 4: [AnnotatedBox(0, "edema", 20, 26, 14, 27)]}
ETAS, ANGLES = [0.0, 0.01, 0.02], [0.0, 2.0, 4.0]
ATTACKS = {"on-boxes": 2.0, "on-image": 0.5, "random": 0.05, "turned": 0.1}
ROLES = dict(zip(("region_attack", "image_attack", "control_attack", "rotation_attack"), ATTACKS, strict=True))
SEVERITIES = dict.fromkeys(list(ROLES)[:3], Severity("Noise level η (% of each coil's ‖k‖)", "share", "noise"))
ALL_FIGURES = sorted(path.stem for path in ROOT.glob("advmri/figures/figure_*.py"))
LINE_FIGURES = ["figure_1a", "figure_1b", "figure_4a", "figure_4b", "figure_quality"]
IMAGE_FIGURES = ["figure_2", "figure_3", "figure_5"]


FAMILIES = ({"threat_model": "noise", "optimiser": "pgd"}, {"threat_model": "rotation", "optimiser": "grid"})


def index_of(volume):
    annotated = {number: SliceIndex(boxes, [0, 1], silence(2), "0") for number, boxes in BOXES.items()}
    return VolumeIndex(
        volume, f"patient of {volume}", "CORPD_FBK", 9, 2, 72, 40, SHAPE, (0, 40), 1.0, "0", 0, annotated, []
    )


def attacked(rng, attack, target, clean, place):
    """Arrays of one target: the reconstruction moves away from the clean one with the severity."""
    severity = np.array(ANGLES if attack == "turned" else ETAS, np.float32)
    change = ATTACKS[attack] * severity[:, None, None] * rng.normal(size=SHAPE)
    arrays = {
        "severity": severity,
        "reconstruction": (clean + change).astype(np.float32),
        "perturbed_target": (target + 0.1 * change).astype(np.float32),
    }
    if attack == "turned":
        angle = np.arange(-4, 5, 1, dtype=np.float32)
        arrays |= {"angle": np.array([0, -2, 3.25], np.float32), "sweep_angle": angle, "sweep_objective": angle**2}
        refined = {"final_ssim": np.array([0.9, 0.85, 0.8]), "final_floor_ssim": np.array([1, 0.995, 0.99])}
        arrays |= refined | {"shift": np.zeros((3, 2), np.float32)}
        arrays |= {"sweep_ssim": 0.9 - 0.01 * rng.random(9), "floor_ssim": 0.99 - 0.001 * np.abs(angle)}
    else:
        arrays["objective"] = np.array([[1, 1, 1], [1, 2, 1.5], [1, 2, 3]], np.float32)
        arrays["relative_norm"] = np.repeat(severity[:, None], 2, axis=1)
    return TargetResult(*place, arrays)


def make_inputs(folder, models, accelerations, volumes, thermal):
    """Small attack files of every kind, scored and summarised as in a real run."""
    rng, rows, quality = np.random.default_rng(1), [], []
    for volume in volumes:
        images = {number: rng.random(SHAPE, np.float32) for number in BOXES}
        quality += [
            {"volume": volume, "model": name, "acceleration": factor, "ssim": rng.random(), "psnr": 20.0}
            | {"trained_on": "nothing" if name == "zero_filled" else "train"}
            for name in ("zero_filled", *models)
            for factor in accelerations
        ]
        for attack in ATTACKS:
            for model in models:
                for factor in accelerations:
                    path = folder / "attacks" / attack / f"{model}-{factor}x" / volume / "slices_003-004.h5"
                    path.parent.mkdir(parents=True)
                    with h5py.File(path, "w") as file:
                        settings = {
                            "target": "image" if attack == "on-image" else "box",
                            **FAMILIES[attack == "turned"],
                        }
                        facts = {"volume": volume, "model": model, "acceleration": factor, "data_range": 1.0}
                        for number, boxes in BOXES.items():
                            target = images[number]
                            clean = (target + 0.1 * rng.normal(size=SHAPE)).astype(np.float32)
                            places = [
                                (f"box_{box.number}", box.label, (box.row0, box.row1), (box.column0, box.column1))
                                for box in boxes
                            ]
                            if attack == "on-image":
                                places = [("image", "", (0, SHAPE[0]), (0, SHAPE[1]))]
                            targets = [attacked(rng, attack, target, clean, place) for place in places]
                            write_slice(
                                file, SliceResult(number, target, clean, np.arange(2), np.full(2, thermal), targets)
                            )
                        write_attributes(
                            file, facts | {"trained_on": "train", "attack": settings, "attack_name": attack}
                        )
                        rows += score_attack_file(AttackFile(file, path), index_of(volume))
    metrics = pd.DataFrame(rows, columns=columns())
    largest = [max(accelerations)]
    shown = {"on-boxes": largest, "on-image": largest}
    slices = [
        WantedSlice("region_attack", "on-boxes", shown),
        WantedSlice("rotation_attack", "turned", {"turned": list(accelerations)}),
    ]
    cutter = Cutter(folder, [f"{volume}/003-004" for volume in volumes], metrics)
    return FigureInputs(
        FigureOptions({name: name.upper() for name in models}, accelerations, ROLES, SEVERITIES),
        metrics,
        summarise(metrics, 0.95, 100, 1),
        pd.DataFrame(quality),
        cutter.showcase(Wanted(list(models), slices, *largest)),
    )


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return make_inputs(tmp_path_factory.mktemp("attacks"), ("unet", "varnet"), (4, 8), ("v1", "v2"), 0.005)


@pytest.fixture(scope="module")
def smallest(tmp_path_factory):
    """One network, acceleration and patient: no interval; no thermal noise known."""
    return make_inputs(tmp_path_factory.mktemp("smallest"), ("mine",), (4,), ("v1",), 0.0)


@pytest.mark.parametrize("name", ALL_FIGURES)
@pytest.mark.parametrize("which", ["inputs", "smallest"])
def test_every_figure_draws_and_has_a_table(name, which, request):
    given_inputs = request.getfixturevalue(which)
    figure, table = draw_figure(name, given_inputs)
    figure.draw_without_rendering()
    assert len(table) and not table.columns.duplicated().any()
    assert set(table.model.replace("", np.nan).dropna()) - {"zero_filled"} == set(given_inputs.options.models)


def leaking(inputs, model):
    """The same inputs, had one model seen the audited split."""
    tables = {
        name: (table := getattr(inputs, name)).assign(
            trained_on=table.trained_on.where(table.model != model, "train+val")
        )
        for name in ("metrics", "summary", "quality")
    }
    return replace(inputs, **tables)


@pytest.mark.parametrize("name", ALL_FIGURES)
def test_every_figure_marks_models_that_saw_the_audited_split(name, inputs, tmp_path):
    """Their label and a footnote on the page, and a column of the table behind it; no other model's."""
    for which, marked in ((inputs, False), (leaking(inputs, "varnet"), True)):
        figure, table = draw_figure(name, which)
        save_figure(figure, tmp_path / "figure.svg", "svg")
        text = (tmp_path / "figure.svg").read_text()
        assert ("VARNET†" in text) == marked and "UNET†" not in text
        foot = " ".join(text.get_text() for text in reversed(figure.texts))
        assert ("trained on the audited split too" in f"{foot} {text}") == marked
        assert set(table.trained_on[table.model == "varnet"]) == {"train+val" if marked else "train"}
        assert set(table.trained_on[table.model == "unet"]) == {"train"}


@pytest.mark.parametrize("name", ["figure_1a", "figure_1b"])
def test_curves_count_the_attacks_that_still_rose(name, inputs):
    """Of two severities, one box in two slices of two volumes, two networks and accelerations: all at the larger."""
    figure, table = draw_figure(name, inputs)
    curves = 2 if name == "figure_1b" else 1
    searches = curves * 2 * 2 * 2 * 4
    note = f"Largest found: {searches // 2} of {searches} attacks still rose at the last step"
    assert any(note in text for text in written(figure))
    drawn = table[table.series.isin(["attacked", "boxes attacked", "whole image attacked"])]
    assert drawn.n_still_rising.sum() == searches // 2
    assert not any("worst" in text.lower() for text in written(figure))
    old = replace(inputs, summary=inputs.summary.drop(columns="n_still_rising"))
    figure, _ = draw_figure(name, old)
    assert not any("still" in text for text in written(figure)), "tables of before"


@pytest.mark.parametrize("name", ["figure_2", "figure_3"])
def test_image_figures_say_where_the_attack_still_rose(name, inputs):
    figure, table = draw_figure(name, inputs)
    words = "the attack" if name == "figure_2" else "the region's attack"
    assert f"Still rising when it stopped: {words} against UNET, VARNET" in foot_of(figure)
    assert ("the image's against UNET, VARNET." in foot_of(figure)) == (name == "figure_3")
    assert set(table.last_step_gain[table.shown == "reconstruction"]) == {0.5}
    metrics = inputs.metrics.assign(last_step_gain=np.where(inputs.metrics.model == "unet", 0.01, 0.2))
    figure, _ = draw_figure(name, replace(inputs, metrics=metrics))
    assert f"{words} against VARNET" in foot_of(figure)
    figure, _ = draw_figure(name, replace(inputs, metrics=inputs.metrics.drop(columns="last_step_gain")))
    assert "Still rising" not in foot_of(figure)


def foot_of(figure):
    """The lines below a page of images, in order."""
    lines = sorted(
        (text for text in figure.texts if text.get_rotation() == 0), key=lambda text: -text.get_position()[1]
    )
    return " ".join(text.get_text() for text in lines)


@pytest.mark.parametrize("name", ALL_FIGURES)
def test_every_figure_names_networks_no_better_than_zero_filling(name, inputs):
    def drawn(quality):
        figure, _ = draw_figure(name, replace(inputs, quality=quality))
        return " ".join(" ".join(one.get_text().split("\n")) for one in reversed(figure.findobj(Text))), figure

    poor = inputs.quality.assign(zero_filled_ssim=inputs.quality.ssim.where(inputs.quality.model == "unet"))
    text, figure = drawn(poor)
    wanted = f"Caution: UNET ({times(4)}, {times(8)}) no better than zero filling"
    assert wanted in text or wanted in foot_of(figure)
    assert "Caution" not in drawn(inputs.quality)[0]


def test_every_figure_has_a_caption():
    assert {path.stem for path in (ROOT / "report").glob("figure_*.rst")} == set(ALL_FIGURES)


@pytest.mark.parametrize(
    ("name", "attack", "series"),
    [
        ("figure_1a", "on-boxes", "attacked"),
        ("figure_1a", "random", "Gaussian noise of the same norms"),
        ("figure_1b", "on-image", "whole image attacked"),
        ("figure_4a", "turned", "attacked"),
    ],
)
def test_curves_are_the_summarys_values_and_are_drawn(inputs, name, attack, series):
    figure, table = draw_figure(name, inputs)
    keys = ["model", "acceleration", "severity"]
    points = table[table.series == series].set_index(keys).sort_index()
    summary = inputs.summary
    wanted = summary[(summary.attack == attack) & (summary.region == "box")].set_index(keys).sort_index()
    assert points.index.equals(wanted.index)
    for column, source in (("ssim", "ssim_mean"), ("ssim_ci_low",) * 2, ("ssim_ci_high",) * 2, ("n_boxes",) * 2):
        np.testing.assert_array_equal(points[column], wanted[source])
    assert set(points.n_patients) == {2}
    drawn = [tuple(line.get_ydata()) for axes in figure.axes for line in axes.lines]
    for model in inputs.options.models:
        for acceleration in inputs.options.accelerations:
            assert tuple(points.loc[model, acceleration].ssim) in drawn


@pytest.mark.parametrize("name", IMAGE_FIGURES)
def test_panels_say_what_metrics_say(inputs, name):
    _, table = draw_figure(name, inputs)
    for _, panel in table[table.shown != "target"].iterrows():
        role = "rotation_attack" if name == "figure_5" else "region_attack"
        box = inputs.shown(role).box
        assert (panel.volume, panel.slice, panel.box) == (box.volume, box.slice, box.box)
        row = inputs.box_scores(panel.attack or ROLES[role], panel.model, panel.acceleration, box)
        assert row.severity == (panel.severity if panel.attack else max(ANGLES if name == "figure_5" else ETAS))
        prefix = {"clean": "clean_", "reconstruction": "", "perturbed_target": "fully_sampled_"}[panel.shown]
        assert (panel.ssim, panel.psnr) == (row[f"{prefix}ssim"], row[f"{prefix}psnr"])
    box = BOXES[table.slice[0]][0]
    assert tuple(table.loc[0, ["box_row0", "box_row1"]]) == (box.row0, box.row1)


def test_panels_and_clean_quality_show_a_further_metric(extra_metric, tmp_path):
    inputs = make_inputs(tmp_path, ("unet",), (4,), ("v1",), 0.005)
    inputs = replace(inputs, quality=inputs.quality.assign(mae=0.25))
    figure, table = draw_figure("figure_2", inputs)
    attacked = table[table.shown == "reconstruction"].iloc[0]
    row = inputs.box_scores(*attacked[["attack", "model", "acceleration"]], inputs.shown("region_attack").box)
    assert attacked.mae == row.mae != row.clean_mae
    texts = [text.get_text() for text in figure.texts]
    assert f"SSIM {row.ssim:.3f}, {row.psnr:.1f} dB, MAE {row.mae:.4f}" in texts
    figure, _ = draw_figure("figure_quality", inputs)
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels == ["SSIM of the volume", "PSNR of the volume (dB)", "MAE of the volume"]
    assert 0.25 in np.concatenate([line.get_ydata() for line in figure.axes[2].lines])


def test_clean_quality_without_the_baseline_shows_the_models_alone(inputs):
    quality = inputs.quality[inputs.quality.model != "zero_filled"]
    figure, table = draw_figure("figure_quality", replace(inputs, quality=quality))
    assert set(table.model) == {"unet", "varnet"}
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["UNET", "VARNET", "mean"]


def test_noise_figures_show_two_per_cent_and_the_largest_acceleration(inputs):
    _, table = draw_figure("figure_2", inputs)
    assert set(table.acceleration) == {8}
    assert set(table[table.attack != ""].severity) == {0.02}


def test_angles_are_those_of_the_attack_file(inputs):
    _, table = draw_figure("figure_5", inputs)
    assert set(table[table.attack != ""].angle) == {3.25}
    _, sweep = draw_figure("figure_4b", inputs)
    assert set(sweep[sweep.worst].angle) == {3.25} and set(sweep[sweep.worst].ssim) == {0.8}
    assert set(sweep.attack) == {"turned"}
    assert len(sweep) == 2 * 2 * (9 + 1), "the worst angle lies between those of the grid"
    assert sweep.angle.groupby(sweep.index // 10).is_monotonic_increasing.all()


def written(figure):
    """Every text of a figure."""
    return {text.get_text() for text in figure.findobj(Text)}


def test_noise_is_named_only_where_it_is_meant(inputs):
    """The axes, legends and table of two families."""
    figure, table = draw_figure("figure_1a", inputs)
    words = {"Noise level η (% of each coil's ‖k‖)", "fully sampled, attack's noise", "Gaussian, same norms"}
    assert words <= written(figure) and "fully sampled under the attack's noise" in set(table.series)
    assert "Noise level η (%)" in written(draw_figure("figure_1b", inputs)[0])
    gain = replace(
        inputs, options=replace(inputs.options, severities=dict.fromkeys(ROLES, Severity("Gain (%)", "share")))
    )
    for name in ("figure_1a", "figure_1b"):
        figure, table = draw_figure(name, gain)
        assert "Gain (%)" in written(figure)
        assert not any("noise level" in text.lower() or "gauss" in text.lower() for text in written(figure))
        assert not table.series.str.contains("noise|Gauss").any()
    assert "fully sampled, attack's perturbation" in written(draw_figure("figure_1a", gain)[0])


@pytest.mark.parametrize(
    ("asked", "volume", "flip"),
    [(None, True, True), (None, False, False), (True, False, True), (False, True, False)],
)
def test_images_and_boxes_are_flipped_together(inputs, asked, volume, flip):
    """As the config says, else as the volume does."""
    options = replace(inputs.options, flip_up_down=asked)
    picked = inputs.shown("region_attack")
    found = picked.under("on-boxes", "unet", 8)
    view = make_view(found, options, volume)
    shown, (box, *_) = view.upright(found.target), BOXES[picked.box.slice]
    inside = found.target[box.row0 : box.row1, box.column0 : box.column1]
    displayed = shown[view.box.row0 : view.box.row1, view.box.column0 : view.box.column1]
    np.testing.assert_array_equal(displayed, inside[::-1] if flip else inside)
    montage = Montage([True], 1, view, SHAPE[0] / SHAPE[1], "foot")
    montage.show(0, 0, found.target, "title", "values")
    whole, enlarged = montage.figure.axes
    np.testing.assert_array_equal(whole.images[0].get_array(), shown)
    assert whole.get_ylim() == (SHAPE[0] - 0.5, -0.5)
    for axes in (whole, enlarged):
        (rectangle,) = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
        assert rectangle.get_xy() == (view.box.column0 - 0.5, view.box.row0 - 0.5)
        assert rectangle.get_height() == box.row1 - box.row0
    bottom, top = enlarged.get_ylim()
    assert top < view.box.row0 - 0.4 < view.box.row1 - 0.6 < bottom


@pytest.mark.parametrize("name", IMAGE_FIGURES)
def test_captions_say_which_way_up_images_are(inputs, name):
    shown = {role: replace(one, flip_up_down=role == "region_attack") for role, one in inputs.showcase.items()}
    figure, table = draw_figure(name, replace(inputs, showcase=shown))
    flip = name != "figure_5"
    words = {True: "Images flipped up-down.", False: "Images not flipped."}
    lines = " ".join(text.get_text() for text in reversed(figure.texts))
    assert words[flip] in lines and words[not flip] not in lines
    assert set(table.flipped_up_down) == {flip}


@given(st.integers(0, 30), st.integers(1, 50), st.integers(0, 20), st.integers(1, 40), st.floats(1, 9))
def test_enlarged_region_holds_the_box_and_stays_inside(row, rows, column, columns, zoom):
    box = Box(row, min(row + rows, 64), column, min(column + columns, 48))
    region = box.enlarged(zoom, 64, 48)
    assert 0 <= region.row0 <= region.row1 <= 64 and 0 <= region.column0 <= region.column1 <= 48
    assert region.row0 - 1 <= box.row0 and box.row1 <= region.row1 + 1
    assert region.column0 - 1 <= box.column0 and box.column1 <= region.column1 + 1


def scores(lost):
    """Rows of metrics.csv, one box per entry: SSIM lost by two models."""
    keys = {"attack": "a", "acceleration": 4, "region": "box", "slice": 1, "label": "tear", "clean_ssim": 1.0}
    rows = [
        keys | {"volume": volume, "box": 0.0, "severity": severity, "ssim": 1.0 - value * severity}
        for volume, values in lost.items()
        for value in values
        for severity in (0.01, 0.02, 0.025)
    ]
    return pd.DataFrame(rows)


def test_showcase_is_the_median_or_the_worst_over_models():
    lost = {"v1": (1.0, 9.0), "v2": (4.0, 4.0), "v3": (0.0, 1.0), "v4": (2.0, 1.0), "v5": (9.0, 9.0)}
    table = scores(lost)
    for seed in range(3):
        mixed = table.sample(frac=1.0, random_state=seed)
        median = pick_box(mixed, "a", 4, 0.019, "median")
        assert (median.volume, median.severity, median.rank, median.boxes) == ("v2", 0.02, 3, 5)
        assert median.ssim_lost == pytest.approx(4.0 * 0.02)
        assert pick_box(mixed, "a", 4, 0.02, "worst").volume == "v5"


def test_showcase_ties_go_by_name():
    table = scores({"b": (1.0,), "a": (1.0,), "c": (1.0,)}).sample(frac=1.0, random_state=1)
    assert pick_box(table, "a", 4, 0.02, "worst").volume == "a"
    assert pick_box(table, "a", 4, 0.02, "median").volume == "b"


def test_the_rotation_shown_is_one_that_turns_for_every_network(inputs):
    """Where a network's worst angle is 0 its row of figure 5 would show the clean image twice."""
    table = inputs.metrics
    shown = pick_moved_box(table, "turned", 8, "median")
    assert shown == inputs.shown("rotation_attack").box
    here = (table.attack == "turned") & (table.volume == shown.volume) & (table.slice == shown.slice)
    here &= (table.box == shown.box) & (table.acceleration == 8) & (table.severity == shown.severity)
    assert here.any()
    stays = table.assign(angle=table.angle.mask(here & (table.model == "unet"), 0.0))
    other = pick_moved_box(stays, "turned", 8, "median")
    assert (other.volume, other.slice, other.box) != (shown.volume, shown.slice, shown.box)
    assert other.boxes == shown.boxes - 1 and "turned by every network" in rule(other)
    nowhere = table.assign(angle=table.angle.where(table.angle.isna(), 0.0))
    assert pick_moved_box(nowhere, "turned", 8, "median") == shown


def legend_colours(name, inputs):
    figure, _ = draw_figure(name, inputs)
    entries = [handle for legend in figure.legends for handle in legend.legend_handles]
    return {entry.get_label(): to_hex(entry.get_color()).upper() for entry in entries}


def test_a_model_has_one_colour_everywhere(inputs):
    labels = inputs.options.models
    wanted = {label: model_colour(model, list(labels)) for model, label in labels.items()}
    assert list(wanted.values()) == list(MODEL_COLOURS[:2])
    for name in LINE_FIGURES:
        colours = legend_colours(name, inputs)
        assert {label: colours[label] for label in wanted} == wanted, name
    for name in IMAGE_FIGURES:
        figure, _ = draw_figure(name, inputs)
        written = {text.get_text(): text.get_color() for text in figure.texts}
        assert {label: written[label] for label in wanted} == wanted, name


@pytest.mark.parametrize(("name", "kind"), [("figure_1a", "svg"), ("figure_1a", "png"), ("figure_2", "svg")])
def test_the_same_inputs_give_the_same_bytes(inputs, name, kind, tmp_path):
    contents = []
    for attempt in range(2):
        save_figure(draw_figure(name, inputs)[0], tmp_path / f"{attempt}.tmp", kind)
        contents.append((tmp_path / f"{attempt}.tmp").read_bytes())
    assert contents[0] == contents[1]


def test_text_in_svg_stays_text(inputs, tmp_path):
    save_figure(draw_figure("figure_quality", inputs)[0], tmp_path / "figure", "svg")
    assert ">VARNET</text>" in (tmp_path / "figure").read_text()


def test_a_whole_image_rotation_attack_needs_no_box(inputs):
    found = inputs.shown("region_attack").under("on-image", "unet", 8)
    assert found.rows is None and make_view(found, inputs.options, True).box is None


def test_clear_errors(inputs):
    with pytest.raises(InputError, match=r"figures\.rotation_attack"):
        draw_figure("figure_5", replace(inputs, options=replace(inputs.options, attacks={})))
    with pytest.raises(InputError, match="give its file with --showcase"):
        draw_figure("figure_5", replace(inputs, showcase={}))
    with pytest.raises(InputError, match="no slice under on-boxes on unet at 4x; run the rule showcase again"):
        inputs.shown("region_attack").under("on-boxes", "unet", 4)
    with pytest.raises(InputError, match="no box was attacked"):
        pick_box(inputs.metrics, "on-boxes", 16, 0.02, "median")


@pytest.fixture
def elsewhere(inputs, tmp_path):
    """A folder with the tables and the showcase alone."""
    for name in ("metrics", "summary", "quality"):
        getattr(inputs, name).to_csv(tmp_path / f"{name}.csv", index=False)
    with h5py.File(tmp_path / "showcase.h5", "w") as file:
        write_showcase(file, inputs.showcase)
    return tmp_path


@pytest.mark.parametrize("name", ALL_FIGURES)
def test_figures_are_drawn_from_tables_and_showcase(inputs, elsewhere, name):
    settings = {"models": [["unet", "UNET"], ["varnet", "VARNET"]], "accelerations": [4, 8], "attacks": ROLES}
    settings["severities"] = {role: asdict(severity) for role, severity in SEVERITIES.items()}
    named = {kind: elsewhere / "figures" / f"{name}.{kind}" for kind in ("svg", "png", "csv")}
    tables = {key: elsewhere / f"{key}.csv" for key in ("metrics", "summary", "quality")}
    showcase = elsewhere / "showcase.h5"
    run_program(program, figure=name, settings=json.dumps(settings), showcase=showcase, **tables, **named)
    assert set((elsewhere / "figures").iterdir()) == set(named.values())
    _, table = draw_figure(name, replace(inputs, showcase=read_showcase(showcase)))
    expected, numbers = draw_figure(name, inputs)
    pd.testing.assert_frame_equal(table, numbers)
    save_figure(expected, elsewhere / "expected.svg", "svg")
    assert named["svg"].read_bytes() == (elsewhere / "expected.svg").read_bytes()
    assert list(pd.read_csv(named["csv"]).columns) == list(numbers.columns)


def test_the_showcase_reads_back_as_it_was_written(inputs, elsewhere):
    showcase = {role: replace(one, flip_up_down=role == "rotation_attack") for role, one in inputs.showcase.items()}
    with h5py.File(elsewhere / "showcase.h5", "w") as file:
        write_showcase(file, showcase)
    found = read_showcase(elsewhere / "showcase.h5")
    assert set(found) == {"region_attack", "rotation_attack"}
    for role, shown in found.items():
        written = showcase[role]
        assert shown.flip_up_down is written.flip_up_down is (role == "rotation_attack")
        assert shown.box == written.box and set(shown.attacked) == set(written.attacked)
        for key, attacked_slice in shown.attacked.items():
            for one in fields(attacked_slice):
                value, expected = getattr(attacked_slice, one.name), getattr(written.attacked[key], one.name)
                np.testing.assert_array_equal(value, expected)
                assert type(value) is type(expected) and getattr(value, "dtype", 0) == getattr(expected, "dtype", 0)


def test_a_changed_showcase_is_refused(elsewhere):
    with h5py.File(elsewhere / "showcase.h5", "r+") as file:
        file["region_attack/on-boxes/unet-8x/clean"][0, 0] += 1
    with pytest.raises(DamagedFileError, match=r"showcase\.h5"):
        read_showcase(elsewhere / "showcase.h5")


def test_the_showcase_names_a_slice_that_no_job_holds(inputs, tmp_path):
    wanted = Wanted(["unet"], [WantedSlice("region_attack", "on-boxes", {"on-boxes": [8]})], 8)
    with pytest.raises(InputError, match="none of the attack files given holds it"):
        Cutter(tmp_path, ["v1/007", "v2/007"], inputs.metrics).showcase(wanted)
