"""Each module is one bound of k-space noise, found by its name: a class `Bound` (see `bounded_set.py`)."""
