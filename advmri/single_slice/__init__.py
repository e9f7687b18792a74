"""The audit of one slice from Python, without files: the same code that the workflow runs."""
