"""Shares of failed lines, with a writer and with faults that are made up."""

import numpy as np
import pytest

import graves_jax
from graves_jax.data.hershey.writers import hershey_corpus
from graves_jax.data.ink import Ink
from graves_jax.evaluation import failures as failures_module
from graves_jax.evaluation.failures import count_failures, count_refusals
from graves_jax.sampling.write import Written


@pytest.fixture(scope="module")
def weights():
    return graves_jax.load("hershey")


@pytest.fixture(scope="module")
def inks():
    corpus = hershey_corpus(num_lines=5, seed=3, max_characters=12)
    return [corpus[line].ink for line in range(5)]


def test_shares_before_and_after(monkeypatch):
    """Of five texts two fail at first, and one of them always."""
    faults = {"b": ["flat", None], "d": ["upside down", "flat"]}

    def write(weights, texts, *, keys, bias, style, max_attempts=9):
        if isinstance(style, np.ndarray):
            np.testing.assert_array_equal(style[:, 0], [ord(text) for text in texts])
        chosen = [faults.get(text, [None])[min(max_attempts - 1, 1) if text in faults else 0] for text in texts]
        ink = Ink([[1.0, 1.0, 1.0]], "a")
        return [Written(ink, np.zeros(1), 0.5, attempts=max_attempts, fault=fault) for fault in chosen]

    monkeypatch.setattr(failures_module, "write_lines", write)
    measured = count_failures(None, list("abcde"), bias=0.5, seed=0)
    assert measured == (0.4, 0.2, {"flat": 1, "upside down": 1})
    # Those drawn again keep their hands.
    hands = np.array([[ord(text)] for text in "abcde"])
    assert count_failures(None, list("abcde"), bias=0.5, seed=0, style=hands) == measured
    assert count_failures(None, list("ace"), bias=0.5, seed=0) == (0.0, 0.0, {})


def test_real_lines_are_refused_by_the_same_rules(weights, inks, monkeypatch):
    asked = []

    def find_fault(ink, position, *, finished, weights, words):
        asked.append((ink, position, finished))
        return {3: "it is flat", 4: "it is flat"}.get(len(asked))

    monkeypatch.setattr(failures_module, "find_fault", find_fault)
    assert count_refusals(weights, inks) == {"it is flat": 2}
    assert {id(ink) for ink, _, _ in asked} == {id(ink) for ink in inks}
    assert all(len(position) == len(ink) and finished for ink, position, finished in asked)
