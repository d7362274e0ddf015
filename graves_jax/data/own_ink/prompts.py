"""What to write so that a hand can be learned from it: few sentences that cover all characters.

A person should write no more than needed. So the sentences are put in order by greedy cover (Nemhauser, Wolsey & Fisher
1978): of a hundred, always next the one that adds most for each character that it costs. The first few have all
letters, soon all capitals, figures and marks are there, and later ones repeat each in other places.
"""

import collections
import functools
import itertools
import pathlib
import string

from graves_jax.errors import InputError

_SENTENCES = pathlib.Path(__file__).parent / "prompt_sentences.txt"
MARKS = ".,'-!?:;\"()&/"
# How often each kind is to be written, and the gain of the first time; each further time gains half as much.
_SMALL, _CAPITAL, _FIGURE, _MARK, _PAIR = (8, 1.0), (3, 0.7), (4, 0.7), (2, 0.5), (3, 0.2)
# A line costs as much as its characters and so many more: to read it, and to find one's place.
_COST_OF_A_LINE = 8
# The pairs of letters that English has most of.
_PAIRS = (
    "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic "
    "ne ea ra ce li ch ll be ma si om ur"
)
_PAIRS = frozenset(_PAIRS.split())


def prompts(number: int) -> list[str]:
    """So many sentences to write, the most telling first; the same ones every time.

    They have letters, figures, spaces and `MARKS`, on one line each.

    Args:
      number: from 1 to as many as there are, 100.
    Raises:
      InputError: the number is out of range.
    """
    ordered = _in_order()
    if not 1 <= number <= len(ordered):
        raise InputError(f"Expected 1 to {len(ordered)} prompts, found {number}.")
    return list(ordered[:number])


@functools.cache
def _in_order() -> tuple[str, ...]:
    """All sentences by greedy cover."""
    left = [line for line in _SENTENCES.read_text(encoding="utf-8").splitlines() if line]
    covered, ordered = collections.Counter(), []
    while left:
        # Of equals the first one, so that the order is always the same.
        best = max(left, key=lambda text: _gain(text, covered))
        left.remove(best)
        covered.update(_features(best))
        ordered.append(best)
    return tuple(ordered)


@functools.cache
def _features(text: str) -> collections.Counter:
    """How often each character and each frequent pair stands in a text; spaces count for nothing."""
    pairs = (first + second for first, second in itertools.pairwise(text))
    return collections.Counter([*text.replace(" ", ""), *(pair for pair in pairs if pair in _PAIRS)])


def _wanted(feature: str) -> tuple[int, float]:
    """How often a character or pair is wanted, and its worth."""
    if len(feature) == 2:
        return _PAIR
    if feature in string.ascii_lowercase:
        return _SMALL
    return _CAPITAL if feature.isupper() else _FIGURE if feature.isdigit() else _MARK


def _gain(text: str, covered: collections.Counter) -> float:
    """What a text adds to what is covered, per character that it costs."""
    gain = 0.0
    for feature, count in _features(text).items():
        most, worth = _wanted(feature)
        there = covered[feature]
        gain += worth * sum(0.5**time for time in range(there, min(there + count, most)))
    return gain / (len(text) + _COST_OF_A_LINE)
