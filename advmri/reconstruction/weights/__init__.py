"""Weights: checkpoints of this project, and files made elsewhere."""
