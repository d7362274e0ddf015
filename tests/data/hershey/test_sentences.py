"""The sentence generator: its bounds, and that every character that is promised comes up."""

import collections
import string

import numpy as np
import pytest

from graves_jax.data.alphabet import ASCII_CHARACTERS
from graves_jax.data.hershey.sentences import ADJECTIVES, NAMES, NOUNS, SMALL_WORDS, VERBS, make_sentence
from graves_jax.errors import InputError

PROMISED = string.ascii_letters + string.digits + " .,;:?!'\"-()&/+=@#%*$"


def _texts(number, low, high):
    return [
        make_sentence(np.random.default_rng([1, i]), min_characters=low, max_characters=high) for i in range(number)
    ]


@pytest.mark.parametrize("bounds", [(1, 1), (2, 2), (3, 7), (10, 40), (33, 33), (80, 120)])
def test_lengths_keep_their_bounds(bounds):
    lengths = [len(text) for text in _texts(300, *bounds)]
    assert min(lengths) >= bounds[0] and max(lengths) <= bounds[1]


def test_lengths_spread_over_the_range():
    lengths = [len(text) for text in _texts(1_000, 10, 40)]
    assert np.percentile(lengths, 10) < 18 and np.percentile(lengths, 90) > 34


def test_every_promised_character_comes_up():
    counts = collections.Counter("".join(_texts(5_000, 10, 40)))
    assert {c: counts[c] for c in PROMISED if counts[c] < 20} == {}
    assert {c: counts[c] for c in "QXZ" if counts[c] < 100} == {}
    assert {c for c in ASCII_CHARACTERS if not counts[c]} == set()
    assert set(counts) <= set(ASCII_CHARACTERS)


def test_texts_are_tidy():
    for text in _texts(1_000, 1, 50):
        assert text == " ".join(text.split())


def test_same_seed_same_text_and_texts_vary():
    assert _texts(50, 10, 40) == _texts(50, 10, 40)
    assert len(set(_texts(1_000, 20, 40))) > 950


def test_half_the_lines_start_with_a_sentence_and_an_goes_before_vowels():
    texts = _texts(2_000, 30, 60)
    assert 0.55 < np.mean([text[0].isupper() or not text[0].isalpha() for text in texts]) < 0.75
    assert not [text for text in texts if any(f" a {vowel}" in text for vowel in "aeiou")]


def test_word_list():
    words = [*NOUNS, *VERBS, *ADJECTIVES, *SMALL_WORDS, *NAMES]
    assert 500 <= len(words) <= 800 and len(set(words)) == len(words)
    assert set("".join(words)) <= set(string.ascii_letters)
    assert {name[0] for name in NAMES} == set(string.ascii_uppercase)


@pytest.mark.parametrize("bounds", [(0, 5), (5, 4), (-1, -1)])
def test_bad_bounds(bounds):
    with pytest.raises(InputError, match=f"min_characters.*{bounds[0]} and {bounds[1]}"):
        make_sentence(np.random.default_rng(0), min_characters=bounds[0], max_characters=bounds[1])
