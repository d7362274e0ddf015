"""The hands that ship."""

import numpy as np
import pytest

import graves_jax
from graves_jax.evaluation.hands import measure_hand
from graves_jax.sampling.styles import MAX_POINTS, load_style, style_names


@pytest.fixture(scope="module")
def styles():
    weights = graves_jax.load()
    return {name: load_style(name, weights) for name in style_names()}


def test_each_is_a_line_that_the_default_weights_can_carry_on(styles):
    assert len(styles) >= 8
    weights = graves_jax.load()
    for ink in styles.values():
        weights.alphabet.encode(ink.text)
        assert ink.offsets[-1, 2] == 1 and len(ink) <= MAX_POINTS


def test_hands_are_what_their_names_say(styles):
    hands = {name: measure_hand(ink) for name, ink in styles.items()}
    usual = {
        field: np.median([getattr(hand, field) for hand in hands.values()])
        for field in ("slant", "letter_width", "strokes_per_letter")
    }
    # Words of one stroke but for bars and dots, and letters each of one or more.
    assert max(hands[name].strokes_per_letter for name in ("cursive", "flowing", "joined")) <= 0.6
    assert min(hands[name].strokes_per_letter for name in ("print", "spaced")) >= 1.25
    assert hands["slanted"].slant > 15 > usual["slant"] > -8 > hands["backward"].slant
    assert hands["narrow"].letter_width < 0.6 * usual["letter_width"] < hands["spaced"].letter_width / 1.3 * 0.6
