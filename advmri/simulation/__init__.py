"""Procedural multi-coil knee volumes in the layout of fastMRI."""
