"""The one exception that is shown to a user without a traceback."""


class InputError(Exception):
    """A file, key or row given by the user is wrong; the message names it and says what to do."""
