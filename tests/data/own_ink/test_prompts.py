"""Prompts have everything in them, with less writing than sentences as they come."""

import itertools
import string

import numpy as np
import pytest

from graves_jax.data.own_ink.prompts import MARKS, prompts
from graves_jax.errors import InputError

EVERYTHING = set(string.ascii_letters + string.digits + MARKS)


def cost_of_everything(sentences):
    """Characters to write until every letter, figure and mark has stood there."""
    seen = [EVERYTHING - set("".join(sentences[:n])) for n in range(len(sentences) + 1)]
    number = next(n for n, missing in enumerate(seen) if not missing)
    return sum(map(len, sentences[:number]))


def test_ten_have_all_letters_and_figures_and_twenty_everything():
    ten, twenty = ("".join(prompts(number)) for number in (10, 20))
    assert set(string.ascii_lowercase + string.digits) <= set(ten)
    assert len(ten) < 400
    # Spaces aside, nothing that is not meant to be written.
    assert set(twenty) - {" "} == EVERYTHING


def test_more_prompts_begin_with_the_same_ones_and_none_comes_twice():
    everything = prompts(100)
    assert prompts(7) == everything[:7]
    assert len(set(everything)) == 100
    assert all(25 <= len(text) <= 50 and text == " ".join(text.split()) for text in everything)


def test_greedy_order_costs_less_than_any_of_many_shuffles():
    ordered = prompts(100)
    rng = np.random.default_rng(0)
    shuffles = [cost_of_everything([ordered[i] for i in rng.permutation(100)]) for _ in range(50)]
    assert cost_of_everything(ordered) < min(shuffles)


def test_frequent_pairs_come_early():
    pairs = {first + second for first, second in itertools.pairwise("".join(prompts(10)))}
    assert {"th", "he", "in", "er", "an", "re", "on"} <= pairs


@pytest.mark.parametrize("number", [0, -1, 101])
def test_a_number_out_of_range_is_told(number):
    with pytest.raises(InputError, match=f"1 to 100 prompts, found {number}"):
        prompts(number)
