"""Part of a line of ink together with the part of the text that it writes.

A crop holds whole words: it begins where a word begins, and takes in as many words as fit. Nothing in a corpus says
where in the ink a word begins, so that is estimated. The ink falls into pieces with a blank column between each and
the next. Each word is one or more neighbouring pieces, chosen by dynamic programming so that

  - the gaps between the words are wide, and
  - each word is about as wide as its characters ask for.

Wide gaps alone (the n - 1 widest, for n words) go wrong wherever a writer leaves as much room before a comma or inside
a word as between two words: on IAM-OnDB in about one line out of eight.

Strokes are sorted by place and not by time, so a bar of a t or a dot of an i counts with its word however late it was
written. In the crop the strokes stand in the order of writing.
"""

import re
from typing import NamedTuple

import numpy as np

from graves_jax.data.ink import Ink

# Widths in characters: rough, since only the ratio of word to word matters.
_NARROW, _WIDE = frozenset("ijltfrI1.,;:!|'\"`()[]-"), frozenset("mwMW")
# How much a width that is off by one character of a word of no characters weighs, in nats of gap width.
_MISFIT_WEIGHT = 0.5
_PUNCTUATION_ALONE = re.compile(r"[.,;:!?)\]\"'-]+")


class Word(NamedTuple):
    """A word of a line: `text[start:end]`, and which of `ink.strokes()` write it, in the order of writing."""

    start: int
    end: int
    strokes: np.ndarray


def crop(ink: Ink, rng: np.random.Generator, max_points: int) -> Ink:
    """A random run of whole words of a line, its first point at the origin.

    The first word is drawn evenly from those that lead to a run which no other run contains: so each word is reached,
    and no crop is a short remainder of the line. A first word which alone is too long is cut, and its text with it,
    in proportion and rounded up; this ink alone may end while the pen is down. Ink whose words cannot be told apart
    counts as one word.

    Args:
      ink: a whole line, in any unit, with its text.
      rng: where the randomness comes from.
      max_points: the most rows that the crop may have, at least 1.
    Returns:
      Ink of 1 to `max_points` rows, its text never empty. A line that fits is returned as it is.
    """
    if len(ink) <= max_points:
        return ink
    strokes, words = ink.strokes(), align_words(ink)
    points = np.array([sum(len(strokes[s]) for s in word.strokes) for word in words])
    first, last = _draw_run(points, rng, max_points)
    kept = np.sort(np.concatenate([word.strokes for word in words[first : last + 1]]))
    cropped = Ink.from_strokes([strokes[s] for s in kept], ink.transcript[words[first].start : words[last].end])
    return _cut(cropped, max_points)


def align_words(ink: Ink) -> list[Word]:
    """Estimates which strokes write which word (the module's docstring says how).

    Returns:
      The words in the order of the text; each has a stroke, and each stroke is in one word. A single word, the whole
      text, where the ink has fewer pieces than the text has words.
    """
    strokes = ink.strokes()
    text = ink.transcript
    spans = _word_spans(text)
    left = np.array([stroke[:, 0].min() for stroke in strokes])
    right = np.array([stroke[:, 0].max() for stroke in strokes])
    piece_left, piece_right = _pieces(left, right)
    if len(spans) < 2 or len(piece_left) < len(spans):
        return [Word(0, len(text), np.arange(len(strokes)))]
    first_pieces = _first_pieces(piece_left, piece_right, [_width(text[slice(*span)]) for span in spans])
    word_of_stroke = np.searchsorted(piece_left[first_pieces], left, side="right") - 1
    return [Word(*span, np.flatnonzero(word_of_stroke == word)) for word, span in enumerate(spans)]


def _draw_run(points: np.ndarray, rng: np.random.Generator, max_points: int) -> tuple[int, int]:
    """The first and the last word of a random run. `points` is per word, shape [n]."""
    total = np.concatenate([[0], np.cumsum(points)])
    last = np.searchsorted(total, total[:-1] + max_points, side="right") - 2
    last = np.maximum(last, np.arange(len(points)))
    # A run from a later word that ends no further is inside the one before it.
    first = int(rng.choice(np.flatnonzero(np.diff(last, prepend=-1) > 0)))
    return first, int(last[first])


def _cut(ink: Ink, max_points: int) -> Ink:
    """The first `max_points` rows, or a few less, and as large a share of the text."""
    if len(ink) <= max_points:
        return ink
    # Ink that ends with the pen up may be a line that has ended (`batches.pad`); here a word goes on.
    down = np.flatnonzero(ink.offsets[:max_points, 2] == 0)
    rows = int(down[-1]) + 1 if len(down) else max_points
    # Rounded up: a character too many is never looked at, but ink without its character would be learnt.
    text = ink.transcript
    characters = -(-len(text) * rows // len(ink))
    return Ink(ink.offsets[:rows], text[:characters])


def _word_spans(text: str) -> list[tuple[int, int]]:
    """Where the words stand in the text. Punctuation that stands alone belongs to the word before it."""
    spans = []
    for match in re.finditer(r"\S+", text):
        if spans and _PUNCTUATION_ALONE.fullmatch(match[0]):
            spans[-1] = (spans[-1][0], match.end())
        else:
            spans.append(match.span())
    return spans


def _width(text: str) -> float:
    """The width to expect of a word, in characters of medium width."""
    return sum(0.5 if c in _NARROW else 1.5 if c in _WIDE else 1.0 for c in text)


def _pieces(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The left and right edges of the pieces, from those of the strokes."""
    order = np.argsort(left, kind="stable")
    left, right = left[order], np.maximum.accumulate(right[order])
    blank = left[1:] > right[:-1]
    return left[np.concatenate([[True], blank])], right[np.concatenate([blank, [True]])]


def _first_pieces(left: np.ndarray, right: np.ndarray, widths: list[float]) -> np.ndarray:
    """The cheapest way to deal P pieces to n words in order, at least one to each.

    A word of expected width k (in characters) that takes pieces p to q costs

        w (width(p, q) - k)² / (k + 1)  -  log gap(p)

    with gap(p) the blank in front of p; the first word of the line pays for no gap.

    Args:
      left, right: edges of the pieces. Each [P].
      widths: what each word should measure. Length n, from 2 to P.
    Returns:
      The first piece of each word. Shape [n].
    """
    character = (right[-1] - left[0]) / (sum(widths) + len(widths) - 1)
    width = (right[None, :] - left[:, None]) / character
    possible = np.triu(np.ones(width.shape, bool))
    gap_cost = -np.log((left[1:] - right[:-1]) / character)
    before = np.full(len(left), np.inf)
    before[0] = 0.0
    choices = []
    for expected in widths:
        misfit = _MISFIT_WEIGHT * (width - expected) ** 2 / (expected + 1.0)
        through = np.where(possible, before[:, None] + misfit, np.inf)
        choices.append(through.argmin(axis=0))
        before = np.concatenate([[np.inf], through.min(axis=0)[:-1] + gap_cost])
    last, first_pieces = len(left) - 1, []
    for choice in reversed(choices):
        first_pieces.append(choice[last])
        last = choice[last] - 1
    return np.array(first_pieces[::-1])
