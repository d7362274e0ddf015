"""Whose hand it is: a small classifier of writers, which learns from real lines and then judges written ones.

What a line is told by has nothing to do with the network that wrote it: how far the letters lean, how wide they are,
how often the pen lifts, in which directions it moves and turns, how long its steps are, on paper and in the air.
Linear discriminant analysis (Fisher 1936), with a covariance that is shared and shrunk, does the rest: thirty lines a
writer are enough for it.
"""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.data.line_geometry import HEIGHT, straighten
from graves_jax.evaluation.hands import measure_hand

_DIRECTIONS, _TURNS = 16, 12
# Quantiles of lengths that are kept.
_QUANTILES = (10, 25, 50, 75, 90)
# Share of the covariance that is replaced by its diagonal.
SHRINKAGE = 0.2


def line_features(ink: Ink) -> np.ndarray:
    """What tells hands apart in a line with its text, of any unit. Shape [F]."""
    strokes = straighten(ink.strokes())
    steps = [np.diff(stroke, axis=0) for stroke in strokes]
    down = np.concatenate([step for step in steps if len(step)] or [np.zeros((1, 2))])
    air = np.array([b[0] - a[-1] for a, b in itertools.pairwise(strokes)]).reshape(-1, 2)
    lengths = np.hypot(*down.T)
    directions = np.arctan2(down[:, 1], down[:, 0])
    turns = np.concatenate(
        [np.angle(np.exp(1j * np.diff(np.arctan2(step[:, 1], step[:, 0])))) for step in steps if len(step) > 1]
        or [np.zeros(1)]
    )
    extents = np.array([np.ptp(stroke, axis=0) for stroke in strokes]) / HEIGHT
    heights = np.concatenate(strokes)[:, 1]
    return np.concatenate(
        [
            np.array(measure_hand(ink)),
            np.array([len(ink) / len(ink.transcript)]),
            _share(directions, lengths, _DIRECTIONS),
            _share(turns, np.ones(len(turns)), _TURNS),
            np.percentile(lengths, _QUANTILES) / HEIGHT,
            np.percentile(extents, (25, 50, 75, 90), axis=0).ravel(),
            np.percentile((heights - np.median(heights)) / HEIGHT, (2, 10, 25, 75, 90, 98)),
            np.percentile(air, (10, 50, 90), axis=0).ravel() / HEIGHT if len(air) else np.zeros(6),
        ]
    )


def _share(angles: np.ndarray, weights: np.ndarray, bins: int) -> np.ndarray:
    """Of each direction in all of the movement. Shape [bins]."""
    counts, _ = np.histogram(angles, bins, (-np.pi, np.pi), weights=weights)
    return counts / max(counts.sum(), 1e-9)


@dataclasses.dataclass(frozen=True, eq=False)
class WriterClassifier:
    """Linear discriminants of S writers over F features.

    Attributes:
      writers: their names.
      weights, offsets: a line is its whose score `features @ weights + offsets` is highest. Shapes [F, S] and [S].
    """

    writers: tuple[str, ...]
    weights: np.ndarray
    offsets: np.ndarray

    @classmethod
    def fit(cls, inks: Sequence[Ink], writers: Sequence[str]) -> "WriterClassifier":
        """Learns from lines and the names of those who wrote them, each of whom is taken to be as likely."""
        names = tuple(sorted(set(writers)))
        features = np.array([line_features(ink) for ink in inks])
        scale = np.maximum(features.std(axis=0), 1e-6)
        group = np.array([names.index(writer) for writer in writers])
        scaled = features / scale
        means = np.array([scaled[group == number].mean(axis=0) for number in range(len(names))])
        residuals = scaled - means[group]
        covariance = residuals.T @ residuals / max(len(residuals) - len(names), 1)
        diagonal = np.diag(np.diag(covariance))
        shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * diagonal + 1e-3 * np.eye(len(covariance))
        weights = np.linalg.solve(shrunk, means.T)
        return cls(names, weights / scale[:, None], -0.5 * np.einsum("sf,fs->s", means, weights))

    def predict(self, inks: Sequence[Ink]) -> list[str]:
        """The likeliest writer of each line."""
        scores = np.array([line_features(ink) for ink in inks]) @ self.weights + self.offsets
        return [self.writers[number] for number in scores.argmax(axis=1)]

    def rate(self, inks: Sequence[Ink], writer: str) -> float:
        """Share of the lines that are taken to be this writer's."""
        return float(np.mean([found == writer for found in self.predict(inks)]))
