"""Each module is one optimiser, found by its name: a dataclass `Optimiser` with a method `maximise`."""
