"""The optimiser that CONTRIBUTING.md shows, added to a copy of the project as it says."""

import json
import subprocess
import sys

import h5py
import pytest
from contributing import apply_diff, shown_code
from snakemake_runs import copy_repository
from support import command_line, make_run


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    copy_repository(folder)
    optimisers = folder / "advmri" / "attacks" / "noise" / "optimisers"
    (module,) = [code for code in shown_code("python") if code.startswith('"""One step along the gradient')]
    (optimisers / "one_step.py").write_text(module)
    (settings,) = [code for code in shown_code("python") if code.startswith("class OneStepAttack")]
    path = optimisers / "settings.py"
    path.write_text(path.read_text().replace("\ndef _tag(", f"\n{settings}\n\ndef _tag("))
    (added,) = [diff for diff in shown_code("diff") if "OneStepAttack" in diff]
    apply_diff(added, path)
    return folder


def program(project, name, check=True, **options):
    """Run a program of the copy in a process of its own."""
    command = [sys.executable, "-m", f"workflow_scripts.{name}", *command_line(options)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr[-3000:]
    return done


def test_it_attacks_and_is_verified(project, tmp_path):
    paths, file = make_run(tmp_path, "unet", slices=1), tmp_path / "a.h5"
    settings = {"threat_model": "noise", "optimiser": "one_step", "severities": [0, 0.02]}
    names = {"attack": "one-step", "model": "m", "acceleration": 4, "seed": 1, "slices": "000", "device": "cpu"}
    program(project, "attack", settings=json.dumps(settings), output=file, **names, **paths)
    assert "1 slices agree" in program(project, "verify_attack", verify=file, device="cpu").stderr
    with h5py.File(file) as stored:
        trace, gauge = (stored[f"slice_000/box_0/{name}"][()] for name in ("objective", "gauge"))
    assert trace.shape == (2, 2) and trace[1, 1] > trace[1, 0] and abs(gauge[1] - 1) < 1e-5
    refused = program(
        project, "attack", check=False, settings=json.dumps(settings | {"steps": 3}), output=file, **names, **paths
    )
    assert refused.returncode != 0 and "optimiser=one_step.steps" in refused.stderr
