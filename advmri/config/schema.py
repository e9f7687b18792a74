"""The config: every key, its type, bounds and meaning, checked before any job starts.

Read by the Snakefile, so it imports neither torch nor numpy.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from advmri.attacks.family import Module
from advmri.attacks.settings import AttackSettings
from advmri.claims.settings import ClaimsSettings
from advmri.figures.settings import FigureSettings
from advmri.simulation.settings import SimulationSettings
from advmri.storage.baseline import BASELINE
from advmri.training.settings import ModelSettings
from advmri.volumes.fastmri_plus import keyword_problem

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.]*(?:[-_.]?[A-Za-z0-9]+)*$", max_length=64)]
PAPERS_PAIR = ("varnet", "unet")
"""The architectures that the paper compares, the one it finds better first."""
STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DatasetSettings(BaseModel):
    """Which volumes and annotations are audited."""

    model_config = STRICT

    name: Name = Field(..., description="folder under data/ for simulated volumes")
    kind: Literal["simulated", "fastmri"] = Field(
        ..., description="simulated: made here; fastmri: yours, in that format"
    )
    root: str | None = Field(
        None, description="folder with multicoil_train/ and multicoil_val/; simulated: data/<name>"
    )
    annotations: str | None = Field(
        None,
        description="fastMRI+ CSV of boxes; or fastmri+ for the published one of knees, fastmri+brain for that of"
        " brains, downloaded once; simulated: made here",
    )
    audited_volumes: int | None = Field(None, ge=1, description="attack the first so many annotated volumes; none: all")
    training_volumes: int | None = Field(None, ge=1, description="train on the first so many volumes; none: all")
    minimum_box_size: int = Field(1, ge=1, description="boxes with a shorter side in pixels are excluded; 1 keeps all")
    acquired_columns: Literal["header", "kspace"] = Field(
        "header",
        description="who says which columns were acquired: the header, which k-space must not contradict; or k-space"
        " within them, so that outer columns of zeros (partial Fourier, zero padding) count as not acquired",
    )
    simulation: SimulationSettings = Field(SimulationSettings(), description="used where kind is simulated")

    @model_validator(mode="after")
    def _sources_given(self) -> "DatasetSettings":
        if self.kind == "fastmri":
            missing = [key for key in ("root", "annotations") if getattr(self, key) is None]
            if missing:
                raise ValueError(f"kind fastmri needs {' and '.join(missing)}")
            if problem := keyword_problem(self.annotations or ""):
                raise ValueError(f"annotations: {problem}")
        elif self.root is not None or self.annotations is not None:
            raise ValueError("kind simulated takes neither root nor annotations: they are made under data/<name>")
        return self


class MaskConfig(BaseModel):
    """How k-space is undersampled."""

    model_config = STRICT

    type: Literal["random", "equispaced_fraction"] = Field("random", description="fastMRI's mask functions")
    center_fractions: dict[int, Annotated[float, Field(gt=0, lt=1)]] = Field(
        ..., description="by acceleration: share of the columns that is fully sampled in the centre"
    )


class AttackJobs(BaseModel):
    """How attack jobs are cut and run."""

    model_config = STRICT

    slices_per_job: int = Field(1, ge=1, description="annotated slices of one volume per job")
    batch_size: int = Field(8, ge=1, description="perturbations or angles computed at a time; bounds memory")
    slices_per_batch: int = Field(
        1, ge=1, description="slices of a job whose noise searches share batches; above 1 may fill a GPU"
    )


class ConvergenceSettings(BaseModel):
    """How much more a longer search would find, on a sample of slices; nothing is done without `attack`."""

    model_config = STRICT

    attack: str | None = Field(None, description="name of the noise attack whose bound, objective and target are used")
    optimisers: list[Module] = Field(
        ["pgd", "apgd"], min_length=1, description="modules of advmri/attacks/noise/optimisers"
    )
    severity: float | None = Field(None, gt=0, lt=1, description="eta; none: the attack's largest")
    slices: int = Field(3, ge=1, description="annotated slices, spread evenly over the audited ones")
    steps: list[Annotated[int, Field(ge=1)]] = Field([3, 10, 30], min_length=1, description="each searched anew")
    restarts: int = Field(3, ge=1, description="starts of every search")


class ComputeSettings(BaseModel):
    """Where jobs compute."""

    model_config = STRICT

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU where torch finds one")
    precision: Literal["float32", "tf32"] = Field("float32", description="tf32: faster convolutions on recent GPUs")
    threads: int = Field(1, ge=1, description="CPU threads per job; results depend on it in the last bits")
    workers: int = Field(0, ge=0, description="data loader processes per device of a training job")
    devices: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        1, description="GPUs (or CPU processes) per node and training job; auto: all that the job sees"
    )
    nodes: int = Field(1, ge=1, description="nodes per training job; more than one needs SLURM's srun")

    @property
    def training_processes(self) -> int:
        """Devices of a training job over all nodes; 1 per node where their number is found out in the job."""
        return self.nodes * (1 if self.devices == "auto" else self.devices)


class MetricSettings(BaseModel):
    """How reconstructions are scored."""

    model_config = STRICT

    ssim_of_box: Literal["map", "crop"] = Field(
        "map", description="map: mean of the whole image's SSIM map over the box; crop: SSIM of the cut-out box"
    )


class StatisticsSettings(BaseModel):
    """Confidence intervals."""

    model_config = STRICT

    confidence: float = Field(0.95, gt=0, lt=1)
    resamples: int = Field(2000, ge=100, description="bootstrap samples over patients")


class Config(BaseModel):
    """The whole config."""

    model_config = STRICT

    name: Name = Field(..., description="results go to results/<name>/")
    seed: int = Field(..., ge=0, description="every random number derives from it and the item's name")
    dataset: DatasetSettings
    accelerations: list[Annotated[int, Field(ge=2)]] = Field(..., min_length=1)
    mask: MaskConfig
    models: dict[Name, ModelSettings] = Field(..., min_length=1)
    attacks: dict[Name, AttackSettings] = Field(..., min_length=1)
    attack: AttackJobs = AttackJobs()
    convergence: ConvergenceSettings = ConvergenceSettings()
    compute: ComputeSettings = ComputeSettings()
    metrics: MetricSettings = MetricSettings()
    statistics: StatisticsSettings = StatisticsSettings()
    figures: FigureSettings = FigureSettings()
    claims: ClaimsSettings = ClaimsSettings()

    @model_validator(mode="before")
    @classmethod
    def _drop_removed_entries(cls, content: Any) -> Any:
        """A model or attack set to null by a later config file is removed."""
        if isinstance(content, dict):
            content = dict(content)
            for key in ("models", "attacks"):
                if isinstance(content.get(key), dict):
                    content[key] = {name: entry for name, entry in content[key].items() if entry is not None}
        return content

    @property
    def baseline_models(self) -> list[str]:
        """Names under which the config itself lists the baseline of clean quality: its rows stand under these."""
        return [name for name, model in self.models.items() if model.architecture == BASELINE]

    @property
    def claim_pairs(self) -> list[tuple[str, str]]:
        """The networks that claims compare: (said to be better, the other)."""
        if self.claims.pairs is not None:
            return self.claims.pairs
        of = {kind: [name for name, model in self.models.items() if model.architecture == kind] for kind in PAPERS_PAIR}
        better, other = PAPERS_PAIR
        return [(first, second) for first in of[better] for second in of[other]]


def config_schema() -> dict[str, Any]:
    """Return the JSON schema of the config; `config.schema.json` holds it for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
