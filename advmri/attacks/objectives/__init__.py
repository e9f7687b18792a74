"""Each module is one objective, found by its name: a class `Objective` (`advmri.attacks.search.RegionObjective`)."""
