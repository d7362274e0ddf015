"""How hands differ: slant, width of letters and how often the pen is lifted, of written lines and of real ones."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from graves_jax.data.corpus import Corpus, page_of
from graves_jax.data.ink import Ink
from graves_jax.data.line_geometry import HEIGHT, straighten
from graves_jax.evaluation.readers import make_upright, slant


class Hand(NamedTuple):
    """What tells one hand from another, in a line of ink."""

    slant: float  # degrees to the right of upright
    letter_width: float  # of the line per character, spaces included, in `HEIGHT`s; an x-height is one and a half
    strokes_per_letter: float  # strokes per character that is no space; dots and bars count


class Spread(NamedTuple):
    """Of one measure over many lines."""

    mean: float
    low: float  # 5 % of the lines are below
    high: float  # 5 % are above


def measure_hand(ink: Ink) -> Hand:
    """The hand in a line of ink, of any unit, with its text."""
    strokes = straighten(ink.strokes())
    letters = sum(not character.isspace() for character in ink.transcript)
    width = np.ptp(np.concatenate(make_upright(strokes))[:, 0])
    return Hand(
        slant=float(np.degrees(np.arctan(slant(strokes)))),
        letter_width=float(width / len(ink.transcript) / HEIGHT),
        strokes_per_letter=len(strokes) / letters,
    )


def spread(hands: Iterable[Hand]) -> dict[str, Spread]:
    """Mean and range of each measure."""
    values = np.array(list(hands), np.float64)
    rows = zip(values.mean(axis=0), *np.percentile(values, (5, 95), axis=0), strict=True)
    return {name: Spread(*map(float, row)) for name, row in zip(Hand._fields, rows, strict=True)}


class Direction(NamedTuple):
    """Of the style vectors, along which one measure of the hand changes most.

    Attributes:
      vector: of length 1, which is a standard deviation of hands drawn from N(0, 1). Shape [E], float32.
      slope: change of the measure for one such step.
      foretold: share of the measure's variance over hands that is foretold from their vectors, each hand by the others.
    """

    vector: np.ndarray
    slope: float
    foretold: float


def fit_direction(z: np.ndarray, values: np.ndarray) -> Direction:
    """Least squares of a measure over hands.

    Args:
      z: style vectors. Shape [N, E], N > E + 1.
      values: the measure in each of these hands. Shape [N].
    """
    design = np.column_stack([np.ones(len(z)), np.asarray(z, np.float64)])
    q, r = np.linalg.qr(design)
    gradient = np.linalg.solve(r, q.T @ values)[1:]
    residuals = values - q @ (q.T @ values)
    # What each residual is where its own hand is left out.
    residuals = residuals / (1 - np.sum(q**2, axis=1))
    slope = np.linalg.norm(gradient)
    foretold = 1 - np.mean(residuals**2) / np.var(values)
    return Direction((gradient / slope).astype(np.float32), float(slope), float(foretold))


def choose_hands(corpus: Corpus, split: str) -> np.ndarray:
    """One line of each hand, the middle one by its length in characters. Shape [hands].

    A hand is a writer, or a page where the writer is not known: what lines share that have the same id up to its last
    dash.
    """
    lines_of: dict[tuple[str, str], list[int]] = {}
    for line in corpus.indices(split):
        writer = corpus.writers[line]
        hand = ("writer", writer) if writer else ("page", page_of(corpus.line_ids[line]))
        lines_of.setdefault(hand, []).append(line)
    return np.array(
        [sorted(lines, key=lambda line: corpus.text_lengths[line])[len(lines) // 2] for lines in lines_of.values()]
    )
