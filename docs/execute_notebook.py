"""Execute docs/one_slice.ipynb anew, in Jupyter's own client, and keep its outputs: `make notebook`."""

import hashlib
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent / "one_slice.ipynb"
LARGEST = 1_000_000
"""Bytes: every version of it stays in the repository's history."""


def sources_digest(notebook: nbformat.NotebookNode) -> str:
    """Return the SHA-256 of the cells' sources: what the outputs belong to."""
    text = "\x1f".join(cell.source for cell in notebook.cells)
    return hashlib.sha256(text.encode()).hexdigest()


def main() -> None:
    """Execute from a new kernel, and write only what is whole and small."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    NotebookClient(notebook, timeout=1800, kernel_name="python3", record_timing=False).execute()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "sources_sha256": sources_digest(notebook),
    }
    text = nbformat.writes(notebook) + "\n"
    if len(text) > LARGEST:
        raise SystemExit(f"{NOTEBOOK}: {len(text)} bytes with outputs; make its figures smaller.")
    NOTEBOOK.write_text(text)


if __name__ == "__main__":
    main()
