"""Words of a stroke font in place of a hand's."""

import numpy as np
import pytest

from graves_jax.data.hershey.glyphs import X_HEIGHT, glyphs
from graves_jax.layout.lines import Span
from graves_jax.layout.words import WordInk


def font_word(text: str) -> WordInk:
    strokes, x = [], 0.0
    for character in text:
        glyph = glyphs("futural")[character]
        strokes += [(stroke + np.array([x, 0])) / X_HEIGHT for stroke in (*glyph.strokes, *glyph.marks)]
        x += glyph.width
    return WordInk(tuple(strokes))


@pytest.fixture(scope="session")
def whole_words():
    """A function from paragraphs to the ink of each of their words."""

    def inks(paragraphs) -> dict[Span, WordInk]:
        return {
            Span(number, place, 0, len(word.text)): font_word(word.text)
            for number, paragraph in enumerate(paragraphs)
            for place, word in enumerate(paragraph.words)
        }

    return inks


@pytest.fixture
def bar():
    """A function from a width to a word that is a line of it."""
    return lambda width: WordInk((np.array([[0.0, 0.0], [width, -1.0]]),))
