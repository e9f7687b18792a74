"""What programs know of any family of attacks: settings, stored arrays, severity and columns (no torch, no numpy).

A family is a package with four modules that are found by name, never imported by a program or by one another's readers:

- `settings`: classes on `FamilySettings`, each named in the union of `advmri.attacks.settings`;
- `stored`: what its datasets mean and how they are read (`StoredResults`; no torch: scores and figures load it);
- `attack`: a function `attack`, and `verification`: a function `verify`; see `advmri.attacks.family_programs`.

So an edit of `stored` scores anew without attacking, and an edit of `verification` reruns nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, Protocol, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Module = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""A setting that names a module."""


@dataclass(frozen=True)
class Severity:
    """What the severities of an attack count.

    Attributes:
        axis: what figures write on their axis, with the unit (per cent for shares).
        unit: `share` (of a norm or of k-space, shown in per cent), `degrees` or `pixels`.
        perturbation: what is done to the data, in a word for legends and titles.
    """

    axis: str
    unit: Literal["share", "degrees", "pixels"]
    perturbation: str = "perturbation"

    @property
    def short_axis(self) -> str:
        """The axis for a narrow panel: without what the per cent are of."""
        words, per_cent, _ = self.axis.partition(" (%")
        return f"{words} (%)" if per_cent else self.axis


@dataclass(frozen=True)
class StoredArray:
    """One dataset of an attacked target.

    Attributes:
        axes: a name for each: S severities, C coils, H rows of k-space, n measured columns, h and w of the image, and
            what the family adds; a number is a fixed length.
        dtype: as NumPy names it.
        meaning: in words.
        unit: `1` for a pure number, `image` for the target's units, `kspace` for those of the k-space, `objective` for
            what is maximised, `severity` for that of the severities, or another.
    """

    axes: tuple[str | int, ...]
    dtype: str
    meaning: str
    unit: str = "1"


FORWARD = 0.45
"""Cost of a forward pass, in forward and backward passes (docs/performance.md: a backward pass is 1.2 to 1.4)."""
IMAGES = ("S", "h", "w")
COMMON_ARRAYS: Mapping[str, StoredArray] = MappingProxyType(
    {
        "severity": StoredArray(("S",), "float32", "how much the attack was allowed", "severity"),
        "reconstruction": StoredArray(IMAGES, "float32", "under the perturbation of the largest damage found", "image"),
        "perturbed_target": StoredArray(IMAGES, "float32", "the fully sampled image under the same", "image"),
        "final_objective": StoredArray(("S",), "float32", "of that perturbation", "objective"),
    }
)
"""What every family stores of every target."""


class FamilySettings(BaseModel):
    """What the config says of an attack of any family; base of the families' settings.

    Class attributes:
        PACKAGE: the family, for instance `advmri.attacks.noise`.
        SEVERITY: what `severities` count.
        COLUMNS: names that the family adds to metrics.csv; empty for attacks of other families.
        CERTIFIES_NOISE: whether it stores noise in k-space (`perturbation`) with what certifies it: `gauge`,
            `budget_used`, `largest_unmeasured`, `non_deterministic`, `gradient_ratio`, as noise attacks do.
        SWEEPS_ANGLES: whether it measures a grid of angles: `StoredResults.sweep` is then not empty.
        STEPWISE: whether a longer search is one with more `steps` or `restarts`; the outcome then has
            `start_objective` [S, R], the largest objective of each start, and `objective` [S, T], the best start's at
            every iterate, NaN after an early end: scores say by it whether the search was still rising.
        WHOLE_SEARCH: keys and values with which each start of a stepwise search goes to its end, on its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    PACKAGE: ClassVar[str]
    SEVERITY: ClassVar[Severity]
    COLUMNS: ClassVar[tuple[str, ...]] = ()
    CERTIFIES_NOISE: ClassVar[bool] = False
    SWEEPS_ANGLES: ClassVar[bool] = False
    STEPWISE: ClassVar[bool] = False
    WHOLE_SEARCH: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    threat_model: str
    optimiser: str
    target: Literal["box", "image"] = Field(
        "box", description="what the objective covers: each annotated box, or the whole crop"
    )
    severities: list[float]

    @model_validator(mode="before")
    @classmethod
    def _drop_removed_keys(cls, content: Any) -> Any:
        """A key set to null by a later config file is removed."""
        if isinstance(content, dict):
            return {name: value for name, value in content.items() if value is not None}
        return content

    @field_validator("severities")
    @classmethod
    def _ascending(cls, severities: list[float]) -> list[float]:
        if sorted(set(severities)) != severities:
            raise ValueError("severities must ascend without repetition")
        return severities

    def unused(self) -> list[str]:
        """Return what of these settings the attack would not use, or not as it stands: `key: why` for each."""
        return ["severities: 0 alone is no attack; take a larger one too"] if max(self.severities) == 0 else []

    def passes(self, targets: int) -> float:
        """Return about how many passes of the network one slice with so many targets takes: for estimates of time.

        A pass is forward and backward; forward alone is `FORWARD` of one. Here: one reconstruction per severity.
        """
        return FORWARD * len(self.severities) * targets

    def parts(self) -> dict[str, str]:
        """Return the modules of the family that settings choose, by the setting that names each."""
        return {}

    def modules(self) -> list[str]:
        """Return every module that an attack loads by name: they count in its code digest."""
        return [f"{self.PACKAGE}.attack", *self.parts().values()]

    @classmethod
    def reading_modules(cls) -> list[str]:
        """Return every module that scores, claims and figures load by name to read what is stored."""
        return [f"{cls.PACKAGE}.stored"]


class StoredResults(Protocol):
    """How what is stored of one target is read: the module `stored` of a family. `result` maps names to arrays."""

    ARRAYS: Mapping[str, StoredArray]
    """Every dataset beyond `COMMON_ARRAYS`."""

    def columns(self, result: Mapping[str, Any], thermal: Any) -> list[dict[str, float]]:
        """Return the values of the settings' `COLUMNS` at each severity.

        `thermal` is eta of the scan's own noise per coil [C], NaN where a coil measured nothing.
        """
        ...

    def sweep(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was measured on the grid of angles: `angle` (degrees), `ssim` and `floor_ssim` [A].

        `floor_ssim` is of the fully sampled image. Empty where the family has no such grid.
        """
        ...

    def worst(self, result: Mapping[str, Any], place: int) -> dict[str, Any]:
        """Return the same three numbers of the worst perturbation at a severity; empty where `sweep` is."""
        ...


def stored_results(settings: type[FamilySettings]) -> StoredResults:
    """Return the family's way to read what is stored."""
    return cast(StoredResults, import_module(f"{settings.PACKAGE}.stored"))
