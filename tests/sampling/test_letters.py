"""The reader of single letters: its sums against plain ones, and what it makes of lines by hand."""

import dataclasses

import numpy as np
import pytest

import graves_jax
from graves_jax.data.ink import Ink
from graves_jax.sampling import letters as letters_module
from graves_jax.sampling.faults import MAX_DOUBT, find_fault
from graves_jax.sampling.letters import (
    POINTS,
    SHIPPED,
    UNSEEN_NATS,
    LetterReader,
    doubts,
    letter_features,
    letter_nats,
    load_reader,
    reader_for,
    save_reader,
    word_nats,
)
from graves_jax.sampling.levelling import level


def reader(characters="abm"):
    rng = np.random.default_rng(0)
    size = 3 * POINTS + 2
    layers = tuple(
        (rng.normal(0, 0.3, shape), rng.normal(0, 0.3, shape[1])) for shape in ((size, 8), (8, 8), (8, len(characters)))
    )
    return LetterReader(characters, rng.normal(size=size), np.full(size, 2.0), layers)


@pytest.fixture
def line():
    """A zigzag of five points a letter, one stroke a word, along "ab m"."""
    x = np.arange(20.0)
    points = np.column_stack([10 * x, -20 * (x % 2)])
    ink = Ink.from_strokes([points[:10], points[10:]], "ab m")
    return ink, np.repeat([0, 1, 2, 3], 5)[1:]


def test_probabilities_are_those_of_the_network_written_out():
    one, features = reader(), np.random.default_rng(1).normal(size=(2, 3 * POINTS + 2))
    log_p = one.log_probabilities(features)
    for row, shown in enumerate(features):
        h = [(value - mean) / std for value, mean, std in zip(shown, one.mean, one.std, strict=True)]
        for number, (kernel, bias) in enumerate(one.layers):
            h = [sum(h[i] * kernel[i, j] for i in range(len(h))) + bias[j] for j in range(kernel.shape[1])]
            h = h if number == 2 else [max(value, 0.0) for value in h]
        np.testing.assert_allclose(log_p[row], np.array(h) - np.log(np.sum(np.exp(h))), rtol=1e-9)


def test_features_do_not_depend_on_place_size_or_slope(line):
    ink, position = line
    expected, seen = letter_features(ink, position, 5.0)
    assert seen.all() and expected.shape == (4, 3 * POINTS + 2)
    moved = [stroke * 3.0 for stroke in ink.strokes()]
    same, _ = letter_features(Ink.from_strokes(moved, ink.text), position, 5.0)
    np.testing.assert_allclose(same, expected, atol=1e-4)


def test_a_letter_is_seen_in_its_own_ink_and_a_little_around_it(line):
    ink, position = line
    features, _ = letter_features(ink, position, 5.0)
    # Five points of its own, and two before and behind where there are any.
    np.testing.assert_allclose(features[:, -1], np.array([7, 9, 9, 7]) / 5)
    np.testing.assert_allclose(features[:, -2], 0.0)
    # The pen lifts between the second letter and the third, and at the end.
    np.testing.assert_array_equal(features[:, 2 * POINTS : 3 * POINTS].sum(axis=1), [0, 1, 1, 1])


def test_a_letter_without_ink_costs_much_and_a_space_or_a_stranger_nothing(line):
    ink, position = line
    nats = letter_nats(reader(), ink, np.where(position == 1, 0, position), 5.0)
    assert nats[1] == UNSEEN_NATS and nats[2] == 0.0 and nats[0] > 0
    assert letter_nats(reader("ab"), ink, position, 5.0)[3] == 0.0


def test_words_are_told_by_the_sum_over_the_root_of_their_length():
    np.testing.assert_allclose(word_nats("abcd e", np.array([1.0, 2.0, 3.0, 4.0, 0.0, 5.0])), [5.0, 5.0])
    assert word_nats("a  b", np.zeros(4)).tolist() == [0.0, 0.0, 0.0]


def test_a_reader_is_saved_and_loaded(tmp_path):
    one = reader()
    save_reader(tmp_path / "reader.safetensors", one, {"lines": 3})
    again = load_reader(tmp_path / "reader.safetensors")
    assert again.characters == one.characters and len(again.layers) == 3
    features = np.random.default_rng(1).normal(size=(5, 3 * POINTS + 2))
    np.testing.assert_allclose(again.log_probabilities(features), one.log_probabilities(features), atol=0.01)


@pytest.mark.parametrize("offsets", [[[0, 0, 1]], [[5, 0, 1]], [[0, 5, 0], [0, -5, 1]], [[1e6, 3, 0], [1, 1, 1]]])
@pytest.mark.parametrize("text", ["a", "a b", "-", "XX"])
def test_the_least_ink_has_finite_nats(offsets, text):
    ink, position = Ink(np.array(offsets, float), text), np.zeros(len(offsets), int)
    assert np.isfinite(letter_nats(reader("ab-X"), ink, position, 10.0)).all()
    assert level(ink, position).x_height is None


def test_weights_of_other_ink_have_no_reader(line):
    hershey = graves_jax.load("hershey")
    assert reader_for(hershey) is None and doubts(*line, hershey) is None


def test_a_word_that_cannot_be_told_is_a_fault_that_names_it(line):
    ink = Ink(np.column_stack([np.full(20, 10.0), 60.0 * (-1.0) ** np.arange(20), np.arange(20) == 19]), "ab m")
    position = np.repeat([0, 1, 2, 3], 5)
    weights = graves_jax.load("hershey")
    weights = dataclasses.replace(weights, network=dataclasses.replace(weights.network, points_per_character=5.0))
    normal = weights.normalisation
    weights = dataclasses.replace(
        weights, normalisation=dataclasses.replace(normal, mean=(10.0, 0.0), std=(10.0, 10.0))
    )
    arguments = {"finished": True, "weights": weights}
    assert find_fault(ink, position, **arguments) is None
    assert find_fault(ink, position, words=np.array([1.0, 2.0]), **arguments) is None
    assert "'m' cannot be told" in find_fault(ink, position, words=np.array([1.0, MAX_DOUBT + 1]), **arguments)


@pytest.mark.skipif(not SHIPPED.is_file(), reason="the reader of letters, learned from IAM-OnDB, does not ship")
def test_the_shipped_reader_tells_a_written_line_from_the_same_ink_with_another_text():
    weights = graves_jax.load()
    if letters_module.reader_for(weights) is None:
        pytest.skip("the default weights write other ink")
    written = graves_jax.write("a small house by the sea", seed=3, full=True)
    assert written.words.shape == (6,) and np.median(written.words) < 3
    other = Ink(written.ink.offsets, "x grind ocean kq ick vow")
    assert np.median(doubts(other, written.position, weights)) > 4
