"""Volumes and their boxes: reading, writing, checking and indexing."""
