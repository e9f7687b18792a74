"""Reconstruction networks behind one contract: masked k-space in, cropped magnitude image out."""
