"""Noticing that a line went wrong, from where the window looked and from the ink, so that it can be drawn again.

The bounds were set beside the 1,344 validation lines of IAM-OnDB under the writer protocol, along which the default
weights were led, and 1,500 lines that these weights wrote, which were looked at. Together they refuse 0.9 % of the
real lines (0.3 % without the last one); `python experiments/evaluate.py --failures` counts again, for any weights.
"""

import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.model.weights import Weights

# Three characters side by side that take so many times the points of an average character are inked over, or scrawled
# beyond reading. Real lines: half below 4.2, one in 400 above 8.8, none above 9.5. Of the lines written at a bias of
# 0.75, 5 % are above, and hardly one of these can be read.
MAX_DWELLING = 8.8
_NEIGHBOURS = 3
# So many characters at once the window may go on from one point to the next. In real lines it goes on by one.
MAX_JUMP = 2
# Width of a line as a multiple of what its text takes on average in the training data, give or take two characters:
# an l alone has hardly a width. Real lines lie within 0.52 and 2.28.
WIDTH_RANGE = (0.45, 2.4)
_CHARACTERS_MORE_OR_LESS = 2
# Least height, in standard deviations of dy, of a line with a letter or figure. Real lines begin at 5.4, an m that is
# written alone at 2.3.
MIN_HEIGHT = 1.5
# How doubtful a word may be (letters.py), in nats. Of the validation lines 0.6 % have one beyond, and of 2,114 words
# that were written at a bias of 0.75 (a tenth of them in capitals, a tenth figures and rare names) 12 are, all of which
# an off-the-shelf reader misreads. Most of what it misreads is no worse than what people write: the 386 words that it
# misread of these lie in the lines that are refused 70 times, and 59 times without this bound.
MAX_DOUBT = 26.0
# How the fault of such a word ends.
CANNOT_BE_TOLD = "cannot be told"


def find_fault(
    ink: Ink, position: np.ndarray, *, finished: bool, weights: Weights, words: np.ndarray | None = None
) -> str | None:
    """Why a line is not worth keeping, or None.

    Args:
      ink: the line, in the unit of the training data, with its text.
      position: the character that the window looked at most, from 0, at each point. Shape [T].
      finished: whether the line ended by itself.
      weights: that wrote it.
      words: how doubtful each word is (`letters.doubts`), where that is known.
    """
    points_per_character = weights.network.points_per_character
    if not finished:
        return "it did not end by itself"
    if longest_dwelling(position, len(ink.transcript)) > MAX_DWELLING * points_per_character:
        return "the window stood still"
    if longest_jump(position) > MAX_JUMP:
        return "the window jumped over characters"
    width, height = np.ptp(np.concatenate(ink.strokes()), axis=0)
    (mean_dx, _), (_, std_dy) = weights.normalisation.mean, weights.normalisation.std
    least, most = (
        # A script that runs from right to left has a mean step to the left.
        bound * (len(ink.transcript) + margin) * points_per_character * abs(mean_dx)
        for bound, margin in zip(WIDTH_RANGE, (-_CHARACTERS_MORE_OR_LESS, _CHARACTERS_MORE_OR_LESS), strict=True)
    )
    if not least <= width <= most:
        return "the ink is far too long or too short"
    if height < MIN_HEIGHT * std_dy and any(map(str.isalnum, ink.transcript)):
        return "the ink is flat"
    if words is not None and words.max() > MAX_DOUBT:
        return f"its word {ink.transcript.split(' ')[int(words.argmax())]!r} {CANNOT_BE_TOLD}"
    return None


def longest_dwelling(position: np.ndarray, num_characters: int) -> int:
    """The most points that the window spent on three neighbouring characters; those past the end do not count.

    Two neighbours hide that it stood between them; over more than a few a slow hand looks like one that is stuck.
    """
    points = np.bincount(position, minlength=num_characters)[:num_characters]
    return int(np.convolve(points, np.ones(_NEIGHBOURS, int)).max())


def longest_jump(position: np.ndarray) -> int:
    """The most characters that the window went forward from one point to the next, the start being before the text."""
    return int(np.diff(np.concatenate([[-1], position])).max())
