"""Seeds depend on the config's seed and on the item's name, and on nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from advmri.seeds import derive_seed

names = st.lists(st.text(alphabet="ab-1", max_size=4) | st.integers(0, 99), max_size=3)


@given(st.integers(0, 9), names, st.integers(0, 9), names)
def test_different_items_have_different_seeds(first, first_names, second, second_names):
    same = (first, list(map(str, first_names))) == (second, list(map(str, second_names)))
    assert (derive_seed(first, *first_names) == derive_seed(second, *second_names)) == same


@given(st.integers(0, 2**40), names)
def test_fits_every_generator(seed, items):
    assert 0 <= derive_seed(seed, *items) < 2**63


def test_never_changes():
    """Else results of old versions could not be repeated."""
    assert derive_seed(2022, "noise-box", "knee_val_001", 3) == 7638002109294097044
