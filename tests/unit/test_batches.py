"""Sharing batches among devices: the same samples in every optimiser step, whatever the number of devices."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from advmri.errors import InputError
from advmri.training.batches import Batches, share_batch

SMALL = st.integers(1, 6)


@given(devices=SMALL, share=st.integers(1, 12), limit=st.none() | SMALL, steps=SMALL, first=st.integers(0, 5))
def test_every_step_has_its_own_samples_once(devices, share, limit, steps, first):
    assume(first < steps)
    sharing = share_batch(devices * share, devices, limit)
    assert sharing.batch_size == devices * share
    assert sharing.slices_per_pass <= (limit or share)
    batches = Batches(None, steps, sharing, 0, first)
    passes = [list(batches.sample_numbers(device)) for device in range(devices)]
    assert {len(one) for one in passes} == {(steps - first) * sharing.passes}
    assert {len(numbers) for one in passes for numbers in one} == {sharing.slices_per_pass}
    for step in range(first, steps):
        place = slice((step - first) * sharing.passes, (step - first + 1) * sharing.passes)
        found = sorted(number for one in passes for numbers in one[place] for number in numbers)
        assert found == list(range(step * sharing.batch_size, (step + 1) * sharing.batch_size))


def test_as_few_passes_as_memory_allows():
    assert share_batch(32, 1, None).passes == 1
    assert share_batch(32, 4, 8).passes == 1
    assert share_batch(32, 1, 1).passes == 32
    assert (share_batch(12, 1, 5).passes, share_batch(12, 1, 5).slices_per_pass) == (3, 4)


@pytest.mark.parametrize(("batch_size", "devices"), [(32, 3), (1, 2)])
def test_a_batch_that_cannot_be_shared(batch_size, devices):
    with pytest.raises(InputError, match=f"batch_size = {batch_size} cannot be shared evenly among {devices} devices"):
        share_batch(batch_size, devices, None)
