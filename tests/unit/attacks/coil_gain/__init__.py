"""A gain error of one coil: the family that CONTRIBUTING.md shows and test_new_family.py adds to a copy of the project."""
