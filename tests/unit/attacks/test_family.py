"""The contract of attack families: what each stores is as it says, documented, and read by the file's attribute."""

import re
from importlib import import_module

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from support import ROOT, small_scan

from advmri.attacks.family import COMMON_ARRAYS, FamilySettings, stored_results
from advmri.attacks.family_programs import Task, attack_of, verification_of
from advmri.attacks.settings import (
    extra_columns,
    kind_of,
    kinds,
    longer_search,
    read_settings,
    reader_of,
    stepwise_optimisers,
    stored_settings,
)
from advmri.errors import InputError

KINDS = {f"{kind.__name__}": kind for kind in kinds()}
BOX = (slice(6, 14), slice(9, 18))
SMALL = {
    "noise": {"severities": [0, 0.02], "steps": 2},
    "rotation": {"severities": [0, 2], "angle_step": 2},
    "shift": {"severities": [0, 2], "shift_step": 2, "directions": 2},
    "rigid": {"severities": [0, 2], "angle_step": 2, "shift_step": 2, "directions": 2, "refinement": 0},
}
HEADINGS = {"advmri.attacks.noise": "Noise:", "advmri.attacks.motion": "Motion ("}


def small_settings(kind: type[FamilySettings]) -> FamilySettings:
    """Settings of a kind that take little time."""
    names = {key: kind.model_fields[key].annotation.__args__[0] for key in ("threat_model", "optimiser")}
    values = {key: value for key, value in SMALL[names["threat_model"]].items() if key in kind.model_fields}
    return read_settings(names | values)


@pytest.fixture(scope="module", params=KINDS)
def attacked(request):
    settings, scan = small_settings(KINDS[request.param]), small_scan("unet")
    task = Task(scan, {"box_0": BOX, "image": (slice(None), slice(None))}, 5, 1e-3)
    (outcomes,) = attack_of(settings)([task], settings, 4)
    return settings, scan, {name: {key: value.numpy() for key, value in one.items()} for name, one in outcomes.items()}


def test_what_is_stored_is_what_the_family_says(attacked):
    settings, scan, outcomes = attacked
    known = COMMON_ARRAYS | dict(stored_results(type(settings)).ARRAYS)
    coils, rows, _ = scan.kspace.shape
    sizes = {"S": 2, "C": coils, "H": rows, "n": len(scan.measured_columns), "h": scan.crop[0], "w": scan.crop[1]}
    for arrays in outcomes.values():
        assert set(arrays) == set(known)
        for name, values in arrays.items():
            assert str(values.dtype) == known[name].dtype, name
            axes = known[name].axes
            assert values.ndim == len(axes), name
            for axis, size in zip(axes, values.shape, strict=True):
                assert size == (axis if isinstance(axis, int) else sizes.setdefault(axis, size)), (name, axis)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_certifies_noise_is_stored(kind):
    if kind.CERTIFIES_NOISE:
        certificate = {"gauge", "budget_used", "largest_unmeasured", "non_deterministic", "gradient_ratio"}
        assert certificate | {"perturbation"} <= set(stored_results(kind).ARRAYS)


def test_what_is_stored_agrees_with_its_verification(attacked):
    settings, scan, outcomes = attacked
    task = Task(scan, {"box_0": BOX}, 0, 1e-3)
    assert verification_of(settings)(task, settings, outcomes["box_0"]) == []
    forged = outcomes["box_0"] | {"reconstruction": outcomes["box_0"]["reconstruction"] * 1.5}
    assert any(line.startswith("reconstruction") for line in verification_of(settings)(task, settings, forged))


def test_columns_and_sweep_are_read(attacked):
    settings, scan, outcomes = attacked
    family = reader_of(settings.model_dump())
    rows = family.columns(outcomes["box_0"], np.full(len(scan.kspace), 0.001))
    assert len(rows) == 2 and all(tuple(row) == settings.COLUMNS for row in rows)
    sweep, worst = family.sweep(outcomes["box_0"]), family.worst(outcomes["box_0"], 1)
    assert list(sweep) == list(worst) and (not settings.SWEEPS_ANGLES or set(sweep) == {"angle", "ssim", "floor_ssim"})
    if settings.SWEEPS_ANGLES:
        assert (np.diff(sweep["angle"]) > 0).all() and worst["ssim"] <= sweep["ssim"].min()
    assert ({"start_objective", "objective"} <= set(outcomes["box_0"])) >= settings.STEPWISE


def table_after(heading):
    """The rows of docs/file-formats.md's table after a line: shape and type by dataset."""
    text = (ROOT / "docs" / "file-formats.md").read_text()
    (part,) = re.findall(rf"^{re.escape(heading)}[^\n]*\n\n((?:\|[^\n]*\n)+)", text, flags=re.MULTILINE)
    rows = [line.split("|")[1:3] for line in part.splitlines()[2:]]
    return {name: shape.strip() for names, shape in rows for name in re.findall(r"`(\w+)`", names)}


def shown(array):
    """Shape and type as the document writes them."""
    axes = ", ".join(map(str, array.axes))
    return f"({axes}{',' * (len(array.axes) == 1)}) {array.dtype}"


def test_every_array_is_documented():
    assert table_after("For all threat models:") == {name: shown(array) for name, array in COMMON_ARRAYS.items()}
    assert set(HEADINGS) == {kind.PACKAGE for kind in kinds()}
    for package, heading in HEADINGS.items():
        arrays = import_module(f"{package}.stored").ARRAYS
        assert table_after(heading) == {name: shown(array) for name, array in arrays.items()}, package


def test_every_column_is_documented():
    text = (ROOT / "docs" / "file-formats.md").read_text().split("## Metrics")[1].split("\n## ")[0]
    assert all(f"`{name}`" in text for name in extra_columns())


OLD_NOISE = {
    **{"threat_model": "noise", "bound": "coil_l2", "colour": "white", "objective": "l2", "target": "box"},
    **{"severities": [0.0, 0.02], "steps": 2, "step_size": 0.5, "momentum": 0.75, "start": "zero", "restarts": 1},
    **{"stop_gain": 0.0, "warm_start": False, "search_precision": "float32", "draws": 3},
}
"""What files held before optimisers had settings of their own."""


@pytest.mark.parametrize("optimiser", ["pgd", "apgd", "advrec", "gaussian"])
def test_files_of_before_are_still_verified(optimiser):
    stored = OLD_NOISE | {"optimiser": optimiser}
    settings, scan = stored_settings(stored), small_scan("unet")
    assert settings.optimiser == optimiser and "momentum" in stored
    task = Task(scan, {"box_0": BOX}, 5, 1e-3)
    (outcome,) = attack_of(settings)([task], settings, 4)
    arrays = {name: values.numpy() for name, values in outcome["box_0"].items()}
    assert verification_of(settings)(task, settings, arrays) == []


def test_a_key_that_no_optimiser_ever_had_is_not_passed_over():
    with pytest.raises(ValidationError, match="stepz"):
        stored_settings(OLD_NOISE | {"optimiser": "pgd", "stepz": 3})


@pytest.mark.parametrize("stored", [{}, {"threat_model": "gravity"}])
def test_a_family_that_is_not_here_is_named(stored):
    with pytest.raises(InputError, match="no such family here, only noise, rotation, shift, rigid"):
        kind_of(stored)


def test_kinds_are_told_by_the_attribute_alone():
    assert [kind_of({"threat_model": name}).PACKAGE for name in ("noise", "rigid")] == list(HEADINGS)
    assert {kind_of({"threat_model": name}).SEVERITY.unit for name in ("rotation", "rigid")} == {"degrees"}


def test_a_longer_search_keeps_the_attack_and_what_the_optimiser_has():
    asked = read_settings({"threat_model": "noise", "bound": "sample_linf", "step_size": 0.3, "stop_gain": 0.1})
    longer = longer_search(asked, "pgd", 0.02, 30, 4)
    assert (longer.bound, longer.step_size, longer.stop_gain) == ("sample_linf", 0.3, 0)
    assert (longer.severities, longer.steps, longer.restarts) == ([0.02], 30, 4)
    other = longer_search(asked, "apgd", 0.02, 30, 4)
    assert other.bound == "sample_linf" and not hasattr(other, "step_size")
    with pytest.raises(ValidationError, match="coil_l2"):
        longer_search(asked, "advrec", 0.02, 30, 4)
    with pytest.raises(InputError, match="gaussian"):
        longer_search(asked, "gaussian", 0.02, 30, 4)
    assert stepwise_optimisers("noise") == ["pgd", "apgd", "advrec"] and stepwise_optimisers("rotation") == []


def test_tasks_select_their_regions():
    selected = Task(small_scan("unet"), {"box_0": BOX}, 0, 1.0).selected()["box_0"]
    assert selected.dtype == torch.bool and selected.sum() == 8 * 9 and selected[BOX].all()
