"""The hands that ship."""

import numpy as np
import pytest

import graves_jax
from graves_jax.data.ink import Ink
from graves_jax.evaluation.hands import measure_hand
from graves_jax.sampling import styles as styles_module
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


def test_each_is_brought_to_the_scale_of_weights_of_another_unit(styles):
    """A movement of an IAM hand is 18 standard deviations of what `hershey` learned from: it takes the text as read."""
    weights = graves_jax.load("hershey")
    for name, style in styles.items():
        std = load_style(name, weights).offsets[:, :2].std(axis=0)
        assert np.prod(std) == pytest.approx(np.prod(weights.normalisation.std), rel=0.01)
        assert np.prod(style.offsets[:, :2].std(axis=0)) > 100 * np.prod(std)
    written = graves_jax.write("Jon Snow", style="plain", weights=weights, seed=1, full=True)
    assert written.fault is None and len(written.ink) > 40


def test_a_style_that_the_alphabet_does_not_know_is_refused(monkeypatch):
    monkeypatch.setattr(styles_module, "_shipped", lambda: {"accent": Ink([[1, 2, 0], [3, -4, 1]], "café")})
    with pytest.raises(graves_jax.InputError, match="'é' at position 4"):
        load_style("accent", graves_jax.load("hershey"))


def test_a_style_that_ships_is_handed_to_the_network_as_it_is_kept(styles):
    assert all(styles_module._shipped()[name] is ink for name, ink in styles.items())
    with pytest.raises(ValueError, match="read-only"):
        styles["plain"].offsets[0] = 1.0
