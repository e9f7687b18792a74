"""Whole files or none: guarded reading, digests, tables, attack files."""
