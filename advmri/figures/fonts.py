"""Fonts for letters that the house's font does not have: labels and names may be of any script."""

import re
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress

from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, findSystemFonts, fontManager, get_font
from matplotlib.text import Text

MISSING = re.compile(r"Glyph (\d+) .*missing from font")
REGULAR = (400, "normal", "regular", "book")
PLACEHOLDERS = re.compile("last ?resort|blank", re.IGNORECASE)
"""Fonts that have a picture of every letter, and none that can be read."""


def missing_letters(draw: Callable[[], None]) -> set[str]:
    """Call `draw`, and return the letters for which matplotlib found no glyph in place of its warnings of them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        draw()
    missing = set()
    for warning in caught:
        if found := MISSING.match(str(warning.message)):
            missing.add(chr(int(found[1])))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return missing


def _find_new_fonts() -> None:
    """Tell matplotlib of fonts that were installed since it listed them in its cache."""
    known = {one.fname for one in fontManager.ttflist}
    for path in findSystemFonts():
        if path not in known:
            with suppress(OSError, RuntimeError):
                fontManager.addfont(path)


def _regular_fonts() -> Iterable[FontEntry]:
    """Return one upright font of normal weight of every family that is installed, those without serifs first."""
    upright = [one for one in fontManager.ttflist if one.style == "normal" and one.weight in REGULAR]
    families = {one.name: one for one in upright if not PLACEHOLDERS.search(one.name)}
    return sorted(families.values(), key=lambda one: ("sans" not in one.name.lower(), one.name))


def fonts_with(letters: set[str]) -> list[str]:
    """Return the families that together have as many of the letters as installed fonts do, best first."""
    _find_new_fonts()
    wanted = set(map(ord, letters))
    # A font that is listed and gone, or damaged, is none.
    having: dict[str, set[int]] = {}
    for font in _regular_fonts():
        try:
            having[font.name] = wanted & set(get_font(font.fname).get_charmap())
        except (OSError, RuntimeError):
            continue
    chosen = []
    while having and wanted:
        best = max(having, key=lambda name: len(having[name] & wanted))
        if not having[best] & wanted:
            break
        chosen.append(best)
        wanted -= having[best]
    return chosen


def add_fallback(figure: Figure, fonts: list[str]) -> None:
    """Let every text of a figure take letters that its own font lacks from others."""
    for text in figure.findobj(Text):
        text.set_fontfamily([*text.get_fontfamily(), *fonts])
