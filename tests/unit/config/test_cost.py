"""What a plan estimates: documented times by the sizes of network and data, and this run's own where jobs are done."""

import pytest
import yaml
from support import ROOT

from advmri.attacks.motion.settings import RotationAttack
from advmri.attacks.noise.optimisers.settings import noise_attack
from advmri.config.cost import START, Costs, computes_on_gpu, cost_lines
from advmri.config.defaults import with_defaults
from advmri.config.pass_cost import FASTMRI_KNEE, ScanSize, seconds_of_pass
from advmri.config.planning import Plan
from advmri.config.schema import ComputeSettings
from advmri.config.validate import validate_config
from advmri.training.settings import ModelSettings

PAPER = {
    "unet": {"chans": 128, "num_pool_layers": 4},
    "varnet": {"num_cascades": 8, "chans": 9, "pools": 4, "sens_chans": 6, "sens_pools": 4, "crop_readout": False},
}
DEMO = with_defaults({"seed": 2022})
DEMO_SCAN = ScanSize(4, 288, 160, (144, 144), 10)


def model(architecture, **arguments):
    return ModelSettings(architecture=architecture, arguments=arguments)


@pytest.mark.parametrize(
    ("architecture", "noise", "angle"),
    [("unet", 36.3, 1.42), ("varnet", 31.6, 1.55)],
)
def test_documented_times_at_the_papers_sizes(architecture, noise, angle):
    """docs/performance.md: whole attacks on two cores, ten steps on one box; one angle of a sweep."""
    one = seconds_of_pass(model(architecture, **PAPER[architecture]), FASTMRI_KNEE)
    assert one * noise_attack(severities=[0, 0.025]).passes(1) == pytest.approx(2 * noise, rel=0.25)
    sweep = RotationAttack(threat_model="rotation", severities=[0, 5], angle_step=0.1, refinement=0)
    assert sweep.grid() == 101
    assert one * sweep.passes(3) == pytest.approx(101 * 2 * angle, rel=0.25)


@pytest.mark.parametrize(("architecture", "eight"), [("unet", 0.446), ("varnet", 1.01)])
def test_documented_times_at_the_demos_sizes(architecture, eight):
    """docs/performance.md: an attack's step with a batch of 8 on one thread."""
    found = seconds_of_pass(model(architecture, **DEMO["models"][architecture]["arguments"]), DEMO_SCAN)
    assert 8 * found == pytest.approx(eight, rel=0.25)


def test_what_costs_nothing_and_what_is_not_known():
    assert seconds_of_pass(model("zero_filled"), DEMO_SCAN) == 0
    mine = ModelSettings(factory="mine:make", trained_on="nothing")
    weights = ModelSettings(architecture="unet", checkpoint="w.pt", trained_on="train")
    assert seconds_of_pass(mine, DEMO_SCAN) is None and seconds_of_pass(weights, DEMO_SCAN) is None


@pytest.mark.parametrize(
    ("device", "driver", "expected"), [("cuda", 0, 1), ("cpu", 1, 0), ("auto", 0, 0), ("auto", 1, 1)]
)
def test_jobs_compute_on_a_gpu_where_they_find_one(monkeypatch, device, driver, expected):
    monkeypatch.setattr("advmri.config.cost.Path.exists", lambda path: bool(driver))
    assert computes_on_gpu(ComputeSettings(device=device)) == expected


def test_work_follows_severities_boxes_and_settings():
    ten = noise_attack(severities=[0, 0.01, 0.02])
    assert ten.passes(3) == 3 * ten.passes(1) == 6 * noise_attack(severities=[0.01]).passes(1)
    assert noise_attack(severities=[0.01], restarts=4).passes(1) > 3 * noise_attack(severities=[0.01]).passes(1)
    assert noise_attack(severities=[0.01], optimiser="gaussian").passes(1) < 0.3 * ten.passes(1) / 2
    plain = RotationAttack(threat_model="rotation", severities=[0, 5], angle_step=0.5, refinement=0)
    assert plain.passes(1) == plain.passes(4) and plain.grid() == 21
    refined = RotationAttack(threat_model="rotation", severities=[0, 5], angle_step=0.5, refinement=6)
    assert refined.passes(4) - plain.passes(4) == pytest.approx(4 * (refined.passes(1) - plain.passes(1)))


def costs(tmp_path, on_gpu=False, **changes):
    return Costs(Plan(validate_config(with_defaults({**DEMO, **changes}))), tmp_path, on_gpu)


def attack_jobs(found, attack="noise-box", model="unet", acceleration="4"):
    """The planned jobs of a series."""
    names = {"attack": attack, "model": model, "acceleration": acceleration}
    for job in found.plan.jobs:
        volume, _, slices = job.rpartition("/")
        yield "attack", names | {"volume": volume, "slices": slices}


def finish(found, jobs, seconds):
    """What Snakemake leaves of jobs that took so long."""
    for (_, names), one in zip(jobs, seconds, strict=True):
        series = f"{names['model']}-{names['acceleration']}x"
        path = found.run / "benchmarks" / "attack" / names["attack"] / series / names["volume"]
        path.mkdir(parents=True)
        (path / f"slices_{names['slices']}.tsv").write_text(f"s\th:m:s\tmax_rss\n{one}\t0:00:01\t12.5\n")


def test_without_finished_jobs_times_are_documented_ones(tmp_path):
    found = costs(tmp_path)
    planned = list(attack_jobs(found))
    estimate = found.of_jobs(planned)["attack"]
    one = seconds_of_pass(found.plan.config.models["unet"], DEMO_SCAN)
    boxes = sum(sum(found.plan.boxes_on(volume).values()) for volume in found.plan.audited_volumes)
    expected = one * found.plan.config.attacks["noise-box"].passes(boxes) + START * len(planned)
    assert boxes > len(planned) > 1 and estimate.seconds == pytest.approx(expected)
    assert (estimate.jobs, estimate.measured, estimate.unknown) == (len(planned), 0, 0)
    assert found.of_jobs([("score", {}), ("index_volume", {"volume": "v"})]) == {}


def test_finished_jobs_of_this_run_say_what_others_take(tmp_path):
    """Of the same attack first, then of the same network; what has no such job stays with documented times."""
    found = costs(tmp_path)
    jobs = list(attack_jobs(found))
    boxes = [sum(found.plan.boxes_on(names["volume"]).values()) for _, names in jobs]
    finish(found, jobs[:2], [30.0 * count for count in boxes[:2]])
    estimate = found.of_jobs(jobs)["attack"]
    assert estimate.seconds == pytest.approx(30.0 * sum(boxes)) and estimate.measured == len(jobs)
    other = found.of_jobs(attack_jobs(found, acceleration="8"))["attack"]
    assert other.seconds == pytest.approx(30.0 * sum(boxes))
    attacks = found.plan.config.attacks
    ratio = attacks["gaussian"].passes(1) / attacks["noise-box"].passes(1)
    assert found.of_jobs(attack_jobs(found, "gaussian"))["attack"].seconds == pytest.approx(30 * ratio * sum(boxes))
    assert found.of_jobs(attack_jobs(found, model="varnet"))["attack"].measured == 0
    four = costs(tmp_path, compute={"threads": 4})
    assert four.of_jobs(jobs)["attack"].seconds == pytest.approx(4 * 30.0 * sum(boxes)), "of one core"


@pytest.mark.parametrize("content", ["", "s\n", "s\th:m:s\n-\t-\n", "other\n1\n"])
def test_times_that_cannot_be_read_are_not_taken(tmp_path, content):
    found = costs(tmp_path)
    jobs = list(attack_jobs(found))
    finish(found, jobs[:1], [1.0])
    next(tmp_path.rglob("*.tsv")).write_text(content)
    assert found.of_jobs(jobs)["attack"].measured == 0


def test_what_a_plan_says(tmp_path):
    found = costs(tmp_path)
    jobs = list(attack_jobs(found))
    finish(found, jobs[:1], [7200.0])
    train = [("train", {"model": "varnet", "acceleration": "4"})]
    lines = cost_lines(found, [*jobs, *train, ("score", {})])
    assert lines[0].startswith("note: planned jobs take about ") and " h of one core; several share that:" in lines[0]
    (trained,) = [line for line in lines if "train (1 jobs)" in line]
    assert trained.endswith("2 min (1 by documented times)")
    (attacked,) = [line for line in lines if f"attack ({len(jobs)} jobs)" in line]
    assert attacked.endswith(f"({len(jobs)} by times of this run's finished jobs)")
    assert "docs/performance.md, for k-space of 4 x 288 x 160; within a factor of two" in lines[-1]
    assert cost_lines(found, [("score", {})]) == []
    assert "of one GPU" in cost_lines(costs(tmp_path, on_gpu=True), train)[0]


def test_a_network_of_ones_own_is_unknown_until_its_first_job_is_done(tmp_path):
    models = {"unet": {**DEMO["models"]["unet"], "training": None, "checkpoint": "w.pt", "arguments": None}}
    found = costs(tmp_path, models={**models, "varnet": None}, claims={})
    jobs = list(attack_jobs(found))
    first, attacked = cost_lines(found, jobs)
    assert f"{len(jobs)} unknown before the first is done" in attacked and "and what is not known" in first
    finish(found, jobs[:1], [60.0])
    assert Costs(found.plan, tmp_path, on_gpu=False).of_jobs(jobs)["attack"].unknown == 0


def test_the_sizes_of_volumes_come_from_their_index(tmp_path):
    (tmp_path / "data" / "multicoil_val").mkdir(parents=True)
    (tmp_path / "data" / "multicoil_val" / "scan.h5").touch()
    (tmp_path / "boxes.csv").write_text("file,slice,study_level,x,y,width,height,label\nscan,0,No,1,1,9,9,tear\n")
    dataset = {
        "name": "mine",
        "kind": "fastmri",
        "root": str(tmp_path / "data"),
        "annotations": f"{tmp_path}/boxes.csv",
    }
    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    found = Costs(Plan(validate_config(content | {"dataset": dataset})), tmp_path, on_gpu=False)
    assert found.scan == FASTMRI_KNEE
    (tmp_path / "data" / "multicoil_train").mkdir()
    (tmp_path / "data" / "multicoil_train" / "other.h5").touch()
    *_, last = cost_lines(found, [("validate", {"model": "unet"})])
    assert last.endswith("for k-space of 15 x 640 x 368; within a factor of two where the data have that size")
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "scan.json").write_text(
        '{"coils": 7, "rows": 256, "columns": 216, "crop": [256, 216], "slices": 1}'
    )
    found = Costs(found.plan, tmp_path, on_gpu=False)
    assert found.scan == ScanSize(7, 256, 216, (256, 216), 1)
