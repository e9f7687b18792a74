"""Bounded k-space noise, eq. (4)."""
