"""How a training tells of its progress."""

from collections.abc import Callable

Report = Callable[[int, int, float], None]
"""Called with optimiser steps done, steps in all and the last loss."""
