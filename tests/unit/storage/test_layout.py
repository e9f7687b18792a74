"""Where files of a run lie, told once: what the patterns say, and what is looked up by them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import ROOT

from advmri.errors import InputError
from advmri.storage import layout

RUN = Path("results/demo")
NAMES = {"attack": "noise-box", "model": "unet", "acceleration": 4, "volume": "v 1.x", "slices": "003-004"}


def test_an_attack_file_and_its_scores_have_one_name():
    job = "noise-box/unet-4x/v 1.x/slices_003-004"
    assert layout.place(RUN, layout.ATTACK_FILE, **NAMES) == RUN / "attacks" / f"{job}.h5"
    assert layout.place(RUN, layout.SCORE_FILE, **NAMES) == RUN / "metrics" / f"{job}.csv"


@pytest.mark.parametrize("pattern", [layout.ATTACK_FILE, layout.SCORE_FILE])
def test_files_of_jobs_are_those_of_the_pattern_by_series_then_job(pattern):
    found = layout.job_files(RUN, pattern, ["a/m-4x", "a/m-8x"], ["v1/003", "v2/001-002"])
    assert found == [
        layout.place(RUN, pattern, attack="a", model="m", acceleration=factor, volume=volume, slices=slices)
        for factor in (4, 8)
        for volume, slices in (("v1", "003"), ("v2", "001-002"))
    ]


@given(st.integers(0, 40))
def test_the_job_of_a_slice(number):
    jobs = ["other/000-040", "v1/002-009", "v1/012", "v1/020-030"]
    holding = [job for job in ("002-009", "012", "020-030") if number in range(int(job[:3]), int(job[-3:]) + 1)]
    if holding:
        assert layout.job_with(jobs, "v1", number) == holding[0]
    else:
        with pytest.raises(InputError, match=f"v1, slice {number}: none of the attack files"):
            layout.job_with(jobs, "v1", number)


def test_no_other_file_spells_these_paths():
    spelt = [value for name, value in vars(layout).items() if name.isupper() and "{" in value and "/" in value]
    assert layout.ATTACK_FILE in spelt
    texts = {path: path.read_text() for path in [*ROOT.glob("rules/*.smk"), *ROOT.glob("advmri/**/*.py")]}
    texts |= {path: path.read_text() for path in ROOT.glob("workflow_scripts/*.py")}
    for path, text in texts.items():
        if path.name != "layout.py":
            for pattern in spelt:
                for quoted in (pattern, pattern.replace("{", "{{").replace("}", "}}")):
                    assert f"/{quoted}" not in text and f'"{quoted}"' not in text, (path, quoted)
