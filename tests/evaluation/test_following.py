"""Many lines followed at once, against a trace and against the loss of each alone."""

import numpy as np
import pytest

import graves_jax
from graves_jax.data.batches import Shape, pad
from graves_jax.data.hershey.writers import hershey_corpus
from graves_jax.data.ink import Ink
from graves_jax.evaluation.following import Followed, fit, follow
from graves_jax.evaluation.outliers import Fit
from graves_jax.evaluation.trace import trace
from graves_jax.model.likelihood import nats_per_line


@pytest.fixture(scope="module")
def weights():
    return graves_jax.load("hershey")


@pytest.fixture(scope="module")
def inks():
    corpus = hershey_corpus(num_lines=3, seed=3, max_characters=12)
    return [corpus[line].ink for line in range(3)]


def test_each_line_is_as_it_is_alone(weights, inks):
    """Lines of several lengths are padded together; the trace knows nothing of what comes after the text."""
    rows = dict(follow(weights, inks))
    assert [len(inks[row]) for row in rows] == sorted(map(len, inks))
    for row, ink in enumerate(inks):
        position, nats = rows[row]
        assert position.shape == nats.shape == (len(ink),)
        within = position < len(ink.text)
        assert within.mean() > 0.5
        np.testing.assert_array_equal(position[within], trace(weights, ink).phi.argmax(axis=1)[within])
        shape = Shape(len(ink), len(ink.text))
        batch = pad([ink], shape, alphabet=weights.alphabet, normalisation=weights.normalisation)
        [expected] = nats_per_line(weights.params, weights.network, batch)
        assert nats.sum() == pytest.approx(float(expected), rel=1e-4)


def test_what_is_left_of_text_and_of_ink(weights):
    ink = Ink([[1, 1, 0]] * 4 + [[1, 1, 1]], "abcde")
    nats = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    left = fit(weights, ink, Followed(np.array([0, 0, 1, 2, 2]), nats))
    assert left == Fit(nats_per_point=3.0, characters_left=2, ink_left=0.0)
    per_character = weights.network.points_per_character
    assert fit(weights, ink, Followed(np.array([0, 3, 4, 5, 5]), nats)) == Fit(3.0, 0, pytest.approx(2 / per_character))
