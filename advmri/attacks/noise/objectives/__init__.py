"""Each module is one objective, found by its name: a class `Objective` (see `RegionObjective` in `search.py`)."""
