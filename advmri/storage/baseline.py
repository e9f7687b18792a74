"""The reconstruction that no network made: clean quality is compared with it."""

BASELINE = "zero_filled"
"""The architecture, and the name of its rows in tables of clean quality."""
