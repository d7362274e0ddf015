"""A written line without its slope: where its letters are, its baseline, and how high its small letters stand.

Which letter a piece of ink belongs to, the window tells. So a line need not be straight, nor of any certain height.
"""

from typing import NamedTuple

import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.data.line_geometry import baseline_slope

# Letters as high as an x, and those beside them that stand on the baseline.
SMALL = frozenset("acemnorsuvwxz")
STANDING = SMALL | frozenset("bdhiklt0123456789ABCDEFGHIKLMNOPRSTUVWXYZ")
# A letter of fewer points tells nothing.
_FEWEST_POINTS = 3
# So many small letters tell the height of a line.
_ENOUGH = 6


class Level(NamedTuple):
    """A line with its slope taken off, in the unit of its ink.

    Attributes:
      strokes: absolute positions, y downwards. Each [N, 2].
      looked_at: for each stroke the character that the window looked at most, at each of its points; U past the end.
      bottoms: the lowest point of each letter that stands on the baseline: (place in the text, y).
      tops: the highest point of each small letter, likewise.
      baseline: y of the baseline.
      x_height: None where too few small letters tell it.
    """

    strokes: list[np.ndarray]
    looked_at: list[np.ndarray]
    bottoms: list[tuple[int, float]]
    tops: list[tuple[int, float]]
    baseline: float
    x_height: float | None


def level(ink: Ink, position: np.ndarray) -> Level:
    """Takes a line's slope off and measures it.

    Args:
      ink: the line, with its text of U characters.
      position: the character that the window looked at most, from 0, at each row of the ink. Shape [T].
    """
    text = ink.transcript
    strokes = ink.strokes()
    slope = baseline_slope(strokes)
    strokes = [np.column_stack([stroke[:, 0], stroke[:, 1] - slope * stroke[:, 0]]) for stroke in strokes]
    points = np.concatenate(strokes)
    # A row's character is that of the point where it ends; the first point has no row.
    rows = position if len(points) == len(position) else np.concatenate([position[:1], position])
    letters = np.minimum(rows, len(text))
    bottoms, tops = [], []
    for place in np.unique(letters):
        if place < len(text) and text[place] in STANDING:
            y = points[letters == place, 1]
            if len(y) >= _FEWEST_POINTS:
                bottoms.append((int(place), float(y.max())))
                if text[place] in SMALL:
                    tops.append((int(place), float(y.min())))
    baseline = float(np.median([y for _, y in bottoms])) if bottoms else float(points[:, 1].max())
    x_height = baseline - float(np.median([y for _, y in tops])) if len(tops) >= _ENOUGH else 0.0
    looked_at = np.split(letters, np.cumsum([len(stroke) for stroke in strokes])[:-1])
    return Level(strokes, looked_at, bottoms, tops, baseline, x_height if x_height > 0 else None)
