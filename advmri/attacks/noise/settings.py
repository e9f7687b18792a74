"""What the config says of noise attacks, whatever their optimiser (pydantic; imports neither torch nor numpy)."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from advmri.attacks.family import FORWARD, FamilySettings, Module, Severity

PATIENCE = 3
"""Steps over which `stop_gain` judges: one step alone may fall back before the next gains."""
DIRECTIONS = 3
"""In which a job compares the gradient with differences: its own, and k-space's in the centre and elsewhere."""


class NoiseAttack(FamilySettings):
    """Additive k-space noise within a bound: eq. (4)'s per coil, or another.

    Each optimiser has its own class of these settings (`advmri.attacks.noise.optimisers.settings`), with its keys and
    no other's, and says there what the attack and its verification must know of it.
    """

    PACKAGE: ClassVar[str] = "advmri.attacks.noise"
    SEVERITY: ClassVar[Severity] = Severity("Noise level η (% of each coil's ‖k‖)", "share", "noise")
    COLUMNS: ClassVar[tuple[str, ...]] = ("relative_norm", "thermal_multiple")
    CERTIFIES_NOISE: ClassVar[bool] = True

    threat_model: Literal["noise"]
    severities: list[Annotated[float, Field(ge=0, lt=1)]] = Field(
        [0, 0.005, 0.01, 0.015, 0.02, 0.025], min_length=1, description="eta: ||z_i|| / ||k_i||"
    )
    bound: Module = Field("coil_l2", description="a module of advmri/attacks/noise/bounds: what may be perturbed")
    colour: Literal["white", "coil_covariance"] = Field(
        "white", description="coil_covariance: the bound is measured in coils whitened by their noise covariance"
    )
    objective: Module = Field("l2", description="a module of advmri/attacks/noise/objectives: what is maximised")
    search_precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="of the network's convolutions during the search; what is reported is always float32"
    )

    @property
    def starts(self) -> int:
        """How many searches there are of each severity; the worst over all of them is kept."""
        return 1

    @property
    def least_gain(self) -> float:
        """The share below which further steps, or a further start, are not worth it; 0: they always are."""
        return 0.0

    @property
    def carries_upwards(self) -> bool:
        """Whether each severity's noise is tried at the next."""
        return False

    @property
    def starts_at_zero(self) -> bool:
        """Whether the first start is no noise at all: the clean reconstruction heads its trace."""
        return False

    @property
    def follows_gradient(self) -> bool:
        """Whether the search goes where the gradient says: one that lacks a part finds less."""
        return False

    @property
    def iterates(self) -> int:
        """How many values the trace of a search has that does not stop early."""
        raise NotImplementedError(f"{type(self).__name__}: say how many iterates a search has.")

    def passes(self, targets: int) -> float:
        """See `FamilySettings`: every iterate, then clean image, last iterate and certificate."""
        search = self.starts * self.iterates * (1.0 if self.follows_gradient else FORWARD)
        return targets * sum(severity > 0 for severity in self.severities) * (search + 3 * FORWARD)

    def parts(self) -> dict[str, str]:
        """See `FamilySettings`."""
        folders = {"bound": "bounds", "objective": "objectives", "optimiser": "optimisers"}
        return {key: f"{self.PACKAGE}.{folder}.{getattr(self, key)}" for key, folder in folders.items()}
