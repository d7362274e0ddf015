"""Written words as the layout handles them: strokes in x-heights, the baseline at y = 0."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from graves_jax.data.curves import smooth_segments

# Between two pieces of a word that were written apart.
PIECE_GAP = 0.25


@dataclasses.dataclass(frozen=True, eq=False)
class WordInk:
    """The ink of a word.

    Attributes:
      strokes: absolute positions in x-heights, y downwards, the baseline at y = 0. Each [N, 2].
      gap: to the word before as both were written, in x-heights; None where they were not written together.
    """

    strokes: tuple[np.ndarray, ...]
    gap: float | None = None

    @functools.cached_property
    def box(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) of its ink."""
        return extent(self.strokes)

    @property
    def width(self) -> float:
        """Of its ink."""
        return self.box[2] - self.box[0]

    def placed(self, x: float, y: float, scale: float = 1.0) -> list[np.ndarray]:
        """Its strokes with the left edge of the ink at x and the baseline at y, `scale` to the x-height."""
        return [(stroke - (self.box[0], 0.0)) * scale + (x, y) for stroke in self.strokes]


def extent(strokes: Sequence[np.ndarray]) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of strokes drawn as curves, which may swing out a little beyond their points."""
    hulls = np.concatenate([smooth_segments(stroke).reshape(-1, 2) for stroke in strokes])
    return (*hulls.min(axis=0).tolist(), *hulls.max(axis=0).tolist())


def join(inks: Sequence[WordInk]) -> WordInk:
    """Pieces of a word side by side."""
    strokes, x = [], 0.0
    for ink in inks:
        strokes += ink.placed(x, 0.0)
        x += ink.width + PIECE_GAP
    return WordInk(tuple(strokes), inks[0].gap)


def usual_gap(inks: Sequence[WordInk], *, least: float = 0.8, most: float = 2.6) -> float:
    """The gap between words that this hand leaves, in x-heights, within what reads well."""
    gaps = [ink.gap for ink in inks if ink.gap is not None]
    return float(np.clip(np.median(gaps), least, most)) if gaps else (least + most) / 2
