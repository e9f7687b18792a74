"""Names of attack jobs: the slices of one volume that a job covers."""


def job_name(slices: list[int]) -> str:
    """Return `017` for one slice, `012-027` for several, of which the first and last are named."""
    return f"{slices[0]:03d}" if len(slices) == 1 else f"{slices[0]:03d}-{slices[-1]:03d}"


def job_range(name: str) -> tuple[int, int]:
    """Return the first and last slice of a job's name."""
    first, _, last = name.partition("-")
    return int(first), int(last or first)
