"""Noticing that a line went wrong, from where the window looked and from the ink, so that it can be drawn again."""

import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.model.weights import Weights

# A letter that takes so many times the points of an average character is inked over and over.
MAX_STANDING = 6.0
# The window may pass over so many characters at once: narrow letters and spaces often never are its centre.
MAX_JUMP = 3
# Width of a line, as a multiple of what its text takes on average in the training data.
WIDTH_RANGE = (0.3, 3.0)
# Least height of a line, in standard deviations of dy.
MIN_HEIGHT = 2.0


def find_fault(ink: Ink, position: np.ndarray, *, finished: bool, weights: Weights) -> str | None:
    """Why a line is not worth keeping, or None.

    Args:
      ink: the line, in the unit of the training data, with its text.
      position: the character that the window looked at most, from 0, at each point. Shape [T].
      finished: whether the line ended by itself.
      weights: that wrote it.
    """
    if not finished:
        return "it did not end by itself"
    if longest_stay(position) > MAX_STANDING * weights.network.points_per_character:
        return "the window stood still"
    if longest_jump(position) > MAX_JUMP:
        return "the window jumped over characters"
    points = np.concatenate(ink.strokes())
    (mean_dx, _), (_, std_dy) = weights.normalisation.mean, weights.normalisation.std
    usual_width = len(ink.text) * weights.network.points_per_character * mean_dx
    if not WIDTH_RANGE[0] <= np.ptp(points[:, 0]) / usual_width <= WIDTH_RANGE[1]:
        return "the ink is far too long or too short"
    if np.ptp(points[:, 1]) < MIN_HEIGHT * std_dy:
        return "the ink is flat"
    return None


def longest_stay(position: np.ndarray) -> int:
    """The most points in a row for which the window looked at one character."""
    changes = np.flatnonzero(np.diff(position)) + 1
    return int(np.diff(np.concatenate([[0], changes, [len(position)]])).max())


def longest_jump(position: np.ndarray) -> int:
    """The most characters that the window went forward from one point to the next, the start being before the text."""
    return int(np.diff(np.concatenate([[-1], position])).max())
