"""Labels and names of any script are drawn where an installed font has their letters, else said once."""

import logging
import warnings
from argparse import Namespace

import numpy as np
import pandas as pd
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.image import imread

from advmri.figures.drawing import house_style, save_figure
from workflow_scripts.figure_files import write_figure

LETTER, ABSENT = "\ue012", "\ue013"
"""Of Unicode's private area: no installed font has them."""


@pytest.fixture
def font(tmp_path, monkeypatch):
    """A font of one letter, a square, installed for the time of a test; its family's name."""
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({ord(LETTER): "square"})
    square = TTGlyphPen(None)
    square.moveTo((0, 0))
    for corner in ((0, 700), (700, 700), (700, 0)):
        square.lineTo(corner)
    square.closePath()
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": square.glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "square": (800, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "One Letter", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, usWeightClass=400)
    builder.setupPost()
    builder.save(tmp_path / "one.ttf")
    before = list(fontManager.ttflist)
    # As a font that was installed after matplotlib had listed those that there are.
    monkeypatch.setattr("advmri.figures.fonts.findSystemFonts", lambda: [str(tmp_path / "one.ttf")])
    yield "One Letter"
    fontManager.ttflist = before


def labelled(*labels):
    with house_style():
        figure = Figure(figsize=(3, 1))
        for number, label in enumerate(labels):
            figure.text(0.1, 0.2 + 0.4 * number, label)
    return figure


def ink(path):
    """How many pixels are dark."""
    return int(np.sum(imread(path)[..., 0] < 0.5))


@pytest.mark.filterwarnings("error")
def test_letters_come_from_a_font_that_has_them(font, tmp_path):
    for kind in ("svg", "png"):
        assert save_figure(labelled(f"VarNet {LETTER}"), tmp_path / f"a.{kind}", kind) == set()
        assert save_figure(labelled("VarNet "), tmp_path / f"b.{kind}", kind) == set()
    text = (tmp_path / "a.svg").read_text()
    assert f"VarNet {LETTER}" in text and font in text and font not in (tmp_path / "b.svg").read_text()
    side = 0.7 * 7 / 72 * 300
    assert ink(tmp_path / "a.png") - ink(tmp_path / "b.png") == pytest.approx(side**2, rel=0.1), "the square"


@pytest.mark.filterwarnings("error")
def test_letters_that_no_font_has_are_said_once(font, tmp_path, caplog):
    figure = labelled(f"膝 {ABSENT}{LETTER}", f"{ABSENT} again")
    files = {kind: tmp_path / f"figure.{kind}" for kind in ("svg", "png", "csv")}
    with caplog.at_level(logging.WARNING, logger="advmri"):
        write_figure(figure, pd.DataFrame({"a": [1]}), Namespace(**files))
    (message,) = [record.getMessage() for record in caplog.records]
    assert ABSENT in message and LETTER not in message and "figure.png: no installed font has" in message
    assert all(path.stat().st_size for path in files.values())


def test_figures_in_latin_letters_are_drawn_once(tmp_path, monkeypatch):
    saved = []
    real = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda *words, **named: saved.append(1) or real(*words, **named))
    assert save_figure(labelled("η = 2%, ‖k‖, 4.5°, œdème"), tmp_path / "a.png", "png") == set() and len(saved) == 1


def test_other_warnings_are_not_swallowed(tmp_path, monkeypatch):
    monkeypatch.setattr(Figure, "savefig", lambda *_, **__: warnings.warn("something else", UserWarning, stacklevel=1))
    with pytest.warns(UserWarning, match="something else"):
        save_figure(labelled("a"), tmp_path / "a.png", "png")
