"""The hands that ship."""

import dataclasses
import json

import numpy as np
import pytest

import graves_jax
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.evaluation.hands import measure_hand
from graves_jax.sampling import styles as styles_module
from graves_jax.sampling.styles import MAX_POINTS, adjust_style, draw_style, load_style, style_names
from graves_jax.sampling.write import write_lines


@pytest.fixture(scope="module")
def weights():
    return graves_jax.load()


@pytest.fixture(scope="module")
def styles():
    """The lines that stand for the hands where weights have no vectors for them."""
    return styles_module._shipped()


def test_each_is_a_vector_of_the_default_weights(weights, styles):
    vectors = {name: load_style(name, weights) for name in style_names()}
    assert len(vectors) >= 16 and vectors.keys() == styles.keys()
    for vector in vectors.values():
        assert vector.shape == (weights.network.style_size,) and vector.dtype == np.float32
        # About as far from the middle as draws of N(0, 1) are.
        assert 0.5 < np.linalg.norm(vector) / np.sqrt(len(vector)) < 1.6
    assert len({tuple(vector) for vector in vectors.values()}) == len(vectors)
    with pytest.raises(ValueError, match="read-only"):
        vectors["plain"][0] = 1.0


def test_each_is_a_line_that_other_weights_of_that_ink_can_carry_on(weights, styles):
    params = weights.params | {"any_style": weights.params["any_style"] + 1}
    others = dataclasses.replace(weights, params=params)
    for name, ink in styles.items():
        weights.alphabet.encode(ink.text)
        assert ink.offsets[-1, 2] == 1 and len(ink) <= MAX_POINTS
        # Handed to the network as it is kept.
        assert load_style(name, others) is ink
    with pytest.raises(ValueError, match="read-only"):
        styles["plain"].offsets[0] = 1.0


def test_hands_are_what_their_names_say(styles):
    hands = {name: measure_hand(ink) for name, ink in styles.items()}
    usual = {
        field: np.median([getattr(hand, field) for hand in hands.values()])
        for field in ("slant", "letter_width", "strokes_per_letter")
    }
    joined, apart = ("cursive", "flowing", "joined", "quick"), ("plain", "print", "spaced", "upright")
    assert max(hands[name].strokes_per_letter for name in joined) <= 0.65
    assert min(hands[name].strokes_per_letter for name in apart) >= 1.15
    assert min(hands["slanted"].slant, hands["italic"].slant) > 15 > usual["slant"] > -8 > hands["backward"].slant
    assert hands["narrow"].letter_width < 0.65 * usual["letter_width"]
    assert min(hands["spaced"].letter_width, hands["wide"].letter_width) > 1.3 * usual["letter_width"]


def test_each_is_brought_to_the_scale_of_weights_of_another_unit(styles):
    """A movement of these is a dozen standard deviations of what `hershey` learned from: as it is, no text follows."""
    weights = graves_jax.load("hershey")
    for name, style in styles.items():
        std = load_style(name, weights).offsets[:, :2].std(axis=0)
        assert np.prod(std) == pytest.approx(np.prod(weights.normalisation.std), rel=0.01)
        assert np.prod(style.offsets[:, :2].std(axis=0)) > 50 * np.prod(std)
    written = graves_jax.write("Jon Snow", style="plain", weights=weights, seed=1, full=True)
    assert written.fault is None and len(written.ink) > 40


def test_a_style_that_the_alphabet_does_not_know_is_refused(monkeypatch):
    monkeypatch.setattr(styles_module, "_shipped", lambda: {"accent": Ink([[1, 2, 0], [3, -4, 1]], "café")})
    with pytest.raises(graves_jax.InputError, match="'é' at position 4"):
        load_style("accent", graves_jax.load("hershey"))


def test_a_hand_leans_and_widens_along_its_directions(weights):
    """And what was changed is changed back."""
    z = draw_style(5, weights)
    np.testing.assert_array_equal(adjust_style(z, weights), z)
    there = adjust_style(z, weights, slant=12, width=1.3, strokes=0.8)
    np.testing.assert_allclose(adjust_style(there, weights, slant=-12, width=1 / 1.3, strokes=1 / 0.8), z, atol=1e-5)
    measured = {}
    for name, options in {
        "left": {"slant": -12},
        "right": {"slant": 12},
        "wide": {"width": 1.3},
        "joined": {"strokes": 0.7},
    }.items():
        hands = np.stack([adjust_style(draw_style(number, weights), weights, **options) for number in range(8)])
        lines = write_lines(weights, ["a hand that leans"] * 8, style=hands, max_attempts=1)
        measured[name] = np.mean([measure_hand(line.ink) for line in lines], axis=0)
    assert measured["right"][0] > measured["left"][0] + 10
    assert measured["wide"][1] > 1.1 * measured["left"][1]
    assert measured["joined"][2] < 0.85 * measured["wide"][2]


def test_only_vectors_of_the_default_weights_lean(weights, styles):
    z = draw_style(0, weights)
    for hand, those in (
        (styles["plain"], weights),
        (None, graves_jax.load("hershey")),
        (z, graves_jax.load("hershey")),
    ):
        with pytest.raises(InputError, match="style vector of the default weights"):
            adjust_style(hand, those, slant=5)
    for options in ({"slant": 45}, {"width": 3}, {"strokes": 0}, {"slant": float("nan")}):
        with pytest.raises(InputError, match="-30 to 30 degrees"):
            adjust_style(z, weights, **options)


def test_weights_that_read_any_character_take_lines_with_any(tmp_path):
    weights = graves_jax.load("graves2013")
    rows = [{"text": text, "strokes": [[4, 9, 0], [6, -9, 1]] * 20} for text in ("Is it 5?", "No? #2")]
    (tmp_path / "mine.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert load_style(tmp_path / "mine.jsonl", weights).text.startswith("Is it 5?")


@pytest.mark.parametrize("number", [-1, 2**32, 1.5])
def test_a_hand_has_a_number_of_32_bits(weights, number):
    with pytest.raises(InputError, match=r"whole number|0 to 4,294,967,295"):
        draw_style(number, weights)
