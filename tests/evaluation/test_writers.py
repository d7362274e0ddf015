"""Synthetic writers are told apart, whatever they write and in whatever unit."""

import numpy as np
import pytest

from graves_jax.data.hershey.sentences import make_sentence
from graves_jax.data.hershey.writers import draw_writer, render_text
from graves_jax.data.ink import Ink
from graves_jax.evaluation.writers import WriterClassifier, line_features

NUM_WRITERS = 6


@pytest.fixture(scope="module")
def lines():
    """Twelve lines of each writer."""
    rng = np.random.default_rng(0)
    writers = [draw_writer(rng) for _ in range(NUM_WRITERS)]
    texts = [make_sentence(rng, min_characters=15, max_characters=25) for _ in range(12)]
    return {
        f"w{number}": [render_text(text, writer, rng, points_per_character=15.0) for text in texts]
        for number, writer in enumerate(writers)
    }


@pytest.fixture(scope="module")
def classifier(lines):
    pairs = [(ink, name) for name, inks in lines.items() for ink in inks[4:]]
    return WriterClassifier.fit(*zip(*pairs, strict=True))


def test_new_lines_are_told_far_above_chance(lines, classifier):
    rates = [classifier.rate(inks[:4], name) for name, inks in lines.items()]
    assert np.mean(rates) > 0.8
    assert classifier.writers == tuple(lines)


def test_lines_of_others_are_not_taken_for_a_writer(lines, classifier):
    others = [ink for name, inks in lines.items() if name != "w0" for ink in inks[:4]]
    assert classifier.rate(others, "w0") < 0.2


def test_features_do_not_depend_on_unit_and_place(lines):
    ink = lines["w0"][0]
    scaled = Ink.from_strokes([7.0 * stroke + 100.0 for stroke in ink.strokes()], ink.text)
    np.testing.assert_allclose(line_features(scaled), line_features(ink), atol=2e-3)


def test_shuffled_names_cannot_be_learned(lines):
    rng = np.random.default_rng(1)
    inks = [ink for inks in lines.values() for ink in inks]
    names = rng.permutation([name for name, inks in lines.items() for _ in inks])
    half = rng.permutation(len(inks)) < len(inks) // 2
    shuffled = WriterClassifier.fit(
        [ink for ink, kept in zip(inks, half, strict=True) if kept], [str(name) for name in names[half]]
    )
    found = shuffled.predict([ink for ink, kept in zip(inks, half, strict=True) if not kept])
    assert np.mean(np.array(found) == names[~half]) < 0.45


@pytest.mark.parametrize(
    "ink", [Ink([[0, 0, 1], [1, 0, 1]], "ab"), Ink([[3, 1, 0], [1, 0, 1]], "a"), Ink([[5, 5, 1]], "a")]
)
def test_scraps_of_ink_have_features_too(ink, lines):
    features = line_features(ink)
    assert features.shape == line_features(lines["w0"][0]).shape and np.isfinite(features).all()
