"""Random changes of size, slant and direction that leave what is written as it is.

Each is a linear map of the pen's movements, so it acts on the offsets row by row; the end-of-stroke bits and the text
stay. The maps are those of the page, so they belong on raw ink, before the normalisation.
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


def _transform(ink: Ink, matrix: list[list[float]]) -> Ink:
    """Applies a 2 x 2 matrix to the column (dx, dy) of each row."""
    moved = ink.offsets[:, :2].astype(np.float64) @ np.asarray(matrix).T
    return Ink(np.column_stack([moved, ink.offsets[:, 2]]).astype(np.float32), ink.text)
