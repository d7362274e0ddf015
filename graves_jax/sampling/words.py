"""Written lines taken apart into their words, all level, of one height and on one baseline.

Which letter a piece of ink belongs to, the window tells. So a line need not be straight, nor have the height of its
neighbours, to end up as words that can be set beside each other.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from graves_jax.layout.words import WordInk
from graves_jax.sampling.levelling import level
from graves_jax.sampling.write import Written

# How high the others are, in x-heights, where a hand has too few small ones to go by.
_CAPITAL = 1.9
# A line is made as high as the others only so far; beyond, its letters would look drawn with another pen.
_MOST_SCALING = 1.6
# So is a word that is not as high as its line, if it has so many small letters.
_MOST_OF_A_WORD, _TELLING = 1.25, 3
# A stroke of two words is cut where each has so much of it; one with less is a slip of the window.
_SHARE_OF_BOTH = 0.3
# A stroke belongs to no letter yet, or no more, while the window rests on a space for so much of it.
_WAITING = 0.6
# Of the way to the baseline that a word's own letters say, one with so many of them goes all of it.
_SURE = 3


class _Line(NamedTuple):
    """A line with its slope taken off."""

    words: list[list[np.ndarray]]  # strokes of each
    baselines: list[float]  # of each word
    x_heights: list[float | None]  # of each word, None where too few letters tell it
    x_height: float | None  # of the line, likewise


class _Piece(NamedTuple):
    """A stroke or a part of one: the word it is taken for, and for how much of it the window rested on a space."""

    word: int
    stroke: np.ndarray
    on_space: float


def median_x_height(lines: Sequence[Written]) -> float:
    """The x-height of a hand, in the unit of its ink, from lines that it wrote."""
    cut = [_cut(line) for line in lines]
    told = [line.x_height for line in cut if line.x_height is not None]
    return float(np.median(told)) if told else _height_of_all(cut) / _CAPITAL


def words_of(lines: Sequence[Written], x_height: float) -> list[list[WordInk]]:
    """The words of each line, in x-heights.

    Args:
      lines: in one hand.
      x_height: of the hand. A line is brought to it as far as its own letters say that it is larger or smaller.
    Returns:
      For each line as many words as its text has between single spaces. A word of which there is no ink at all (the
      window has passed over it) is a dot.
    """
    done = []
    for line in map(_cut, lines):
        usual = _within(line.x_height, x_height, _MOST_SCALING)
        done.append(_scaled(line, [1 / _within(own, usual, _MOST_OF_A_WORD) for own in line.x_heights]))
    return done


def _within(own: float | None, usual: float, most: float) -> float:
    """A height of its own as far as it is not so many times the usual one; the usual one where there is none."""
    return usual if own is None else float(np.clip(own, usual / most, usual * most))


def _scaled(line: _Line, scales: list[float]) -> list[WordInk]:
    words, right = [], None
    for strokes, baseline, scale in zip(line.words, line.baselines, scales, strict=True):
        if not strokes:
            words.append(WordInk((np.zeros((1, 2)),)))
            right = None
            continue
        x = np.concatenate(strokes)[:, 0]
        gap = None if right is None else float(x.min() - right) * scale
        words.append(WordInk(tuple((stroke - (0, baseline)) * scale for stroke in strokes), gap))
        right = x.max()
    return words


def _cut(line: Written) -> _Line:
    text = line.ink.transcript
    words = text.split(" ")
    # The space before a word belongs to it: on it the window waits while the pen goes there.
    owned = [number for number, word in enumerate(words) for _ in range(len(word) + (number > 0))]
    word_of = np.array([*owned, len(words) - 1])
    is_space = np.array([character == " " for character in text] + [False])
    levelled = level(line.ink, line.position)
    pieces = [
        piece
        for stroke, letters in zip(levelled.strokes, levelled.looked_at, strict=True)
        for piece in _by_word(stroke, word_of[letters], is_space[letters])
    ]
    parts = _with_late_strokes([[piece for piece in pieces if piece.word == number] for number in range(len(words))])
    bottoms, tops = (
        [[y for letter, y in points if word_of[letter] == word] for word in range(len(words))]
        for points in (levelled.bottoms, levelled.tops)
    )
    baselines = [_word_baseline(ys, levelled.baseline) for ys in bottoms]
    heights = [
        baseline - float(np.median(ys)) if len(ys) >= _TELLING else None
        for baseline, ys in zip(baselines, tops, strict=True)
    ]
    return _Line(parts, baselines, heights, levelled.x_height)


def _by_word(stroke: np.ndarray, words: np.ndarray, is_space: np.ndarray) -> list[_Piece]:
    """The word that a stroke belongs to; or two, and the stroke cut, where it runs on from one into the next."""
    counts = np.bincount(words)
    inked = np.bincount(words[~is_space], minlength=len(counts))
    both = np.flatnonzero(inked >= _SHARE_OF_BOTH * len(stroke))
    cut = int(np.argmax(words >= both[-1])) if len(both) > 1 else 0
    if not cut:
        return [_Piece(int(counts.argmax()), stroke, float(is_space.mean()))]
    return [
        _Piece(int(both[0]), stroke[:cut], float(is_space[:cut].mean())),
        _Piece(int(both[-1]), stroke[cut:], float(is_space[cut:].mean())),
    ]


def _with_late_strokes(words: list[list[_Piece]]) -> list[list[np.ndarray]]:
    """The strokes of each word, with its last ones, which come when the window is already on the way to the next word.

    Such a bar, dot or stem begins the next word, but reaches back over the right edge of its own; or the window rests
    on the space between the two, and the stroke is nearer to that edge than to where the next word goes on.
    """
    done = [[piece.stroke for piece in word] for word in words]
    for before, word, pieces in zip(done, done[1:], words[1:], strict=False):
        for piece in pieces[: len(pieces) - 1]:
            if not before:
                break
            edge = max(stroke[:, 0].max() for stroke in before)
            left, right = piece.stroke[:, 0].min(), piece.stroke[:, 0].max()
            waits = piece.on_space >= _WAITING and left - edge < word[1][:, 0].min() - right
            if left >= edge and not waits:
                break
            before.append(word.pop(0))
    return done


def _word_baseline(ys: list[float], baseline: float) -> float:
    """Between the line's baseline and the word's own, nearer to its own the more letters say so."""
    if not ys:
        return baseline
    trust = min(len(ys) / _SURE, 1.0)
    return baseline + trust * (float(np.median(ys)) - baseline)


def _height_of_all(lines: Sequence[_Line]) -> float:
    """Of a typical word, where no line has letters to go by; never 0."""
    heights = [np.ptp(np.concatenate(word)[:, 1]) for line in lines for word in line.words if word]
    return float(np.median(heights)) or 1.0 if heights else 1.0
