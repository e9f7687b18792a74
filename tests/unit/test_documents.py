"""The documents: width, length of sentences, and that every file, module, page and heading they name exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT

WIDTH = 120
MEAN_WORDS, MOST_WORDS, LABEL_WORDS = 20, 40, 2
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(path for part in ("docs", "config", "tests") for path in (ROOT / part).rglob("*.md"))]
)
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]
HISTORY = "CHANGELOG.md"
"""Names what was, in notes without full stops: neither its sentences are measured nor its paths looked up."""
EXAMPLES = {
    "advmri/attacks/noise/optimisers/one_step.py",
    "advmri/reconstruction/residual_cnn.py",
    "advmri/figures/figure_psnr.py",
}
"""Files that CONTRIBUTING.md has the reader write."""
EXAMPLE_PACKAGE = "advmri.attacks.coil_gain"
"""A package that it has the reader write; tests/unit/attacks/coil_gain is the same."""
FOLDERS = (
    "advmri",
    "benchmarks",
    "configs",
    "docs",
    "envs",
    "profiles",
    "report",
    "rules",
    "tests",
    "workflow_scripts",
)
SUFFIXES = ("py", "c", "h", "smk", "md", "rst", "in", "lock", "ipynb")
"""Of files that lie in the tree. Tables, volumes and configs may also be a run's or the reader's."""

FENCE = re.compile(r"\s*(```|~~~)")
ITEM = re.compile(r"^\s*([-*]|\d{1,2}\.) ")
LINK = re.compile(r"!?\[([^\]]*)\]\(([^)\s]+)\)")
ADDRESS = re.compile(r"(?:https?://|doi:)\S*[\w/]")
MODULE = re.compile(r"(?<![\w/.])(?:advmri|workflow_scripts|benchmarks)(?:\.\w+)+")
SENTENCE_END = re.compile(r"(?<!\beq\.)(?<!\bal\.)(?<=[.!?])[)*\"']*\s+")


def lines_by_kind(text: str) -> Iterator[tuple[int, str, str]]:
    """Every line with its number and kind: code, table, heading, blank or prose."""
    fenced = indented = False
    before = "blank"
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced, kind = not fenced, "code"
        elif fenced:
            kind = "code"
        elif not line.strip():
            kind = "blank"
        elif line.startswith("    ") and (indented or before == "blank") and not ITEM.match(line):
            kind = "code"
        else:
            kind = {"|": "table", "#": "heading"}.get(line.lstrip()[0], "prose")
        if kind != "blank":
            indented = kind == "code" and not fenced
            before = kind
        else:
            before = "blank"
        yield number, kind, line


def too_wide(text: str) -> list[int]:
    """Numbers of the lines of prose past the width that have a space to be wrapped at."""
    prose = [(number, line) for number, kind, line in lines_by_kind(text) if kind == "prose"]
    return [number for number, line in prose if len(line) > WIDTH and " " in ITEM.sub("", line, count=1).strip()]


def paragraphs(text: str) -> Iterator[str]:
    """Running text: paragraphs and single items of lists, without tables, code, headings and references."""
    gathered: list[str] = []
    in_list = False
    for _, kind, line in lines_by_kind(text.partition("\n## References\n")[0]):
        item = ITEM.match(line)
        starts_item = item and (in_list or not item[1][0].isdigit() or not gathered)
        if gathered and (kind != "prose" or starts_item):
            yield " ".join(gathered)
            gathered = []
        if kind == "prose":
            in_list = bool(starts_item) or (in_list and bool(gathered))
            gathered.append((ITEM.sub("", line) if starts_item else line).strip().removeprefix("> "))
    if gathered:
        yield " ".join(gathered)


def sentences(text: str) -> list[str]:
    """Sentences of the running text, without labels of a word or two; a span of code and an address are a word each."""
    found = []
    for paragraph in paragraphs(text):
        plain = ADDRESS.sub("address", LINK.sub(r"\1", re.sub(r"`[^`]+`", "code", paragraph)))
        found += [sentence for sentence in SENTENCE_END.split(plain) if words(sentence) > LABEL_WORDS]
    return found


def words(sentence: str) -> int:
    """Words and numbers; signs alone do not count."""
    return sum(any(sign.isalnum() for sign in word) for word in sentence.split())


def code_spans(text: str) -> set[str]:
    """What stands between backticks outside blocks of code."""
    lines = [line for _, kind, line in lines_by_kind(text) if kind != "code"]
    return set(re.findall(r"`([^`]+)`", " ".join(line.strip() for line in lines)))


def named_paths(text: str) -> set[str]:
    """Spans of code that name a file or folder of this tree, whole or by the end of its path."""
    folders = "|".join(FOLDERS)
    whole = re.compile(rf"(?:{folders})/[\w<>./*{{}},-]*")
    ending = re.compile(rf"[\w<>/-]+\.(?:{'|'.join(SUFFIXES)})")
    return {span for span in code_spans(text) if whole.fullmatch(span) or ending.fullmatch(span)}


def exists(name: str) -> bool:
    """Whether a path, with `<name>` for any name, or the end of one, is in the tree."""
    pattern = re.sub(r"<[^>]+>", "*", name).rstrip("/")
    if any(ROOT.glob(pattern)):
        return True
    return name.split("/")[0] not in FOLDERS and any(any((ROOT / part).rglob(pattern)) for part in FOLDERS)


def module_exists(name: str) -> bool:
    """Whether a dotted name is a module or folder of this tree, or a public name that one of them defines."""
    path = ROOT / name.replace(".", "/")
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    holder = path.parent.with_suffix(".py")
    defined = re.compile(rf"^(?:(?:class|def) )?{path.name}\b", re.M)
    return holder.is_file() and defined.search(holder.read_text()) is not None


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as Git hosts make them."""
    headings = [line.lstrip("# ") for _, kind, line in lines_by_kind(text) if kind == "heading"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path: Path) -> list[str]:
    """Links to files of this tree that are not there, and to headings that their page does not have."""
    broken = []
    for _, target in LINK.findall(path.read_text()):
        if ADDRESS.match(target):
            continue
        file, _, anchor = target.partition("#")
        page = path.parent / file if file else path
        if not page.exists() or (anchor and anchor not in anchors(page.read_text())):
            broken.append(target)
    return broken


@pytest.mark.parametrize("name", NAMES)
def test_prose_is_wrapped(name):
    assert not too_wide((ROOT / name).read_text()), f"wrap these lines of {name} at {WIDTH} characters"


@pytest.mark.parametrize("name", sorted(set(NAMES) - {HISTORY}))
def test_sentences_are_short(name):
    found = sentences((ROOT / name).read_text())
    assert [sentence for sentence in found if words(sentence) > MOST_WORDS] == []
    assert sum(map(words, found)) < MEAN_WORDS * len(found)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {HISTORY}))
def test_what_documents_name_exists(name):
    text = (ROOT / name).read_text()
    assert [path for path in sorted(named_paths(text) - EXAMPLES) if not exists(path)] == []
    modules = set(MODULE.findall(text))
    unknown = [module for module in sorted(modules) if not module_exists(module)]
    assert [module for module in unknown if not module.startswith(EXAMPLE_PACKAGE)] == []


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    assert broken_links(ROOT / name) == []


def test_every_page_is_read():
    assert {"README.md", "CONTRIBUTING.md", HISTORY, "docs/methods.md", "docs/performance.md"} <= set(NAMES)


LONG = "word " * 30


def test_width_of_prose_alone_counts():
    assert too_wide(f"{LONG}\n\n- {LONG}\n") == [1, 3]
    assert too_wide(f"| {LONG}|\n\n```\n{LONG}\n```\n\n    {LONG}\n\n# {LONG}\n\n- {'x' * 130}\n") == []
    assert too_wide(f"- short\n\n  {LONG}\n") == [3]


def test_sentences_are_told_apart():
    text = (
        "**Label.** One `a. b` here (eq. 4). Two words,\nthen four.\n\n- Item one, two\n- 2 = 1 + 1\n\n| a table. |\n"
    )
    assert [words(sentence) for sentence in sentences(f"{text}\n```\nA code. Code.\n```\n")] == [5, 4, 3, 3]
    numbered = "A number of\n6. Then four words here\n\n1. A list here\n2. and its end"
    assert [words(sentence) for sentence in sentences(numbered)] == [4, 4, 3, 3]
    assert sentences("See [one, two. Three](a.md).\n") == ["See one, two."]


def test_what_does_not_exist_is_found(tmp_path):
    text = "`advmri/errors.py`, `errors.py`, `advmri/figures/<name>.py`, `advmri/nothing/`, `nothing.c`, `metrics.csv`"
    assert sorted(path for path in named_paths(text) if not exists(path)) == ["advmri/nothing/", "nothing.c"]
    assert module_exists("advmri.errors.InputError")
    assert not module_exists("advmri.errors.Nothing")
    assert not module_exists("advmri.nothing")
    page = tmp_path / "page.md"
    page.write_text("# A heading: two\n\n[a](#a-heading-two) [b](#none) [c](none.md) [d](https://example.org)\n")
    assert broken_links(page) == ["#none", "none.md"]
