"""How many jobs of each rule a config comes to, known before anything runs."""

from math import ceil

import yaml
from snakemake.utils import update_config
from snakemake_runs import TINY

from advmri.simulation.lesion_plan import planned_lesions, volume_names
from advmri.simulation.settings import SimulationSettings

FIGURES = 8


def expected(workflow, *presets):
    """The counts from the config alone."""
    config = yaml.safe_load((workflow.folder / "config.yaml").read_text())
    for preset in presets:
        update_config(config, yaml.safe_load((workflow.folder / preset).read_text()))
    simulation = SimulationSettings(**config["dataset"]["simulation"])
    slices = [
        len({lesion.slice for lesion in planned_lesions(simulation, config["seed"], volume)})
        for volume in volume_names(simulation, "val")
    ]
    audited = [count for count in slices if count]
    jobs = sum(ceil(count / config.get("attack", {}).get("slices_per_job", 1)) for count in audited)
    pairs = len(config["models"]) * len(config["accelerations"])
    return {
        "simulate_volume": simulation.train_volumes + len(audited),
        "simulate_annotations": 1,
        "index_volume": len(audited),
        "sampling_mask": len(audited) * len(config["accelerations"]),
        "train": pairs,
        "validate": pairs,
        "attack": len(config["attacks"]) * pairs * jobs,
        "score": len(config["attacks"]) * pairs * jobs,
        "collect_tables": 1,
        "collect_sweeps": 1,
        "judge_claims": 1,
        "showcase": 1,
        "figure": FIGURES,
        "training_figure": 1,
        "provenance_table": 1,
    }


def test_tiny_config(repository):
    counts = repository.planned_rules(*TINY)
    assert counts == expected(repository, "configs/tiny.yaml")
    assert counts["attack"] == 4 * 2 * 2  # attacks, models, volumes with one annotated slice each


def test_default_config(repository):
    counts = repository.planned_rules()
    assert counts == expected(repository)
    assert counts["train"] == 4 and counts["attack"] == counts["score"] >= 4 * 4 * 4


def test_one_slice_per_job_and_fewer_volumes(repository, tmp_path):
    (tmp_path / "more.yaml").write_text(
        "attack: {slices_per_job: 1}\n"
        "dataset: {audited_volumes: 1, simulation: {lesions_per_volume: 3, val_volumes: 3}}\n"
    )
    counts = repository.planned_rules(*TINY, tmp_path / "more.yaml")
    assert counts["attack"] == counts["score"] == 4 * 2 * 3
    assert counts["index_volume"] == 1 and counts["sampling_mask"] == 1
    bundled = repository.planned_rules(*TINY, tmp_path / "more.yaml", "--config", "attack={slices_per_job: 2}")
    assert bundled["attack"] == 4 * 2 * 2


def test_a_model_from_a_checkpoint_is_not_trained(repository, tmp_path):
    (tmp_path / "given.yaml").write_text("models: {unet: {training: null, checkpoint: given.pt}}\n")
    given = repository.folder / "given.pt"
    given.touch()
    counts = repository.planned_rules(*TINY, tmp_path / "given.yaml")
    given.unlink()
    assert (counts["train"], counts["import_checkpoint"], counts["validate"]) == (1, 1, 2)
