"""What runs again after an edit: the table of docs/workflow.md, checked against dry runs by test_reruns.py.

A finished run of configs/tiny.yaml is edited; numbers are jobs of each rule.
"""

from dataclasses import dataclass, field
from typing import Any

RULES = (
    *("simulate_volume", "simulate_annotations", "index_volume", "sampling_mask", "train", "validate", "attack"),
    *("score", "collect_tables", "collect_sweeps", "judge_claims", "showcase", "figure", "training_figure"),
)
TOTAL = dict(zip(RULES, (4, 1, 2, 2, 2, 2, 16, 16, 1, 1, 1, 1, 8, 1), strict=True))
"""Jobs of the whole run: 2 + 2 volumes, 2 networks, 4 attacks, one annotated slice per volume."""

TABLES = {"collect_tables": 1, "judge_claims": 1, "showcase": 1, "figure": 8}
SCORES = {"score": 16, **TABLES}
SWEEPS = {"collect_sweeps": 1}
ATTACKS = {"attack": 16, **SWEEPS, **SCORES}
TRAINING = {"train": 2, "validate": 2, "training_figure": 1, **ATTACKS}
ONE_MODEL = {"validate": 1, "attack": 8, "score": 8, **SWEEPS, **TABLES}


def attacks(count: int) -> dict[str, int]:
    """Jobs where `count` of the four attacks are computed."""
    return {"attack": 4 * count, "score": 4 * count, **TABLES}


def everything(**others: int) -> dict[str, int]:
    """The whole run, but for what is given."""
    return {rule: count for rule, count in (TOTAL | others).items() if count}


@dataclass(frozen=True)
class Edit:
    """An edit and what it runs again.

    Attributes:
        text: in words, for the documentation.
        jobs: of each rule.
        files: source files that get one more line.
        config: settings added to the tiny ones.
        names: attacks that are computed, where not all or none are.
    """

    text: str
    jobs: dict[str, int]
    files: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] | None = None

    @property
    def row(self) -> str:
        """The row of the table."""
        cells = [str(self.jobs.get(rule, "")) for rule in RULES]
        return f"| {self.text} | " + " | ".join(cells) + " |"


def source(path: str, jobs: dict[str, int], names: tuple[str, ...] | None = None) -> Edit:
    """A line, if only of comment, in a source file."""
    return Edit(f"`{path}`", jobs, files=(path,), names=names)


NOISE = ("gaussian", "noise-box", "noise-image")
SMALL = {"steps": 2, "loss": "l1_normalised", "optimiser": "Adam", "learning_rate": 0.001}

CODE = [
    source("advmri/simulation/knee.py", everything()),
    source("advmri/acquisition/kspace.py", TRAINING),
    source("advmri/acquisition/masks.py", everything(simulate_volume=0, simulate_annotations=0, index_volume=0)),
    source(
        "advmri/acquisition/thermal/covariance.py", {"index_volume": 2, "sampling_mask": 2, "validate": 2, **ATTACKS}
    ),
    source("advmri/reconstruction/unet.py", {"train": 1, "training_figure": 1, **ONE_MODEL}),
    source("advmri/reconstruction/varnet.py", {"train": 1, "training_figure": 1, **ONE_MODEL}),
    source("advmri/reconstruction/zero_filled.py", {"validate": 2, **TABLES}),
    source("advmri/training/fit.py", TRAINING),
    source("advmri/attacks/noise/optimisers/pgd.py", attacks(2), ("noise-box", "noise-image")),
    source("advmri/attacks/noise/bounds/coil_l2.py", attacks(3), NOISE),
    source("advmri/attacks/noise/objectives/l2.py", attacks(3), NOISE),
    source("advmri/attacks/noise/attack.py", attacks(3), NOISE),
    source("advmri/attacks/noise/stored.py", {"score": 12, **TABLES}),
    source("advmri/attacks/motion/stored.py", {"score": 4, **SWEEPS, **TABLES}),
    source("advmri/attacks/motion/motions/rotation.py", {**attacks(1), **SWEEPS}, ("rotation",)),
    source("advmri/attacks/norms.py", ATTACKS),
    source("advmri/image_quality/metrics.py", {"validate": 2, **SCORES}),
    source("advmri/scores/statistics.py", TABLES),
    source("advmri/claims/verdict.py", {"judge_claims": 1}),
    source("advmri/claims/sweeps.py", {"collect_sweeps": 1, "judge_claims": 1}),
    source("advmri/figures/cutting.py", {"showcase": 1, "figure": 4}),
    source("advmri/figures/figure_1a.py", {"figure": 1}),
    source("advmri/figures/style.py", {"figure": 8, "training_figure": 1}),
    source("workflow_scripts/train.py", TRAINING),
    source("workflow_scripts/attack.py", ATTACKS),
    source("workflow_scripts/score.py", SCORES),
    source("workflow_scripts/collect.py", TABLES),
    Edit(
        "sources that the run does not use: another optimiser, the verification, documents, presets, tests",
        {},
        files=(
            "advmri/attacks/noise/optimisers/apgd.py",
            "advmri/attacks/noise/objectives/ssim.py",
            "workflow_scripts/verify_attack.py",
            "advmri/attacks/noise/verification.py",
            *("README.md", "docs/methods.md", "configs/paper.yaml", "tests/support.py", "Snakefile"),
        ),
    ),
]

SETTINGS = [
    Edit("`name`: another one", everything(simulate_volume=0, simulate_annotations=0), config={"name": "other"}),
    Edit("`seed`", everything(sampling_mask=2), config={"seed": 7}),
    Edit(
        "`dataset.simulation.val_volumes`: one more",
        {"simulate_volume": 1, "simulate_annotations": 1, "index_volume": 1, "sampling_mask": 1, "validate": 2}
        | {"attack": 8, "score": 8, **SWEEPS, **TABLES},
        config={"dataset": {"simulation": {"val_volumes": 3}}},
    ),
    Edit(
        "`dataset.simulation.train_volumes`: one more",
        {"simulate_volume": 1, "simulate_annotations": 1, **TRAINING},
        config={"dataset": {"simulation": {"train_volumes": 3}}},
    ),
    Edit(
        "`dataset.simulation`: another key",
        everything(),
        config={"dataset": {"simulation": {"slice_thickness_mm": 4.0}}},
    ),
    Edit(
        "`dataset.minimum_box_size`",
        everything(simulate_volume=0, simulate_annotations=0, train=0, training_figure=0),
        config={"dataset": {"minimum_box_size": 2}},
    ),
    Edit(
        "`dataset.acquired_columns`",
        everything(simulate_volume=0, simulate_annotations=0),
        config={"dataset": {"acquired_columns": "kspace"}},
    ),
    Edit(
        "`accelerations`: one more",
        {"sampling_mask": 2, **TRAINING},
        config={"accelerations": [4, 8]},
    ),
    Edit(
        "`mask`",
        everything(simulate_volume=0, simulate_annotations=0, index_volume=0),
        config={"mask": {"type": "equispaced_fraction"}},
    ),
    Edit(
        "`models`: one more",
        {"train": 1, "training_figure": 1, **ONE_MODEL},
        config={"models": {"small": {"architecture": "unet", "arguments": {"chans": 2}, "training": SMALL}}},
    ),
    Edit(
        "`models.unet.training`",
        {"train": 1, "training_figure": 1, **ONE_MODEL},
        config={"models": {"unet": {"training": {"steps": 21}}}},
    ),
    Edit("`models.unet.label`", {"figure": 8, "training_figure": 1}, config={"models": {"unet": {"label": "another"}}}),
    Edit(
        "`attacks`: one more",
        attacks(1),
        config={"attacks": {"strong": {"threat_model": "noise", "severities": [0, 0.05], "steps": 2}}},
        names=("strong",),
    ),
    Edit(
        "`attacks`: one less",
        TABLES,
        config={"attacks": {"gaussian": None}, "figures": {"control_attack": None}},
    ),
    Edit(
        "`attacks.noise-image`: a severity more",
        attacks(1),
        config={"attacks": {"noise-image": {"severities": [0, 0.01, 0.02, 0.025]}}},
        names=("noise-image",),
    ),
    Edit(
        "`attacks.rotation`",
        {**attacks(1), **SWEEPS},
        config={"attacks": {"rotation": {"angle_step": 2}}},
        names=("rotation",),
    ),
    Edit("`attack.batch_size`, `slices_per_batch`", ATTACKS, config={"attack": {"batch_size": 4}}),
    Edit("`compute`", TRAINING, config={"compute": {"threads": 2}}),
    Edit("`compute.workers`", {}, config={"compute": {"workers": 2}}),
    Edit("`metrics`", SCORES, config={"metrics": {"ssim_of_box": "crop"}}),
    Edit("`statistics`", TABLES, config={"statistics": {"resamples": 300}}),
    Edit("`claims`", {"judge_claims": 1}, config={"claims": {"far_more": 3}}),
    Edit(
        "`figures.showcase`",
        {"showcase": 1, "figure": 4},
        config={"figures": {"showcase": {"pick": "worst"}}},
    ),
    Edit("`figures.showcase.zoom`", {"figure": 4}, config={"figures": {"showcase": {"zoom": 2.0}}}),
]
TITLES = (
    *("volumes", "CSV", "index", "masks", "train", "validate", "attack", "score", "tables", "sweeps", "claims"),
    *("showcase", "figures", "learning curves"),
)


def counts_of(jobs):
    """Jobs by rule, without that of the provenance table, which follows whatever ran."""
    counts = {rule: sum(one == rule for one, _ in jobs) for rule, _ in jobs}
    assert not jobs or counts.pop("provenance_table") == 1
    return counts


def check(edited, edit: Edit, tiny: tuple[str, ...]) -> None:
    """Make an edit in a copy of the finished run of `tiny`, and compare Snakemake's plan with the table."""
    for path in edit.files:
        edited.append(path, "\n# another line\n")
    jobs = edited.planned(*(edited.write_config("change.yaml", **edit.config) if edit.config else tiny))
    assert counts_of(jobs) == edit.jobs
    if edit.names is not None:
        assert {pairs["attack"] for rule, pairs in jobs if rule == "attack"} == set(edit.names)


def table(edits: list[Edit], title: str) -> str:
    """Return a table of the documentation."""
    head = f"| {title} | " + " | ".join(TITLES) + " |\n|---" + "|--:" * len(RULES) + "|\n"
    total = Edit("**jobs of the run**", TOTAL).row
    return head + "\n".join([total, *(edit.row for edit in edits)]) + "\n"


def documentation() -> str:
    """Return both tables."""
    return table(CODE, "a line more in") + "\n" + table(SETTINGS, "another value of")


if __name__ == "__main__":
    print(documentation(), end="")  # noqa: T201 - to be pasted into docs/workflow.md
