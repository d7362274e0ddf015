"""Lines of ink side by side, as one line."""

from collections.abc import Sequence

import numpy as np

from graves_jax.data.ink import Ink


def join(inks: Sequence[Ink]) -> Ink:
    """One line that says all their texts, a space between: each line begins a character's width behind the last one.

    Args:
      inks: at least one, of one scale, each with its text. They are taken to be level.
    """
    strokes, right = [], 0.0
    for ink in inks:
        own = ink.strokes()
        points = np.concatenate(own)
        width = np.ptp(points[:, 0])
        # The middle of the points lies at the same height in all lines of a hand.
        shift = np.array([right - points[:, 0].min(), -np.median(points[:, 1])])
        strokes += [stroke + shift for stroke in own]
        right += width + width / len(ink.transcript)
    return Ink.from_strokes(strokes, " ".join(ink.transcript for ink in inks))
