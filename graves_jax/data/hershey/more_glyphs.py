"""Characters that the faces of glyphs.py lack: umlauts, the euro sign, Greek. For trying what a network can learn new.

The data set that ships stays as it is: a synthetic writer is given these on top (`render_text(..., more=...)`).
"""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
from HersheyFonts import HersheyFonts

from graves_jax.data.hershey.glyphs import X_HEIGHT, Face, Glyph, Source, glyphs, make_glyph

UMLAUTS = "äöüÄÖÜ"
GREEK = "αβγδεζηθικλμνξοπρστυφχψωΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ"
# Where the font `greeks` has them.
_PLACES = "abcdefghijklmnopqrstuvwxABCDEFGHIJKLMNOPQRSTUVWX"
_GREEK_SOURCE = Source("greeks", _PLACES, {}, x_height=14)
# How far dots stand above a letter and from its middle, and how long they are.
_DOT_GAP, _DOT_ASIDE, _DOT_LENGTH = 0.3 * X_HEIGHT, 0.2 * X_HEIGHT, 1.5


@functools.cache
def more_glyphs(face_name: str) -> Mapping[str, Glyph]:
    """Umlauts and the euro sign out of the face's own letters, and Greek, which is printed in every face."""
    own = glyphs(face_name)
    letters = {umlaut: _dotted(own[letter]) for umlaut, letter in zip(UMLAUTS, "aouAOU", strict=True)}
    return {**letters, "€": _barred(own["C"]), **_greek()}


def _dotted(letter: Glyph) -> Glyph:
    """A letter with two dots over it, which are made like the dot of an i."""
    points = np.concatenate(letter.strokes)
    top, middle = points[:, 1].min() - _DOT_GAP, (points[:, 0].min() + points[:, 0].max()) / 2
    dots = [np.array([[middle + side, top - _DOT_LENGTH], [middle + side, top]]) for side in (-_DOT_ASIDE, _DOT_ASIDE)]
    return dataclasses.replace(letter, marks=(*letter.marks, *dots))


def _barred(letter: Glyph) -> Glyph:
    """A C that two bars make a euro sign; no pen goes on into it or out of it."""
    points = np.concatenate(letter.strokes)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    start, end, third = left - 0.15 * (right - left), left + 0.7 * (right - left), (bottom - top) / 3
    bars = [np.array([[start, top + n * third + 0.1], [end, top + n * third]]) for n in (1.2, 1.8)]
    return Glyph((*letter.strokes, *bars), (), np.zeros((0, 2)), letter.width, False, False, False)


@functools.cache
def _greek() -> Mapping[str, Glyph]:
    font = HersheyFonts()
    font.load_default_font(_GREEK_SOURCE.font)
    printed = Face((_GREEK_SOURCE,), retraces=False)
    return {
        letter: make_glyph(font.all_glyphs[place], place, _GREEK_SOURCE, printed)
        for letter, place in zip(GREEK, _PLACES, strict=True)
    }
