"""Umlauts, the euro sign and Greek, on top of what the synthetic writers have."""

import numpy as np
import pytest

from graves_jax.data.hershey.glyphs import FACES, X_HEIGHT
from graves_jax.data.hershey.more_glyphs import GREEK, UMLAUTS, more_glyphs
from graves_jax.data.hershey.writers import Writer, render_text
from graves_jax.errors import InputError


@pytest.mark.parametrize("face", FACES)
def test_every_character_has_ink_of_about_a_letters_size(face):
    found = more_glyphs(face)
    assert set(found) == {*UMLAUTS, *GREEK, "€"}
    for character, glyph in found.items():
        points = np.concatenate([*glyph.strokes, *glyph.marks])
        assert np.isfinite(points).all() and glyph.width > 0
        assert 0.5 * X_HEIGHT < np.ptp(points[:, 1]) < 4 * X_HEIGHT, character


def test_an_umlaut_is_its_letter_with_two_dots_above():
    rng = np.random.default_rng
    writer = Writer("futural")
    plain = render_text("nun", writer, rng(0)).strokes()
    dotted = render_text("nün", writer, rng(0), more=more_glyphs("futural")).strokes()
    assert len(dotted) == len(plain) + 2
    dots = sorted(dotted, key=lambda stroke: np.ptp(stroke, axis=0).max())[:2]
    letters = np.concatenate([stroke for stroke in dotted if not any(stroke is dot for dot in dots)])
    assert max(dot[:, 1].max() for dot in dots) < letters[:, 1].min()


def test_without_them_they_are_refused_and_lines_stay_as_they_are():
    with pytest.raises(InputError, match="'ü' at position 2"):
        render_text("für", Writer(), np.random.default_rng(0))
    writer = Writer(habit_seed=3, habit=1.0, jitter=0.5)
    lines = [render_text("fur", writer, np.random.default_rng(0), more=more) for more in (None, more_glyphs("futural"))]
    np.testing.assert_array_equal(lines[0].offsets, lines[1].offsets)
