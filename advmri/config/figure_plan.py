"""Which figures a run draws, what each needs, and what each is told of the config; imports neither torch nor numpy."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from advmri.attacks.family import Severity
from advmri.config.schema import Config
from advmri.figures.settings import ROLES
from advmri.storage.layout import CONVERGENCE_FIGURE, TRAINING_FIGURE


@dataclass(frozen=True)
class PlannedFigure:
    """One figure of the paper.

    Attributes:
        shows: in words; `{perturbation}` is what the attack in the first role does to the data.
        roles: of the attacks without which it is not drawn; where it shows a slice, the first picks that.
        slices: of which accelerations it shows the slice; `none` where it is drawn from tables alone.
    """

    shows: str
    roles: tuple[str, ...] = ()
    slices: Literal["none", "one", "all"] = "none"


FIGURES = {
    "figure_1a": PlannedFigure("SSIM in boxes against {perturbation} level", ("region_attack",)),
    "figure_1b": PlannedFigure("Attack on boxes and on the whole image", ("region_attack", "image_attack")),
    "figure_2": PlannedFigure("Clean and attacked reconstructions", ("region_attack",), "one"),
    "figure_3": PlannedFigure("Attack on a box and on the whole image", ("region_attack", "image_attack"), "one"),
    "figure_4a": PlannedFigure("SSIM in boxes against rotation", ("rotation_attack",)),
    "figure_4b": PlannedFigure("SSIM against angle in one slice", ("rotation_attack",), "all"),
    "figure_5": PlannedFigure("Worst rotation of one slice", ("rotation_attack",), "one"),
    "figure_quality": PlannedFigure("Clean quality"),
}
"""By the module of `advmri.figures` that draws it."""
OF_THEIR_OWN = {
    TRAINING_FIGURE: PlannedFigure("Learning curves"),
    CONVERGENCE_FIGURE: PlannedFigure("What a longer search would find"),
}
"""Drawn by rules of their own, from other tables."""


@dataclass(frozen=True)
class FigurePlan:
    """The figures of a config."""

    config: Config

    @cached_property
    def attacks(self) -> dict[str, str]:
        """The attack in each role that is filled."""
        return self.config.figures.attacks

    @cached_property
    def drawn(self) -> list[str]:
        """Those of `FIGURES` whose roles are filled."""
        return [name for name, figure in FIGURES.items() if set(figure.roles) <= set(self.attacks)]

    @cached_property
    def trained_models(self) -> list[str]:
        """Models that are trained here: they have learning curves."""
        return [name for name, model in self.config.models.items() if model.training is not None]

    def curve_labels(self) -> str:
        """Return names and labels for the learning curves, JSON.

        Colours go by a model's place in the config, so those before the last trained one are named, and no others:
        a model that is not trained comes and goes without the curves being drawn anew.
        """
        models, trained = self.config.models, self.trained_models
        named = list(models)[: list(models).index(trained[-1]) + 1] if trained else []
        return json.dumps([[name, (models[name].label if name in trained else None) or name] for name in named])

    @cached_property
    def of_the_run(self) -> list[str]:
        """Every figure of the run: with the learning curves and the convergence, where there are any."""
        there = {TRAINING_FIGURE: self.trained_models, CONVERGENCE_FIGURE: self.config.convergence.attack}
        return [*self.drawn, *(name for name in OF_THEIR_OWN if there[name])]

    def labels(self, figure: str) -> dict[str, str]:
        """Return what the report says of a figure.

        Of two figures in words that differ in one place, or its page fails (Snakemake 9.27).
        """
        name, planned = figure.removeprefix("figure_"), (FIGURES | OF_THEIR_OWN)[figure]
        shows = planned.shows
        for severity in self.severities(planned.roles[:1]).values():
            shows = shows.format(perturbation=severity.perturbation)
        return {"figure": name, "shows": shows} if len(self.of_the_run) != 2 else {"figure": f"{name}: {shows}"}

    def severities(self, roles: Iterable[str]) -> dict[str, Severity]:
        """Return what the severities of the attacks in some roles count, where those are filled."""
        return {role: self.config.attacks[self.attacks[role]].SEVERITY for role in roles if role in self.attacks}

    def shows_slice(self, figure: str) -> bool:
        """Whether a figure shows a slice, which the showcase holds."""
        return FIGURES[figure].slices != "none"

    @cached_property
    def judged_roles(self) -> dict[str, str]:
        """The attack in each role that claims are about."""
        return {role: name for role, name in self.attacks.items() if ROLES[role].judged}

    @cached_property
    def shown_slices(self) -> dict[str, dict[str, list[int]]]:
        """By the role that picks the slice: the accelerations of which each attack's file is shown."""
        config = self.config
        one = config.figures.showcase.acceleration or max(config.accelerations)
        found: dict[str, dict[str, set[int]]] = {}
        for figure in filter(self.shows_slice, self.drawn):
            roles = FIGURES[figure].roles
            accelerations = [one] if FIGURES[figure].slices == "one" else config.accelerations
            for role in roles:
                found.setdefault(roles[0], {}).setdefault(self.attacks[role], set()).update(accelerations)
        return {
            role: {attack: [one for one in config.accelerations if one in wanted] for attack, wanted in shown.items()}
            for role, shown in found.items()
        }

    @property
    def shown_attacks(self) -> list[str]:
        """The attacks whose files the showcase reads."""
        return list(dict.fromkeys(attack for shown in self.shown_slices.values() for attack in shown))

    def showcase_settings(self) -> str:
        """Return the config's part for the showcase, JSON: what picks the slices, and what is shown of each."""
        chosen = self.config.figures.showcase
        picks: dict[str, Any] = chosen.model_dump(mode="json", exclude={"zoom"}, exclude_none=True)
        picks["acceleration"] = chosen.acceleration or max(self.config.accelerations)
        shown = [
            {"role": role, "attack": self.attacks[role], "shown": accelerations}
            for role, accelerations in self.shown_slices.items()
        ]
        return json.dumps({**picks, "slices": shown, "models": list(self.config.models)}, sort_keys=True)

    def settings(self, figure: str) -> str:
        """Return the config's part for a figure, JSON; models as a list, since their order gives the colours."""
        config = self.config
        settings: dict[str, Any] = {
            "attacks": self.attacks,
            "models": [[name, model.label or name] for name, model in config.models.items()],
            "accelerations": config.accelerations,
            "confidence": config.statistics.confidence,
        }
        if FIGURES[figure].roles:
            shown = self.severities((*FIGURES[figure].roles, "control_attack"))
            settings["severities"] = {role: asdict(severity) for role, severity in shown.items()}
        if self.shows_slice(figure):
            settings |= {"zoom": config.figures.showcase.zoom, "flip_up_down": config.figures.flip_up_down}
        if "rotation_attack" in FIGURES[figure].roles:
            rotation = config.attacks[self.attacks["rotation_attack"]].model_dump()
            settings["rotation_selection"] = rotation["selection"]
        return json.dumps(settings, sort_keys=True)
