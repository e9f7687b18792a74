"""The page on the Python interface: every line of it runs, in order, and gives what it says."""

import doctest
import re

from support import ROOT

PAGE = ROOT / "docs" / "python.md"
FENCE = re.compile(r"^```(\w*)$", flags=re.MULTILINE)


def test_every_block_of_the_page_runs():
    text = PAGE.read_text()
    opened = FENCE.findall(text)[::2]
    assert opened and set(opened) == {"pycon"}, "a block of another kind would not be run"
    # A fence would count as expected output; an empty line ends it.
    examples = doctest.DocTestParser().get_doctest(FENCE.sub("", text), {}, PAGE.name, str(PAGE), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    said = []
    result = runner.run(examples, out=said.append)
    assert result.attempted > 30 and not result.failed, "".join(said)
