"""Whether the Python that runs Snakemake, which is that of its jobs, has what programs import; nothing is loaded."""

from importlib.util import find_spec

from advmri.errors import missing_package

NEEDED = ("torch", "fastmri", "pytorch_lightning", "numpy", "h5py", "pandas", "skimage", "matplotlib", "ismrmrd")


def notes_on_packages() -> list[str]:
    """Return a note on the first package that jobs would miss; a plan, a report and a lint need none of them."""
    for name in NEEDED:
        if find_spec(name) is None:
            return [f"{missing_package(ModuleNotFoundError(name=name))} Every job would stop with that sentence."]
    return []
