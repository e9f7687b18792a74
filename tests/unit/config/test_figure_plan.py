"""Which figures are drawn and what they are told: roles and plan are told once, and every reader agrees with them."""

import json

import pytest
import yaml
from snakemake.utils import update_config
from support import ROOT

from advmri.attacks.family import Severity
from advmri.config.figure_plan import FIGURES, OF_THEIR_OWN, FigurePlan
from advmri.config.validate import validate_config
from advmri.errors import InputError
from advmri.figures.cutting import MOVING, Wanted
from advmri.figures.inputs import FigureOptions
from advmri.figures.settings import ROLES, FigureSettings


def plan_of(**changes):
    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(content, changes)
    return FigurePlan(validate_config(content))


def without(*roles):
    return plan_of(figures=dict.fromkeys(roles))


def test_every_figure_has_a_module_and_a_caption():
    assert set(FIGURES) == {path.stem for path in ROOT.glob("advmri/figures/figure_*.py")}
    assert set(FIGURES) == {path.stem for path in ROOT.glob("report/figure_*.rst")}


def test_roles_are_keys_of_the_config():
    assert list(ROLES) == ["region_attack", "image_attack", "control_attack", "rotation_attack"]
    assert set(ROLES) == {name for name in FigureSettings.model_fields if name.endswith("_attack")}
    assert {role for figure in FIGURES.values() for role in figure.roles} <= set(ROLES) and MOVING in ROLES


def test_a_figure_is_drawn_where_its_roles_are_filled():
    assert without().drawn == list(FIGURES)
    assert without("control_attack").drawn == list(FIGURES)
    assert without("rotation_attack").drawn == ["figure_1a", "figure_1b", "figure_2", "figure_3", "figure_quality"]
    assert without("image_attack").drawn == [name for name in FIGURES if name not in ("figure_1b", "figure_3")]
    assert without(*ROLES).drawn == ["figure_quality"] and without(*ROLES).shown_slices == {}


def test_further_figures_of_the_run():
    assert without().of_the_run == [*FIGURES, "figure_training"]
    assert plan_of(convergence={"attack": "noise-box"}).of_the_run == [*FIGURES, *OF_THEIR_OWN]


@pytest.mark.parametrize(("asked", "one"), [(None, 8), (4, 4)])
def test_slices_are_shown_at_one_acceleration_and_their_sweeps_at_all(asked, one):
    sizes = {"accelerations": [4, 8], "mask": {"center_fractions": {4: 0.08, 8: 0.04}}}
    plan = plan_of(**sizes, figures={"showcase": {"acceleration": asked}})
    assert plan.shown_slices == {
        "region_attack": {"noise-box": [one], "noise-image": [one]},
        "rotation_attack": {"rotation": [4, 8]},
    }


def test_the_programs_read_what_they_are_told():
    plan = plan_of(figures={"showcase": {"severity": 0.01, "pick": "worst", "zoom": 2.0}})
    wanted = Wanted.from_json(plan.showcase_settings())
    assert (wanted.severity, wanted.pick, wanted.models) == (0.01, "worst", ["unet", "varnet"])
    assert {one.role: (one.attack, one.shown) for one in wanted.slices} == {
        role: (plan.attacks[role], shown) for role, shown in plan.shown_slices.items()
    }
    for name in FIGURES:
        options = FigureOptions.from_json(plan.settings(name))
        assert options.attacks == plan.attacks and list(options.models) == ["unet", "varnet"]
        assert options.zoom == (2.0 if plan.shows_slice(name) else 1.6)
    assert Wanted.from_json(plan_of().showcase_settings()).severity == 0.02


def test_settings_of_the_showcase_and_of_figures_change_apart():
    """A zoom draws anew and cuts nothing; a pick cuts anew."""
    plain, zoomed, picked = (plan_of(figures={"showcase": one}) for one in ({}, {"zoom": 3}, {"pick": "worst"}))
    assert plain.showcase_settings() == zoomed.showcase_settings() != picked.showcase_settings()
    assert plain.settings("figure_2") == picked.settings("figure_2") != zoomed.settings("figure_2")
    assert plain.settings("figure_1a") == zoomed.settings("figure_1a")


def test_figures_say_what_the_severities_of_their_attack_count(monkeypatch):
    plan = plan_of()
    assert (
        FigureOptions.from_json(plan.settings("figure_1a")).severity("region_attack").axis.startswith("Noise level η")
    )
    assert (
        FigureOptions.from_json(plan.settings("figure_1b")).severity("region_attack").short_axis == "Noise level η (%)"
    )
    gain = Severity("Gain error (%)", "share")
    monkeypatch.setattr(type(plan.config.attacks["noise-box"]), "SEVERITY", gain)
    for figure in ("figure_1a", "figure_1b"):
        assert FigureOptions.from_json(plan.settings(figure)).severity("region_attack") == gain
    assert plan.labels("figure_1a") == {"figure": "1a", "shows": "SSIM in boxes against perturbation level"}
    told = json.loads(plan.settings("figure_1a"))
    untold = FigureOptions.from_json(json.dumps({key: told[key] for key in told if key != "severities"}))
    with pytest.raises(InputError, match=r"severities\.region_attack"):
        untold.severity("region_attack")


def test_the_selection_is_told_where_it_is_shown():
    plan = plan_of(attacks={"rotation": {"selection": "ssim"}})
    told = {name for name in FIGURES if "rotation_selection" in json.loads(plan.settings(name))}
    assert told == {"figure_4a", "figure_4b", "figure_5"}
    assert FigureOptions.from_json(plan.settings("figure_5")).worst_angle == "lowest SSIM"


def test_claims_are_not_about_the_control():
    plan = plan_of()
    assert set(plan.judged_roles) == set(plan.attacks) - {"control_attack"}


def test_labels_of_two_figures_differ_in_one_place():
    assert without().labels("figure_1a") == {"figure": "1a", "shows": "SSIM in boxes against noise level"}
    two = without(*ROLES)
    assert two.of_the_run == ["figure_quality", "figure_training"]
    assert two.labels("figure_training") == {"figure": "training: Learning curves"}


def test_learning_curves_follow_no_model_that_is_not_trained():
    """But their colours, which go by the place in the config."""
    given = {"architecture": "unet", "checkpoint": "m.pt", "trained_on": "train", "label": "Given"}
    alone = json.loads(plan_of().curve_labels())
    assert json.loads(plan_of(models={"given": given}).curve_labels()) == alone
    assert [name for name, _ in alone] == plan_of().trained_models
    models = {"given": given, "unet": plan_of().config.models["unet"].model_dump(mode="json"), "after": given}
    content = plan_of().config.model_dump(mode="json") | {"models": models, "claims": {}}
    (first, second) = json.loads(FigurePlan(validate_config(content)).curve_labels())
    assert first == ["given", "given"] and second[0] == "unet"
