"""Worst-case audits of multi-coil MR image reconstruction."""
