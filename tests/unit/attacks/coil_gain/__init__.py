"""A gain error of one coil: what CONTRIBUTING.md shows, and test_new_family.py adds to a copy of the project."""
