"""Exceptions that are shown to a user without a traceback."""


class InputError(Exception):
    """A file, key or row given by the user is wrong; the message names it and says what to do."""


class UnusableSliceError(InputError):
    """One slice of a volume cannot be used; the others may be."""
