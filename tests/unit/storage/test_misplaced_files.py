"""A file of a run that lies in another's place is named by whoever reads it, with what to do."""

import json
import shlex
import shutil
from pathlib import Path

import pandas as pd
import pytest
from support import attack_run, make_run, run_program

from advmri.acquisition.mask_file import read_mask_file
from advmri.errors import InputError
from advmri.provenance.run_record import check_unchanged, make_record, record_path, record_text
from advmri.scores.named_tables import read_scores, read_validation
from advmri.storage.attack_file import open_attack_file
from advmri.storage.baseline import BASELINE
from advmri.storage.layout import ATTACK_FILE, VALIDATION, names_in
from advmri.storage.text_digest import with_digest
from advmri.volumes.index import read_index
from workflow_scripts import score

SETTINGS = {"threat_model": "noise", "optimiser": "pgd", "target": "box", "severities": [0, 0.02], "steps": 1}
ATTACK_FILE_PATH = Path("results/x/attacks/a-b/unet-16x-8x/v 1/slices_003-004.h5")
JOB = "test/m-4x/v1/slices_000-001"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run's folder with one of each file under its own name."""
    folder = tmp_path_factory.mktemp("results")
    paths = make_run(folder, "unet")
    attack_run(paths, folder / f"attacks/{JOB}.h5", SETTINGS, slices="000-001")
    for name, place in (("index", "index/v1.json"), ("mask", "masks/4x/v1.h5"), ("checkpoint", "models/m-4x/model.pt")):
        (folder / place).parent.mkdir(parents=True)
        shutil.move(paths[name], folder / place)
    options = {"attack_file": folder / f"attacks/{JOB}.h5", "index": folder / "index/v1.json"}
    run_program(score, **options, output=folder / f"metrics/{JOB}.csv")
    rows = [{"volume": "v1", "model": model, "acceleration": 4, "ssim": 0.5} for model in ("m", BASELINE)]
    pd.DataFrame(rows).to_csv(folder / "models/m-4x/validation.csv", index=False)
    return folder


def open_it(path):
    with open_attack_file(path):
        pass


@pytest.mark.parametrize(
    ("read", "own", "other", "told"),
    [
        (open_it, f"attacks/{JOB}.h5", "attacks/b/m-4x/v1/slices_000-001.h5", "attack test, where attack b belongs"),
        (open_it, f"attacks/{JOB}.h5", "attacks/test/n-4x/v1/slices_000-001.h5", "model m, where model n belongs"),
        (open_it, f"attacks/{JOB}.h5", "attacks/test/m-8x/v1/slices_000-001.h5", "acceleration 4, .* 8 belongs"),
        (open_it, f"attacks/{JOB}.h5", "attacks/test/m-4x/v2/slices_000-001.h5", "volume v1, where volume v2 belongs"),
        (open_it, f"attacks/{JOB}.h5", "attacks/test/m-4x/v1/slices_001-002.h5", "slices 000-001, .* 001-002 belongs"),
        (read_mask_file, "masks/4x/v1.h5", "masks/8x/v1.h5", "acceleration 4, where acceleration 8 belongs"),
        (read_mask_file, "masks/4x/v1.h5", "masks/4x/v2.h5", "volume seeded with .*v1.h5.*, where volume v2 belongs"),
        (read_index, "index/v1.json", "index/v2.json", "volume v1, where volume v2 belongs"),
        (read_scores, f"metrics/{JOB}.csv", "metrics/test/m-4x/v2/slices_000-001.csv", "volume v1, .* v2 belongs"),
        (read_validation, "models/m-4x/validation.csv", "models/n-4x/validation.csv", "model m, where model n belongs"),
    ],
)
def test_a_copy_under_the_name_of_another_is_refused(run, tmp_path, read, own, other, told):
    read(run / own)
    path = tmp_path / other
    path.parent.mkdir(parents=True)
    shutil.copy(run / own, path)
    with pytest.raises(InputError, match=rf"holds {told}") as refused:
        read(path)
    assert f"delete it (rm {shlex.quote(str(path))}) and start the same command again" in str(refused.value)
    # Under a name that says nothing it is nobody else's.
    shutil.copy(run / own, tmp_path / path.name)
    read(tmp_path / path.name)


def test_slices_that_cannot_be_used_are_no_other_job(run, tmp_path):
    path = tmp_path / "attacks/test/m-4x/v1/slices_000-005.h5"
    path.parent.mkdir(parents=True)
    shutil.copy(run / f"attacks/{JOB}.h5", path)
    open_it(path)


def test_scoring_compares_the_attack_file_with_the_index(run, tmp_path):
    """Other data of the same volume; and a file that lacks one of the slices that its name covers."""
    index = tmp_path / "index/v1.json"
    index.parent.mkdir()
    content = json.loads((run / "index/v1.json").read_text())
    index.write_text(json.dumps(with_digest(content | {"data_sha256": "of another file"})))
    with pytest.raises(InputError, match=r"holds data .*, where data of another file of .*v1.json belongs; delete it"):
        run_program(score, attack_file=run / f"attacks/{JOB}.h5", index=index, output=tmp_path / "a.csv")
    path = tmp_path / "attacks/test/m-4x/v1/slices_000-002.h5"
    path.parent.mkdir(parents=True)
    shutil.copy(run / f"attacks/{JOB}.h5", path)
    with pytest.raises(InputError, match=r"holds slices \[0, 1\], where slices \[0, 1, 2\] of .* belongs"):
        run_program(score, attack_file=path, index=run / "index/v1.json", output=tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()


def test_weights_are_those_of_their_record(run, tmp_path):
    """They do not say whose they are; without a record, as in a copy, they pass."""
    path = tmp_path / "model.pt"
    shutil.copy(run / "models/m-4x/model.pt", path)
    check_unchanged(path)
    record_path(path).write_text(record_text(make_record("workflow_scripts.train", {}, [path], "now", 1.0), path))
    check_unchanged(path)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(
        InputError, match=r"holds another file, where what workflow_scripts.train wrote belongs; .*\(rm"
    ):
        check_unchanged(path)
    record_path(path).write_text("damaged")
    check_unchanged(path)


def test_names_are_found_in_paths_of_a_run_only():
    found = {"attack": "a-b", "model": "unet-16x", "acceleration": "8", "volume": "v 1", "slices": "003-004"}
    assert names_in(ATTACK_FILE_PATH, ATTACK_FILE) == found
    assert names_in(ATTACK_FILE_PATH.relative_to("results/x"), ATTACK_FILE) == found
    assert names_in(ATTACK_FILE_PATH.relative_to("results/x/attacks"), ATTACK_FILE) == {}
    assert names_in(ATTACK_FILE_PATH, VALIDATION) == {}
