"""The keys of each optimiser of the noise attack, and their union (pydantic; imports neither torch nor numpy).

A class holds what its optimiser uses: the fields of its dataclass `Optimiser`, and what all searches by steps share.
Another optimiser's key is refused.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, TypeAdapter

from advmri.attacks.noise.settings import PATIENCE, NoiseAttack

DEFAULT = "pgd"


class StepwiseAttack(NoiseAttack):
    """What searches by steps share: they can be longer, and begin again."""

    STEPWISE: ClassVar[bool] = True

    steps: int = Field(10, ge=1, description="gradient steps")
    restarts: int = Field(1, ge=1, description="starts of the search; the worst over all of them is kept")

    @property
    def starts(self) -> int:
        """See `NoiseAttack`."""
        return self.restarts

    @property
    def follows_gradient(self) -> bool:
        """See `NoiseAttack`."""
        return True

    @property
    def iterates(self) -> int:
        """The start, and one after each step."""
        return self.steps + 1


class ProjectedAttack(StepwiseAttack):
    """What both projected searches share: where they begin, when they stop, what they take over."""

    WHOLE_SEARCH: ClassVar[Mapping[str, Any]] = MappingProxyType({"stop_gain": 0.0, "warm_start": False})

    start: Literal["zero", "random"] = Field("zero", description="first iterate; restarts are random")
    stop_gain: float = Field(
        0, ge=0, lt=1, description="stop where 3 more steps, or a restart, gain less than this share; 0: never"
    )
    warm_start: bool = Field(
        False, description="try each severity's noise, as it is and scaled up, at the next: damage never decreases"
    )

    def unused(self) -> list[str]:
        """See `FamilySettings`."""
        found = super().unused()
        if self.stop_gain and self.restarts == 1 and self.steps <= PATIENCE:
            found.append(f"stop_gain: never judged in one search of {self.steps} steps; take more than {PATIENCE}")
        return found

    @property
    def least_gain(self) -> float:
        """See `NoiseAttack`."""
        return self.stop_gain

    @property
    def carries_upwards(self) -> bool:
        """See `NoiseAttack`."""
        return self.warm_start

    @property
    def starts_at_zero(self) -> bool:
        """See `NoiseAttack`."""
        return self.start == "zero"


class PgdAttack(ProjectedAttack):
    """Noise by projected gradient ascent, the paper's optimiser."""

    optimiser: Literal["pgd"] = "pgd"
    step_size: float = Field(0.5, gt=0, description="length of a step per coil, in units of eta ||k_i||")


class ApgdAttack(ProjectedAttack):
    """Noise by Auto-PGD."""

    optimiser: Literal["apgd"]
    momentum: float = Field(0.75, ge=0, le=1, description="share of a step that is new; the rest repeats the last")


class AdvRecAttack(StepwiseAttack):
    """Noise by AdvRec's update rule, which knows the bound of eq. (4) only."""

    optimiser: Literal["advrec"]
    bound: Literal["coil_l2"] = Field("coil_l2", description="the only one that advrec knows")
    colour: Literal["white"] = Field("white", description="the only one that advrec knows")


class GaussianAttack(NoiseAttack):
    """Random noise of the whole budget, the control: drawn, not searched for."""

    optimiser: Literal["gaussian"]
    draws: int = Field(3, ge=1, description="random perturbations per severity; the worst is kept")

    @property
    def iterates(self) -> int:
        """One for each draw."""
        return self.draws


def _tag(content: Any) -> str:
    """Return the tag of a mapping or of settings; its `=` keeps it apart from keys in the place of an error."""
    given = content.get("optimiser") if isinstance(content, Mapping) else getattr(content, "optimiser", None)
    return f"optimiser={given or DEFAULT}"


AnyNoiseAttack = Annotated[
    Annotated[PgdAttack, Tag("optimiser=pgd")]
    | Annotated[ApgdAttack, Tag("optimiser=apgd")]
    | Annotated[AdvRecAttack, Tag("optimiser=advrec")]
    | Annotated[GaussianAttack, Tag("optimiser=gaussian")],
    Discriminator(
        _tag,
        custom_error_type="unknown_optimiser",
        custom_error_message="optimiser: none of this name in advmri/attacks/noise/optimisers/settings.py",
    ),
]


def noise_attack(**content: Any) -> NoiseAttack:
    """Return the settings of a noise attack, of the class of its optimiser.

    Raises:
        ValidationError: where a key is unknown to it, or a value is not possible.
    """
    made: NoiseAttack = TypeAdapter(AnyNoiseAttack).validate_python({"threat_model": "noise", **content})
    return made
