"""Weights are not trained on ink of another scale without a word."""

import dataclasses

import numpy as np
import pytest

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.ink import Ink, Normalisation
from graves_jax.data.own_ink.conform import Target
from graves_jax.errors import InputError
from graves_jax.model.network import NetworkConfig
from graves_jax.model.scale import check_scale, target_of
from graves_jax.model.weights import Weights

NETWORK = NetworkConfig(num_characters=3, num_window=1, points_per_character=10.0)


def weights(**changes):
    return Weights({}, NETWORK, Alphabet("abc"), Normalisation((1.0, 0.0), (8.0, 2.0)), {"data": changes})


def corpus(unit=1.0, points=30):
    """Lines of three characters, whose steps have deviations of 8 and 2 units."""
    rng = np.random.default_rng(0)
    bits = np.arange(points) == points - 1
    inks = [Ink(np.column_stack([unit * rng.normal(0, (8, 2), (points, 2)), bits]), "abc") for _ in range(40)]
    return Corpus.from_lines([Line(ink, str(number), split="training") for number, ink in enumerate(inks)])


def test_what_ink_has_to_be_like():
    assert target_of(weights()) == Target(10.0, spread=4.0)
    assert target_of(weights(protocol="paper")) == Target(10.0, spread=4.0)
    assert target_of(weights(protocol="writer")) == Target(10.0, every=2)
    assert target_of(dataclasses.replace(weights(), provenance={"data": "made up"})).spread == 4.0


def test_ink_of_the_same_scale_is_taken_and_other_people_are_too():
    for unit, points in ((1.0, 30), (1.4, 30), (0.7, 30), (1.0, 20), (1.0, 45)):
        check_scale(corpus(unit, points), weights())


@pytest.mark.parametrize(
    ("unit", "points", "words"),
    [
        (0.1, 30, r"4 units of spread, found 0\.4"),
        (2.5, 30, r"4 units of spread, found 10"),
        (1.0, 60, r"10 points per character, found 20"),
        (1.0, 15, r"10 points per character, found 5"),
    ],
)
def test_another_unit_or_rate_is_refused_with_what_to_do(unit, points, words):
    with pytest.raises(InputError, match=words) as error:
        check_scale(corpus(unit, points), weights())
    assert "prepare_data.py --like=NAME" in str(error.value)
