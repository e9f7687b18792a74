"""Training of the reconstruction networks with Lightning."""
