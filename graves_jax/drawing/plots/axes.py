"""What the figures share: colours, ink on axes, checks of what is plotted. Figures are made without pyplot."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from graves_jax.data.curves import smooth_segments
from graves_jax.data.ink import Ink
from graves_jax.drawing.raster import stroke_collection
from graves_jax.drawing.svg import INK_COLOUR
from graves_jax.errors import InputError

# From white through one hue to dark: on paper, in grey and to a colour-blind eye more is always darker.
MORE_IS_DARKER = "Blues"
# Okabe & Ito's colours, which stay apart for a colour-blind eye.
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#9a4f80", "#8a8f98"
HAIRLINE, PEN_POINTS = 0.6, 1.1


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, its size in inches, its axes placed so that labels do not collide."""
    return Figure(figsize=(width, height), dpi=100, layout="constrained", facecolor="white")


def draw_ink(
    axes: Axes,
    ink: Ink,
    *,
    left: float | None = None,
    middle: float | None = None,
    colour: str = INK_COLOUR,
    line_width: float = PEN_POINTS,
) -> np.ndarray:
    """Ink on axes, its left edge at `left` and half its pen points above `middle`; None keeps the ink's own place.

    The line width is in points.

    Returns:
      Its box (left, top, right, bottom) on the axes.
    """
    strokes = ink.strokes()
    points = np.concatenate(strokes)
    shift_x = 0.0 if left is None else left - points[:, 0].min()
    shift_y = 0.0 if middle is None else middle - np.median(points[:, 1])
    shift = np.array([shift_x, shift_y])
    # A dot becomes as long as a hair is broad.
    hair = 1e-3 * max(*np.ptp(points, axis=0), 1e-9)
    curves = [smooth_segments(stroke + shift) for stroke in strokes]
    axes.add_collection(
        stroke_collection(curves, colour=colour, line_widths=[line_width], dot_length=hair), autolim=False
    )
    return np.concatenate([points.min(axis=0) + shift, points.max(axis=0) + shift])


def show_line(axes: Axes, ink: Ink) -> None:
    """One line alone on its axes, as wide as they are."""
    left, top, right, bottom = draw_ink(axes, ink)
    pad = 0.02 * max(right - left, bottom - top, 1e-9)
    axes.set(xlim=(left - pad, right + pad), ylim=(bottom + pad, top - pad), aspect="equal")
    bare(axes)


def bare(axes: Axes) -> None:
    """No frame and no ticks."""
    axes.set_axis_off()


def light(axes: Axes) -> None:
    """A frame on two sides only."""
    axes.spines[["top", "right"]].set_visible(False)


def letters_as_ticks(axes: Axes, letters: Sequence[str]) -> None:
    """Characters as the ticks of y, the first one uppermost; a space is shown as an open box."""
    shown = ["␣" if letter == " " else letter for letter in letters]
    axes.set_yticks(range(len(letters)), shown, fontsize=8 if len(letters) <= 40 else 6)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)


def check_shape(name: str, array: np.ndarray, expected: Sequence[int | None], legend: str) -> np.ndarray:
    """The array, if its shape is the expected one; None stands for any size.

    Raises:
      InputError: it is not.
    """
    array = np.asarray(array)
    fits = array.ndim == len(expected) and all(
        size is None or size == found for size, found in zip(expected, array.shape, strict=True)
    )
    if not fits or not array.size:
        sizes = ", ".join("any" if size is None else str(size) for size in expected)
        raise InputError(f"A plot needs {name} of shape {legend}, here [{sizes}], found {list(array.shape)}.")
    return array
