"""Random changes of size, slant, direction and sampling that leave what is written as it is.

The first three are linear maps of the pen's movements, so they act on the offsets row by row; the end-of-stroke bits
and the text stay. The maps are those of the page, so they belong on raw ink, before the normalisation.
"""

import dataclasses
import math

import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.errors import InputError


def scale(ink: Ink, x: float, y: float) -> Ink:
    """Stretches the ink `x` times along and `y` times across the line."""
    return _transform(ink, [[x, 0.0], [0.0, y]])


def slant(ink: Ink, degrees: float) -> Ink:
    """Leans upright strokes over by an angle, to the right where it is positive. The baseline stays level."""
    return _transform(ink, [[1.0, -math.tan(math.radians(degrees))], [0.0, 1.0]])


def rotate(ink: Ink, degrees: float) -> Ink:
    """Turns the ink by an angle, counterclockwise as seen where it is positive: the line then climbs."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return _transform(ink, [[cos, sin], [-sin, cos]])


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """A random scale, slant and rotation for each line, drawn evenly and independently.

    Ha et al. (2016) train on Graves's task with a scale of 0.1 alone.

    Attributes:
      scale: x and y are each stretched by a factor in [1 - scale, 1 + scale]. In [0, 1).
      slant: the greatest slant to either side, in degrees. In [0, 60].
      rotation: the greatest turn to either side, in degrees. In [0, 60].
    """

    scale: float = 0.1
    slant: float = 0.0
    rotation: float = 0.0

    def __post_init__(self):
        if not 0 <= self.scale < 1:
            raise InputError(f"Augmentation needs a scale of at least 0 and less than 1, found {self.scale}.")
        for name in ("slant", "rotation"):
            if not 0 <= getattr(self, name) <= 60:
                raise InputError(f"Augmentation needs a {name} of 0 to 60 degrees, found {getattr(self, name)}.")

    def __call__(self, ink: Ink, rng: np.random.Generator) -> Ink:
        """The ink as the same writer might have written it on another day."""
        x, y, lean, turn = rng.uniform(-1.0, 1.0, 4) * (self.scale, self.scale, self.slant, self.rotation)
        return rotate(slant(scale(ink, 1.0 + x, 1.0 + y), lean), turn)


def rethin(ink: Ink, halfway: np.ndarray, rng: np.random.Generator, jitter: float) -> Ink:
    """Ink of which every second recorded point was left out, with others left out instead: two views of every line.

    Each stroke is thinned in a phase of its own: as it is, or with all of its points but the last moved on to the
    recorded point after them, so that it begins a reading later. A share of the points does the opposite of their
    stroke. The number of points and the text stay.

    Args:
      ink: raw, as it was thinned.
      halfway: the points left out (`Line.halfway`). Shape [T, 2].
      jitter: share of points, in [0, 1].
    """
    # The line's first point has no row of its own.
    lifts = np.concatenate([[False], ink.offsets[:, 2] == 1])
    stroke = np.cumsum(lifts) - lifts
    moves = rng.integers(0, 2, stroke[-1] + 1, dtype=bool)[stroke] ^ (rng.random(len(stroke)) < jitter)
    moves[lifts] = False
    # To the point left out on the way to the next, which the next one's row knows.
    after = np.concatenate([halfway, np.zeros((1, 2), halfway.dtype)])
    moved = np.where(moves[:, None], after, 0.0)
    offsets = ink.offsets.copy()
    offsets[:, :2] += np.diff(moved, axis=0)
    return Ink(offsets, ink.text)


def _transform(ink: Ink, matrix: list[list[float]]) -> Ink:
    """Applies a 2 x 2 matrix to the column (dx, dy) of each row."""
    moved = ink.offsets[:, :2].astype(np.float64) @ np.asarray(matrix).T
    return Ink(np.column_stack([moved, ink.offsets[:, 2]]).astype(np.float32), ink.text)
