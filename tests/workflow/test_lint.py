"""Snakemake finds nothing to complain about."""


def test_lint(repository):
    status, text = repository.run("--lint")
    assert status == 0 and "in a good condition" in text, text
