"""kill -9 at any moment of a write: under the final name lies nothing, or a whole file."""

import itertools
import json
import multiprocessing
import random
import time

import numpy as np
import pandas as pd
import pytest

from advmri.acquisition.mask_file import read_mask_file, write_mask_file
from advmri.storage.tables import read_table
from advmri.storage.text_digest import read_json, with_digest
from advmri.volumes.reading import read_kspace, read_volume
from advmri.volumes.writing import write_volume
from workflow_scripts.program import atomic_output, write_text
from workflow_scripts.table_output import write_table

KILLS = 12
SIZE = 20_000


def write_a_volume(path):
    kspace = np.ones((3, 2, 32, 32), np.complex64)
    options = {"crop": (8, 8), "acquisition": "A", "patient": "p", "field_of_view_mm": (1.0, 1.0)}
    with atomic_output(path) as temporary:
        write_volume(temporary, kspace, **options)


def write_a_mask(path):
    with atomic_output(path) as temporary:
        write_mask_file(temporary, np.ones(SIZE, bool), 3, 4, "seed")


def read_a_volume(path):
    volume = read_volume(path)
    return sum(int(read_kspace(volume, number).real.sum()) for number in range(volume.slices))


FILES = {
    "volume.h5": (write_a_volume, read_a_volume, 3 * 2 * 32 * 32),
    "mask.h5": (write_a_mask, lambda path: read_mask_file(path)[0].sum(), SIZE),
    "table.csv": (
        lambda path: write_table(path, pd.DataFrame({"a": np.arange(SIZE)})),
        lambda path: len(read_table(path)),
        SIZE,
    ),
    "index.json": (
        lambda path: write_text(path, json.dumps(with_digest({"a": [1] * SIZE}))),
        lambda path: len(read_json(path)["a"]),
        SIZE,
    ),
}


def write_for_ever(path, write):
    """As jobs do: Snakemake removes an output before the job that makes it."""
    for _ in itertools.count():
        path.unlink(missing_ok=True)
        write(path)


@pytest.mark.parametrize("name", FILES)
def test_killed_while_writing(tmp_path, name):
    write, read, expected = FILES[name]
    path = tmp_path / name
    moments = random.Random(name)
    for _ in range(KILLS):
        writer = multiprocessing.get_context("fork").Process(target=write_for_ever, args=(path, write))
        writer.start()
        time.sleep(moments.uniform(0.01, 0.1))
        writer.kill()
        writer.join()
        if path.exists():
            assert read(path) == expected
        assert len(list(tmp_path.glob(".*.tmp"))) <= 2
    write(path)
    assert read(path) == expected
    assert not list(tmp_path.glob(".*.tmp"))
