"""The code that CONTRIBUTING.md shows, for tests that run it."""

import re

from support import ROOT


def shown_code(language):
    """The blocks of code of a language."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.DOTALL)


def apply_diff(diff, path):
    """Change a file as a diff says, whose parts are apart by an empty line: each must fit one place."""
    text = path.read_text()
    for part in diff.split("\n\n"):
        lines = part.strip("\n").split("\n")
        before = "\n".join(line[1:] for line in lines if line[0] in " -")
        assert text.count(before) == 1, before
        text = text.replace(before, "\n".join(line[1:] for line in lines if line[0] in " +"))
    path.write_text(text)
