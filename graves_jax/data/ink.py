"""Ink: a pen's path as offsets. The one place where the format is described.

A line of ink is a float array `offsets` of shape [T, 3]. Row t is (dx, dy, end_of_stroke):

  - dx, dy: the pen's movement since the point before, x to the right, **y downwards** as on the whiteboard of
    IAM-OnDB and in SVG. The pen starts at the origin, which is itself the first point of the first stroke and has no
    row of its own, so a line of N recorded points has T = N - 1 rows. (A row of zeros in front would be a point that
    a density model predicts with certainty, and pays for nothing.) Only a line whose first stroke is a single dot has
    a first row (0, 0, 1): the pen touches, and lifts.
  - end_of_stroke: 1 on the last point before the pen lifts, else 0. The movement of the row after it is made in
    the air. The last row of a line has end_of_stroke 1.

Raw ink is in the unit of its recording. A network sees `(offsets - mean) / std` for dx and dy (`Normalisation`),
the bit unchanged.
"""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from graves_jax.errors import InputError


def is_unicode(text: str) -> bool:
    """Whether a text can be written to a file. Half a surrogate pair, which a str may hold, cannot."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


@dataclasses.dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of dx and dy over the training lines, in raw units (Graves 2013, section 4.2)."""

    mean: tuple[float, float]
    std: tuple[float, float]

    def normalise(self, offsets: ArrayLike) -> np.ndarray:
        """Raw offsets to what the network sees. Shape [..., 3] to [..., 3], float32."""
        rows = np.asarray(offsets, np.float64)
        scaled = (rows[..., :2] - self.mean) / self.std
        return np.concatenate([scaled, rows[..., 2:]], axis=-1).astype(np.float32)

    def denormalise(self, offsets: ArrayLike) -> np.ndarray:
        """The inverse of `normalise`. Shape [..., 3] to [..., 3], float32."""
        rows = np.asarray(offsets, np.float64)
        raw = rows[..., :2] * self.std + self.mean
        return np.concatenate([raw, rows[..., 2:]], axis=-1).astype(np.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class Ink:
    """One line of raw ink (the module's docstring has the format) and the text that it writes.

    Attributes:
      offsets: shape [T, 3], float32. A copy of what is given, and read-only, so that ink which
        is shared cannot change. `ink.offsets.copy()` can be edited, and made into other ink.
      text: the transcript, or None where it is not known.
    """

    offsets: np.ndarray
    text: str | None = None

    def __post_init__(self):
        # What is too large for float32 becomes infinite, and is told below.
        with np.errstate(over="ignore"):
            offsets = np.array(self.offsets, np.float32)
        if offsets.ndim != 2 or offsets.shape[1] != 3 or not len(offsets):
            raise InputError(f"Ink needs offsets of shape [T, 3] with T at least 1, found {list(offsets.shape)}.")
        if not np.isfinite(offsets).all():
            raise InputError("Ink needs finite offsets, found NaN or infinity.")
        bits = offsets[:, 2]
        if not ((bits == 0) | (bits == 1)).all():
            raise InputError("Ink needs end-of-stroke bits of 0 or 1, found another value.")
        if self.text is not None and not is_unicode(self.text):
            raise InputError(
                f"Ink needs a text of Unicode characters, found half a surrogate pair in {self.text!r:.60}."
            )
        offsets.setflags(write=False)
        object.__setattr__(self, "offsets", offsets)

    @property
    def transcript(self) -> str:
        """The text, where there has to be one.

        Raises:
          InputError: the ink has none.
        """
        if self.text is None:
            raise InputError("Expected ink with the text that it says, found ink without one.")
        return self.text

    def __len__(self) -> int:
        """The number of rows, T."""
        return len(self.offsets)

    @classmethod
    def from_strokes(cls, strokes: Sequence[np.ndarray], text: str | None = None) -> "Ink":
        """Ink from absolute positions.

        Args:
          strokes: for each stroke its points (x, y), y downwards. Each [N, 2] with N at least 1.
          text: the transcript.
        Raises:
          InputError: there are no strokes, a stroke is empty, or all the ink is a single point.
        """
        if not len(strokes) or any(len(stroke) == 0 for stroke in strokes):
            raise InputError("Ink needs at least one stroke, and in each stroke at least one point.")
        points = np.concatenate([np.asarray(stroke, np.float64).reshape(-1, 2) for stroke in strokes])
        bits = np.concatenate([np.arange(len(stroke)) == len(stroke) - 1 for stroke in strokes])
        rows = np.column_stack([np.diff(points, axis=0), bits[1:]])
        if bits[0]:
            rows = np.vstack([[0.0, 0.0, 1.0], rows])
        return cls(rows, text)

    def strokes(self) -> list[np.ndarray]:
        """Absolute positions, the inverse of `from_strokes` up to the origin: for each stroke its points [N, 2]."""
        points = np.concatenate([np.zeros((1, 2)), np.cumsum(self.offsets[:, :2].astype(np.float64), axis=0)])
        bits = np.concatenate([[0.0], self.offsets[:, 2]])
        if self.offsets[0].tolist() == [0.0, 0.0, 1.0]:
            points, bits = points[1:], bits[1:]
        bounds = [0, *(np.flatnonzero(bits == 1) + 1).tolist(), len(points)]
        return [points[start:end] for start, end in itertools.pairwise(bounds) if end > start]

    def _repr_svg_(self) -> str:
        """How a notebook shows the ink."""
        # The only import from `data` upwards, and only when a picture is asked for.
        from graves_jax.drawing.svg import ink_to_svg

        return ink_to_svg(self)
