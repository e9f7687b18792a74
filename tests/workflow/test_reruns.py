"""What an edit runs again: what it touches and what follows from that, nothing else. In copies of a finished run."""

import os
import re

import pytest
from snakemake_runs import TINY

ATTACKS = ("noise-box", "noise-image", "gaussian", "rotation")
AFTER_SCORES = {"collect_tables": 1, "judge_claims": 1, "figure": 8}
VOLUMES, MODELS = 2, 2


def attacks_of(jobs):
    """The attacks that would be computed."""
    return {pairs["attack"] for rule, pairs in jobs if rule == "attack"}


def counts_of(jobs):
    return {rule: sum(one == rule for one, _ in jobs) for rule, _ in jobs}


CODE = {
    # edited file: (attacks computed again, models trained again); scores, tables and figures follow
    "advmri/attacks/optimisers/pgd.py": ({"noise-box", "noise-image"}, set()),
    "advmri/attacks/optimisers/gaussian.py": ({"gaussian"}, set()),
    "advmri/attacks/threat_models/coil_l2.py": ({"noise-box", "noise-image", "gaussian"}, set()),
    "advmri/attacks/objectives/l2.py": ({"noise-box", "noise-image", "gaussian"}, set()),
    "advmri/attacks/norms.py": (set(ATTACKS), set()),
    "advmri/metrics.py": (set(), set()),
    "advmri/training/fit.py": (set(ATTACKS), {"unet", "varnet"}),
    "advmri/reconstruction/varnet.py": (set(ATTACKS), {"varnet"}),
    "advmri/reconstruction/unet.py": (set(ATTACKS), {"unet"}),
}


@pytest.mark.parametrize("path", CODE)
def test_code(edited, path):
    attacks, models = CODE[path]
    edited.append(path, "\n# another line\n")
    jobs = edited.planned(*TINY)
    assert attacks_of(jobs) == attacks
    assert {pairs["model"] for rule, pairs in jobs if rule == "train"} == models
    counts = counts_of(jobs)
    audited = {pairs["model"] for rule, pairs in jobs if rule == "attack"}
    assert counts.get("attack", 0) == len(attacks) * VOLUMES * len(audited)
    assert counts["score"] == (counts.get("attack", 0) or len(ATTACKS) * VOLUMES * MODELS)
    assert {rule: counts[rule] for rule in AFTER_SCORES} == AFTER_SCORES
    rest = set(counts) - {"attack", "score", "train", "validate", *AFTER_SCORES}
    assert not rest
    assert counts.get("validate", 0) == len(models)


def test_one_figure_alone(edited):
    edited.append("advmri/figures/figure_1a.py", "\n# another line\n")
    assert edited.planned(*TINY) == [("figure", {"figure": "figure_1a"})]


def test_files_that_nothing_reads(edited):
    unused = (
        "advmri/attacks/optimisers/apgd.py",
        "advmri/attacks/objectives/ssim.py",
        "workflow_scripts/verify_attack.py",
    )
    documents = ("README.md", "docs/methods.md", "configs/tiny.yaml", "config.yaml", "tests/support.py", "Snakefile")
    for path in (*documents, *unused):
        if (edited.folder / path).is_file():
            edited.append(path, "\n# another line\n")
    (edited.folder / "advmri" / "new_module.py").write_text('"""Imported by nothing."""\n')
    assert edited.planned(*TINY) == []


def test_touched_files(edited):
    """As after a fresh git checkout: other times, the same content."""
    sources = [
        path for folder in ("advmri", "workflow_scripts", "rules") for path in (edited.folder / folder).rglob("*")
    ]
    data = [*edited.folder.glob("data/**/*.csv"), *edited.folder.glob("results/tiny/index/*.json")]
    touched = [path for path in [*sources, *data, edited.folder / "config.yaml"] if path.is_file()]
    assert len(touched) > 50
    for path in touched:
        os.utime(path)
    assert edited.planned(*TINY) == []


CONFIG = {
    "a setting of one attack": (
        {"attacks": {"noise-image": {"steps": 4}}},
        {"attack": VOLUMES * MODELS, "score": VOLUMES * MODELS, **AFTER_SCORES},
        {"noise-image"},
    ),
    "a severity of the rotation": (
        {"attacks": {"rotation": {"severities": [0, 2, 4]}}},
        {"attack": VOLUMES * MODELS, "score": VOLUMES * MODELS, **AFTER_SCORES},
        {"rotation"},
    ),
    "another attack": (
        {"attacks": {"strong": {"threat_model": "noise", "severities": [0, 0.05], "steps": 2}}},
        {"attack": VOLUMES * MODELS, "score": VOLUMES * MODELS, **AFTER_SCORES},
        {"strong"},
    ),
    "an attack less": (
        {"attacks": {"gaussian": None}, "figures": {"control_attack": None}},
        AFTER_SCORES,
        set(),
    ),
    "another acceleration": (
        {"accelerations": [4, 8]},
        {
            "sampling_mask": VOLUMES,
            "train": MODELS,
            "validate": MODELS,
            "attack": len(ATTACKS) * VOLUMES * MODELS,
            "score": len(ATTACKS) * VOLUMES * MODELS,
            **AFTER_SCORES,
        },
        set(ATTACKS),
    ),
    "the SSIM of boxes": (
        {"metrics": {"ssim_of_box": "crop"}},
        {"score": len(ATTACKS) * VOLUMES * MODELS, **AFTER_SCORES},
        set(),
    ),
    "the bootstrap": ({"statistics": {"resamples": 300}}, AFTER_SCORES, set()),
    "a label": ({"models": {"unet": {"label": "another"}}}, {"figure": 8}, set()),
}


@pytest.mark.parametrize("change", CONFIG)
def test_config(edited, change):
    content, counts, attacks = CONFIG[change]
    jobs = edited.planned(*edited.write_config("change.yaml", **content))
    assert counts_of(jobs) == counts
    assert attacks_of(jobs) == attacks


def test_another_model_and_another_volume_keep_what_is_there(edited):
    words = edited.write_config(
        "change.yaml",
        models={"small": {"architecture": "unet", "arguments": {"chans": 2}, "training": _training()}},
        dataset={"simulation": {"val_volumes": 3}},
    )
    jobs = edited.planned(*words)
    assert [pairs["model"] for rule, pairs in jobs if rule == "train"] == ["small"]
    new = [pairs for rule, pairs in jobs if rule == "attack"]
    assert all(pairs["model"] == "small" or pairs["volume"] == "knee_val_003" for pairs in new)
    assert len(new) == len(ATTACKS) * (3 * 3 - VOLUMES * MODELS)
    assert [pairs["volume"] for rule, pairs in jobs if rule == "simulate_volume"] == ["knee_val_003"]


def _training():
    return {"steps": 2, "loss": "l1_normalised", "optimiser": "Adam", "learning_rate": 0.001}


def test_a_lost_table_is_collected_from_what_is_there(edited):
    (edited.folder / "results/tiny/tables/summary.csv").unlink()
    jobs = edited.planned(*TINY)
    assert set(counts_of(jobs)) <= {"collect_tables", "judge_claims", "figure"} and ("collect_tables", {}) in jobs


def test_a_code_edit_really_runs_the_scores_again(edited):
    """Not a dry run: the metric's edit arrives in the table, and no attack is computed."""
    path = edited.folder / "advmri" / "metrics.py"
    changed, edits = re.subn(
        r"return float\(np\.sum\(\(reference - image\)", "return 2 * float(np.sum((reference - image)", path.read_text()
    )
    assert edits == 1
    path.write_text(changed)
    before = (edited.folder / "results/tiny/tables/metrics.csv").read_text().splitlines()
    attacks = {path: path.stat().st_mtime_ns for path in edited.folder.glob("results/tiny/attacks/**/*.h5")}
    status, text = edited.run(*TINY, "--until", "collect_tables")
    assert status == 0, text
    after = (edited.folder / "results/tiny/tables/metrics.csv").read_text().splitlines()
    column = before[0].split(",").index("nmse")
    pairs = zip(before[1:], after[1:], strict=True)
    assert all(float(new.split(",")[column]) == pytest.approx(2 * float(old.split(",")[column])) for old, new in pairs)
    assert {path: path.stat().st_mtime_ns for path in attacks} == attacks


def test_a_run_writes_under_its_own_folders_only(finished, repository):
    def files(folder):
        made = {"results", "data", "logs", ".snakemake", "__pycache__"}
        paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        return {path for path in paths if not made & set(path.parts)}

    assert files(finished.folder) == files(repository.folder)
