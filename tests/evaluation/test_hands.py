"""Hands that are drawn to measure."""

import numpy as np
import pytest

from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.ink import Ink
from graves_jax.data.line_geometry import HEIGHT
from graves_jax.evaluation.hands import Hand, choose_hands, fit_direction, measure_hand, spread


def stems(text="nine in all", *, degrees=0.0, distance=1.0, height=1.0):
    """Straight stems, one for each letter, each a stroke, in the unit of a letter's height."""
    feet = [[distance * place, 0.0] for place, character in enumerate(text) if character != " "]
    top = np.array([height * np.tan(np.radians(degrees)), -height])
    return Ink.from_strokes([np.linspace(foot, foot + top, 12) for foot in np.array(feet)], text)


@pytest.mark.parametrize("degrees", [-20.0, 0.0, 35.0])
def test_slant_is_in_degrees_to_the_right(degrees):
    assert measure_hand(stems(degrees=degrees)).slant == pytest.approx(degrees, abs=1.5)


def test_width_is_in_heights_of_the_line_whatever_the_unit_and_the_slant():
    """Stems of height 1 have points at a mean distance of 0.2727 from their middle; 10 distances for 11 characters."""
    ink = stems(distance=0.8)
    middle = np.linspace(0, 1, 12)
    expected = 0.8 * 10 / 11 / np.abs(middle - 0.5).mean()
    assert HEIGHT == 100.0
    for same in (ink, Ink(ink.offsets * [7, 7, 1], ink.text), stems(distance=0.8, degrees=25)):
        assert measure_hand(same).letter_width == pytest.approx(expected, rel=0.03)


def test_spaces_are_no_letters_when_strokes_are_counted():
    assert measure_hand(stems("nine in all")).strokes_per_letter == 1.0
    joined = np.concatenate(stems("in all").strokes())
    assert measure_hand(Ink.from_strokes([joined], "in all")).strokes_per_letter == 1 / 5


def test_spread_is_mean_and_range():
    hands = [Hand(float(n), 2.0, 10.0 * n) for n in range(101)]
    measured = spread(hands)
    assert measured["slant"] == (50.0, 5.0, 95.0)
    assert measured["letter_width"] == (2.0, 2.0, 2.0)
    assert measured["strokes_per_letter"] == (500.0, 50.0, 950.0)


def test_one_line_of_each_hand_is_chosen():
    rows = [
        ("a-01", "ann"),
        ("a-02", "ann"),
        ("b-01", "ann"),
        ("b-02", ""),
        ("b-03", ""),
        ("c-01", "bob"),
        ("b-04", ""),
    ]
    texts = ["in all of it", "in", "in all", "in all of it", "in", "in", "in all"]
    corpus = Corpus.from_lines(
        Line(stems(text), line_id, writer, split="training" if writer == "bob" else "validation")
        for (line_id, writer), text in zip(rows, texts, strict=True)
    )
    assert choose_hands(corpus, "validation").tolist() == [2, 6]
    assert choose_hands(corpus, "training").tolist() == [5]


def test_a_direction_by_least_squares_and_every_hand_by_the_others():
    rng = np.random.default_rng(0)
    z, gradient = rng.standard_normal((60, 4)), np.array([0.0, 3.0, -4.0, 0.0])
    values = 7 + z @ gradient + 0.1 * rng.standard_normal(60)
    found = fit_direction(z, values)
    np.testing.assert_allclose(found.vector, [0, 0.6, -0.8, 0], atol=0.02)
    assert found.slope == pytest.approx(5, abs=0.1) and found.vector.dtype == np.float32
    # Noise alone foretells nothing; and the share is what a loop over hands left out says.
    for noise in (values, rng.standard_normal(60)):
        missed = []
        for hand in range(60):
            others = np.arange(60) != hand
            design = np.column_stack([np.ones(60), z])
            weights = np.linalg.lstsq(design[others], noise[others])[0]
            missed.append(noise[hand] - design[hand] @ weights)
        assert fit_direction(z, noise).foretold == pytest.approx(1 - np.mean(np.square(missed)) / np.var(noise))
    assert found.foretold > 0.99 and fit_direction(z, noise).foretold < 0.1
