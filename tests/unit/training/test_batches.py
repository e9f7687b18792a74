"""Sharing batches among devices: the same samples in every optimiser step, whatever the number of devices."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from advmri.errors import InputError
from advmri.training.batches import Batches, share_batch

SMALL = st.integers(1, 6)


@given(batch=st.integers(1, 40), devices=SMALL, limit=st.none() | SMALL, steps=SMALL, first=st.integers(0, 5))
def test_every_step_has_its_own_samples_once(batch, devices, limit, steps, first):
    assume(first < steps and devices <= batch)
    sharing = share_batch(batch, devices, limit)
    batches = Batches(None, steps, sharing, 0, first)
    passes = [list(batches.sample_numbers(device)) for device in range(devices)]
    assert {len(one) for one in passes} == {(steps - first) * sharing.passes}
    sizes = [len(numbers) for one in passes for numbers in one]
    assert max(sizes) <= (limit or batch) and max(sizes) - min(sizes) <= 1
    assert sum(sizes) / len(sizes) == pytest.approx(sharing.slices_per_pass)
    for step in range(first, steps):
        place = slice((step - first) * sharing.passes, (step - first + 1) * sharing.passes)
        found = sorted(number for one in passes for numbers in one[place] for number in numbers)
        assert found == list(range(step * batch, (step + 1) * batch))


def test_as_few_passes_as_memory_allows():
    assert share_batch(32, 1, None).passes == 1
    assert share_batch(32, 4, 8).passes == 1
    assert share_batch(32, 3, 8).passes == 2
    assert share_batch(32, 1, 1).passes == 32
    assert share_batch(12, 1, 5).passes == 3


def test_a_batch_that_cannot_be_shared():
    with pytest.raises(InputError, match="batch_size = 2 cannot be shared among 3 devices"):
        share_batch(2, 3, None)
