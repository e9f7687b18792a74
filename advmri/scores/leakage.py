"""The word for networks that have seen the audited split."""

LEAKAGE = "train+val"
"""Value of `trained_on` whose results are marked in every table and figure."""
