"""What an edit of source code runs again; a file of its own, since test files are shared between processes."""

import pytest
from rerun_table import CODE, check
from snakemake_runs import TINY


@pytest.mark.parametrize("edit", CODE, ids=lambda edit: edit.text)
def test_an_edit_runs_what_the_table_says(edited, edit):
    check(edited, edit, TINY)
