"""Each module is one bound of k-space noise, found by its name: a class `Set` (`advmri.attacks.threat_model`)."""
