"""Error rates, and the experiment around them with readers that are made up."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graves_jax
from graves_jax.data.alphabet import Alphabet
from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.evaluation import legibility as legibility_module
from graves_jax.evaluation.legibility import (
    character_error_rate,
    choose_lines,
    error_rate_by_kind,
    error_rates,
    kind_of,
    legibility,
    misread,
)
from graves_jax.sampling.write import Written


@pytest.mark.parametrize(
    "read, true, wrong",
    [
        ("", "abc", [1, 1, 1]),
        ("abc", "", []),
        ("kitten", "sitting", [1, 0, 0, 0, 1, 0, 1]),
        ("an extra letterr", "an extra letter", [0] * 15),
        ("You know", "Jon know", [1, 0, 1, 0, 0, 0, 0, 0]),
    ],
)
def test_misread_characters_by_hand(read, true, wrong):
    np.testing.assert_array_equal(misread(read, true), np.array(wrong, bool))


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_edits_are_what_their_recursion_says(read, true):
    @functools.cache
    def distance(i, j):
        if not i or not j:
            return i + j
        substituted = distance(i - 1, j - 1) + (read[i - 1] != true[j - 1])
        return min(distance(i - 1, j) + 1, distance(i, j - 1) + 1, substituted)

    expected = distance(len(read), len(true))
    assert character_error_rate([read + "x"], [true + "x"]).rate * (len(true) + 1) == pytest.approx(expected)
    # What no edit touched stands in both texts, in the same order.
    kept = iter(read)
    assert all(character in kept for character in np.array(list(true), str)[~misread(read, true)])


def test_error_rates_of_kinds_of_characters():
    rates = error_rate_by_kind(["Jan1 2", "x"], ["Jon1 3", "Ya"])
    assert {kind: rate.rate for kind, rate in rates.items()} == {
        "capitals": 1 / 2,
        "lower case": 2 / 3,
        "figures": 1 / 2,
        "signs": 0.0,
    }
    assert kind_of("ä") == "lower case" and kind_of("Σ") == "capitals" and kind_of("!") == "signs"


def test_the_error_rate_counts_characters_not_lines():
    measured = character_error_rate(["", "abcdefgh"], ["ab", "abcdefgh"])
    assert measured.rate == 2 / 10
    assert character_error_rate(["abcabc"], ["abc"]).rate == 1.0
    assert np.isnan(character_error_rate(["a"], ["b"]).standard_error)


def test_the_standard_error_is_that_of_the_bootstrap():
    rng = np.random.default_rng(0)
    true = ["a" * rng.integers(5, 40) for _ in range(200)]
    read = ["".join(rng.choice(["a", "b"], len(text), p=[0.9, 0.1])) for text in true]
    rates = []
    for _ in range(400):
        rows = rng.integers(0, 200, 200)
        wrong, characters = (
            sum(count(row) for row in rows) for count in (lambda r: read[r].count("b"), lambda r: len(true[r]))
        )
        rates.append(wrong / characters)
    assert character_error_rate(read, true).standard_error == pytest.approx(np.std(rates), rel=0.15)


def test_texts_that_do_not_match_up_are_refused():
    with pytest.raises(ValueError):
        character_error_rate(["a"], ["a", "b"])
    with pytest.raises(ValueError, match="at least one character"):
        character_error_rate([], [])


class Clairvoyant:
    """Says the same whatever it sees."""

    name, sha256 = "clairvoyant", "0" * 64

    def __init__(self, says):
        self.says = says

    def __call__(self, picture):
        assert picture.shape[0] == 48
        return self.says


def ink(text="Jon"):
    return Ink(np.array([[3, 4, 0], [3, -5, 0], [2, 6, 1]], float), text)


def test_the_error_rate_of_ink_is_that_of_its_pictures():
    assert error_rates([ink(), ink()], Clairvoyant("Jon"))[0].rate == 0.0
    assert error_rates([ink(), ink("Jan")], Clairvoyant("Jon"))[0].rate == 1 / 6


def test_faults_are_counted_before_and_after_redrawing(monkeypatch):
    outcomes = [(1, None), (3, None), (5, "it is upside down"), (1, None)]
    asked = {}

    def write(weights, texts, *, keys, bias, best_of, style):
        asked.update(texts=texts, bias=bias, keys=len(keys), best_of=best_of, style=style)
        lines = zip(texts, outcomes, strict=True)
        return [Written(ink(text), np.zeros(3), 0.5, attempts, fault) for text, (attempts, fault) in lines]

    monkeypatch.setattr(legibility_module, "write_lines", write)
    measured = legibility(None, ["Jon"] * 4, Clairvoyant("Jo"), bias=0.75, seed=3, style="a hand")
    assert asked == {"texts": ["Jon"] * 4, "bias": 0.75, "keys": 4, "best_of": 1, "style": "a hand"}
    assert (measured.bias, measured.failed_at_first, measured.failed) == (0.75, 0.5, 0.25)
    assert measured.written.rate == pytest.approx(1 / 3)
    # Two drawings more than are needed to choose from mean two with a fault.
    measured = legibility(None, ["Jon"] * 4, Clairvoyant("Jo"), bias=0.75, seed=3, best_of=3)
    assert (asked["best_of"], measured.failed_at_first) == (3, 0.25)


def test_the_same_seed_writes_the_same_lines():
    seen = []

    class Notary(Clairvoyant):
        def __call__(self, picture):
            seen.append(picture)
            return "on"

    weights = graves_jax.load("hershey")
    for seed in (1, 1, 2):
        legibility(weights, ["on"], Notary(""), bias=1.0, seed=seed)
    np.testing.assert_array_equal(seen[0], seen[1])
    assert not np.array_equal(seen[0], seen[2])


def corpus_of(*texts):
    lines = [Line(ink(text), f"line-{number}", split="validation") for number, text in enumerate(texts)]
    return Corpus.from_lines(lines)


def weights_with(alphabet):
    weights = graves_jax.load("hershey")
    return type(weights)(**(vars(weights) | {"alphabet": alphabet}))


def test_lines_are_spread_evenly_and_unknown_characters_left_out():
    corpus = corpus_of("a", "b1", "ab", "bä", "b", "ba")
    # One code for all others is not a way to write them.
    lines, left_out = choose_lines(corpus, "validation", weights_with(Alphabet("abä", has_other=True)), 3)
    assert lines.tolist() == [0, 2, 5] and left_out == 2
    lines, left_out = choose_lines(corpus, "validation", weights_with(Alphabet("ab1")), 100)
    assert lines.tolist() == [0, 1, 2, 4, 5] and left_out == 1
    with pytest.raises(InputError, match="found none"):
        choose_lines(corpus, "validation", weights_with(Alphabet("x")), 3)
