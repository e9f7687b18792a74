"""What jobs ask for: more with each retry, and a GPU that one machine counts only when it is told to."""

import re

import yaml
from snakemake_runs import TINY, copy_workflow
from support import ROOT


def test_a_retry_asks_for_more(repository, tmp_path):
    """A job fails at every attempt: what it asked for, as Snakemake printed it."""
    workflow = copy_workflow(repository, tmp_path)
    (workflow.folder / "given.pt").write_text("not a checkpoint")
    words = workflow.write_config("given.yaml", models={"unet": {"training": None, "checkpoint": "given.pt"}})
    status, text = workflow.run(*words, "--retries", 2, "--until", "import_checkpoint")
    assert status != 0
    jobs = [
        block for block in text.split("\n\n") if re.search(r"^(local)?rule import_checkpoint:", block, re.MULTILINE)
    ]
    asked = [[int(re.search(rf"\b{name}=(\d+)", block)[1]) for name in ("mem_mb", "runtime")] for block in jobs]
    assert len(asked) == 3, text
    assert asked == [[attempt * amount for amount in asked[0]] for attempt in (1, 2, 3)]
    assert int(asked[0][0]) >= 1000, "under SLURM less kills Snakemake itself"


def test_networks_ask_for_a_gpu_unless_they_run_on_the_cpu(repository):
    for device, gpus in (("auto", 1), ("cpu", 0)):
        status, text = repository.run("--dry-run", *TINY, "--config", f"compute={{device: {device}}}")
        assert status == 0, text
        for rule in ("train", "validate", "attack"):
            found = re.findall(rf"^rule {rule}:\n(?:    .*\n)*?    resources: .*?\bgpu=(\d)", text, re.MULTILINE)
            assert found and set(found) == {str(gpus)}, rule


def test_the_slurm_profile_sends_them_to_the_gpus():
    profile = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text())
    blocks = [
        block
        for path in (ROOT / "rules").glob("*.smk")
        for block in re.split(r"^(?=rule )", path.read_text(), flags=re.M)
    ]
    asking = {
        re.match(r"rule (\w+)", block)[1] for block in blocks if re.search(r"^ +(gpu=|\*\*TRAINING_R)", block, re.M)
    }
    assert {"train", "validate", "attack"} <= asking
    assert asking == set(profile["set-resources"])
    assert {entry["slurm_partition"] for entry in profile["set-resources"].values()} == {"'gpu'"}
    assert "retries:" not in "".join(blocks).replace("own `retries:`", ""), "a rule's own retries keep the same memory"
