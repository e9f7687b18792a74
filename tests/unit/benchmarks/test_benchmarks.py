"""The benchmark compares like with like, and runs. Its ratios are not tested: they belong to an idle machine."""

import json
import sys

import pytest
import torch

from advmri.attacks.motion.moved_scan import MovedScan
from advmri.attacks.motion.moves import Move
from advmri.attacks.motion.operators import shears
from advmri.attacks.noise.attack import attack_with_noise
from advmri.attacks.noise.optimisers.settings import noise_attack
from benchmarks import plain, speed
from benchmarks.case import Case

NAMES = ["plain", "float32", "bfloat16"]
SMALL = {"coils": 3, "rows": 48, "columns": 40, "crop": 32, "small": True}


@pytest.mark.parametrize(("architecture", "steps"), [("unet", 4), ("varnet", 1)])
def test_plain_noise_attack_is_the_same_attack(architecture, steps):
    """The same objective at every iterate; a random VarNet amplifies rounding, so fewer are compared."""
    case = Case(architecture, **SMALL, steps=steps, severities=2)
    scan = case.scan()
    settings = noise_attack(severities=case.noise_levels(), steps=steps)
    scan.reconstructor.requires_grad_(False)
    (outcome,) = attack_with_noise([scan], [{"box": case.box()}], settings, [0], scan.target.max().item(), batch_size=2)
    expected = plain.noise_attack(case.scan(), case.box(), case.noise_levels(), steps)
    torch.testing.assert_close(outcome["box"].objective, expected, rtol=5e-3, atol=0)


def test_uncropped_is_the_same_where_nothing_is_cropped():
    """Elsewhere the network sees more of the image, and the objective is another."""
    for crop, same in ((40, True), (32, False)):
        case = Case("unet", **SMALL | {"crop": crop, "rows": 40})
        found = [plain.noise_attack(case.scan(), case.box(), [0.01], 2, uncropped) for uncropped in (True, False)]
        assert torch.equal(*found) == same


@pytest.mark.parametrize("degrees", [-20.0, 3.0])
def test_plain_rotation_turns_the_same_way(degrees):
    image = torch.zeros(1, 48, 40)
    image[0, 15:20, 26:30] = 1
    angle = torch.deg2rad(torch.tensor(degrees))
    y, x = 17.0 - 23.5, 27.5 - 19.5
    turned = plain._rotate(image, degrees)[0].clamp_min(0)
    rows, columns = torch.meshgrid(torch.arange(48.0), torch.arange(40.0), indexing="ij")
    found = torch.stack([(turned * axis).sum() / turned.sum() for axis in (rows - 23.5, columns - 19.5)])
    expected = torch.stack([y * angle.cos() - x * angle.sin(), y * angle.sin() + x * angle.cos()])
    torch.testing.assert_close(found, expected, atol=0.2, rtol=0)


def test_plain_sweep_finds_similar_errors():
    """Operators differ (resampling, shears), so the errors agree roughly."""
    case = Case("unet", **SMALL, angles=2)
    scan = case.scan()
    found = MovedScan(scan, shears).reconstruct([Move(degrees) for degrees in case.degrees()])[0]
    errors = ((found - scan.target) * case.box()).flatten(1).norm(dim=1)
    expected = plain.rotation_sweep(case.scan(), case.box(), case.degrees())
    torch.testing.assert_close(errors, expected, rtol=0.3, atol=0)


def test_smoke_run(tmp_path, monkeypatch, capsys):
    sizes = {"coils": 2, "rows": 32, "columns": 32, "crop": 24, "steps": 1, "runs": 1, "threads": 1}
    words = [word for name, value in sizes.items() for word in (f"--{name}", str(value))]
    chosen = ["--networks", "varnet", "--threat-models", "noise", "--output", str(tmp_path / "out" / "speed.json")]
    monkeypatch.setattr(sys, "argv", ["speed", "--small", "--bfloat16", *words, *chosen])
    speed.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [["noise", "varnet", name] for name in NAMES]
    (result,) = json.loads((tmp_path / "out" / "speed.json").read_text())["results"]
    assert all(one["seconds"] > 0 and one["peak_gb"] > 0 for many in result["runs"].values() for one in many)
    seconds = {name: median["seconds"] for name, median in result["medians"].items()}
    assert result["ratios"] == pytest.approx({name: seconds["plain"] / seconds[name] for name in NAMES[1:]})


def test_a_failing_run_is_named():
    with pytest.raises(RuntimeError, match="plain noise unet failed"):
        speed.measure(Case("unet", coils=1, rows=8, columns=8, crop=9, small=True), "noise", "plain")
