"""What the last step of a search brought, as a share of the whole gain over clean."""

import numpy as np
import pytest
from support import small_scan

from advmri.attacks.family_programs import Task, attack_of
from advmri.attacks.noise.optimisers.settings import noise_attack
from advmri.scores.search_end import last_step_gains

NAN = float("nan")
BOX = (slice(6, 14), slice(9, 18))


def stored(**arrays):
    return {name: np.array(values) for name, values in arrays.items()}


@pytest.mark.parametrize(
    ("trace", "share"),
    [
        ([1.0, 2.0, 3.0, 5.0], 0.5),
        ([1.0, 2.0, 5.0, 3.0], 0.0),  # the best is an earlier one
        ([1.0, 2.0, 5.0, 5.0], 0.0),
        ([1.0, 2.0, 3.0, NAN], 0.5),  # ended early: its own last step
        ([1.0, 1.0, 1.0, 1.0], NAN),  # nothing gained: there is no share of it
        ([2.0, 1.5, 4.0, 5.0], 0.25),  # began at random, above the clean value
        ([0.5, NAN, NAN, NAN], NAN),
    ],
)
def test_share_of_the_gain_over_clean(trace, share):
    found = last_step_gains(stored(severity=[0.0, 0.01], objective=[[1.0] * 4, trace]))
    np.testing.assert_allclose(found, [NAN, share])


def test_without_severity_0_the_trace_begins_with_the_clean_value():
    found = last_step_gains(stored(severity=[0.01], objective=[[2.0, 3.0, 4.0]]))
    np.testing.assert_allclose(found, [0.5])


def test_a_file_without_traces_has_no_gains():
    assert np.isnan(last_step_gains(stored(severity=[0.0, 0.01]))).all()


@pytest.mark.parametrize("optimiser", ["pgd", "apgd", "advrec"])
def test_fewer_steps_leave_more_to_gain(optimiser):
    """A real search: after two steps the last one brought half of all, after many next to nothing."""
    shares = []
    for steps in (2, 12):
        settings = noise_attack(optimiser=optimiser, severities=[0, 0.02], steps=steps)
        (outcome,) = attack_of(settings)([Task(small_scan("unet"), {"box_0": BOX}, 5, 1e-3)], settings, 4)
        arrays = {name: outcome["box_0"][name].numpy() for name in ("severity", "objective")}
        shares.append(last_step_gains(stored(**arrays))[1])
    assert 0.01 < shares[0] <= 1 and 0 <= shares[1] < shares[0] / 2
