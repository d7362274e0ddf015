"""Ink laid out on a page: what SVG, PNG, PDF and GIF draw from, so that they show the same picture.

A page is measured in pixels, or in millimetres where it is a sheet of paper, x to the right, y downwards, the origin in
its upper left corner.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from graves_jax.data.curves import smooth_segments, straight_segments
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError

# With no height given, no line is taller than this part of the page's width, so that a short word is not blown up.
TALLEST_LINE = 1 / 6
# The pen of a page that names none: this part of a line's height, and never finer or broader than these pixels.
PEN_OF_LINE, FINEST_PEN, BROADEST_PEN = 1 / 28, 1.0, 5.0
# Widths of a varying pen at rest and at its fastest, in parts of the stroke width. They are rounded to steps too small
# to be seen, so that neighbouring segments share a width and a path.
BROADEST_STROKE, FINEST_STROKE, WIDTH_STEP = 1.4, 0.6, 1 / 16
# GIF and Matplotlib count to 65_535; a page of more pixels than this would take gigabytes to paint.
LONGEST_SIDE, MOST_PIXELS = 65_535, 50_000_000
MM_PER_INCH = 25.4
# Lines that are printed on paper: their colour, and their width in mm.
RULE_COLOUR, RULE_WIDTH = "#a9c3dd", 0.15


@dataclasses.dataclass(frozen=True, eq=False)
class Page:
    """Curves in their places.

    Attributes:
      width, height: whole pixels, or mm.
      stroke_width: of the pen, in the page's unit.
      smooth: whether the segments are curves; if not they are straight and their handles say nothing.
      lines: for each line of ink its strokes, each as Bezier segments [S, 4, 2] (see `curves`).
      widths: for each line and stroke the pen's width at each segment [S], in the page's unit.
      texts: for each line its transcript or None.
      unit: px or mm.
      rules: straight lines that are printed on the paper, (x0, y0, x1, y1) each. Shape [N, 4].
      picture: a PNG, its left and upper edge, width and height in the page's unit; or None.
    """

    width: float
    height: float
    stroke_width: float
    smooth: bool
    lines: list[list[np.ndarray]]
    widths: list[list[np.ndarray]]
    texts: list[str | None]
    unit: Literal["px", "mm"] = "px"
    rules: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 4)))
    picture: tuple[bytes, float, float, float, float] | None = None

    def strokes(self) -> list[np.ndarray]:
        """The strokes of all lines, in the order they were written."""
        return [stroke for line in self.lines for stroke in line]

    def stroke_widths(self) -> list[np.ndarray]:
        """The pen's width along each of `strokes()`."""
        return [widths for line in self.widths for widths in line]

    def in_pixels(self, dpi: float) -> "Page":
        """A page in mm as one in pixels, so many to the inch."""
        factor = dpi / MM_PER_INCH
        return dataclasses.replace(
            self,
            width=max(round(self.width * factor), 1),
            height=max(round(self.height * factor), 1),
            stroke_width=self.stroke_width * factor,
            lines=[[stroke * factor for stroke in line] for line in self.lines],
            widths=[[widths * factor for widths in line] for line in self.widths],
            unit="px",
            rules=self.rules * factor,
            picture=self.picture and (self.picture[0], *(side * factor for side in self.picture[1:])),
        )


def lay_out(
    lines: Ink | Sequence[Ink],
    *,
    width: int = 1_000,
    height: int | None = None,
    stroke_width: float | None = None,
    margin: float = 20.0,
    line_spacing: float = 1.25,
    smooth: bool = True,
    variable_width: bool = False,
) -> Page:
    """Lines of ink below each other, flush left, all at one scale.

    Args:
      lines: one line or several; several are one page, top to bottom.
      width: of the page, in pixels; the longest line fills it.
      height: of the page, in pixels. None makes the page as tall as its lines.
      stroke_width: of the pen, in pixels. None takes a pen that suits the size of the writing.
      margin: from the page's edge to the path of the pen, in pixels.
      line_spacing: from one line to the next, in parts of the distance at which they touch or of a typical line's
        height, whichever is more.
      smooth: curves through the pen points; if not, straight lines between them.
      variable_width: whether the pen is broader where it is slower.
    Raises:
      InputError: there is no ink, or a size is not positive, or the margin leaves no room.
    """
    inks = [lines] if isinstance(lines, Ink) else list(lines)
    _check_sizes(inks, width, height, stroke_width, margin, line_spacing)
    curves = [_curves(ink, smooth) for ink in inks]
    boxes = np.array([_bounding_box(strokes) for strokes in curves])
    middles = _middles_below_each_other(boxes, line_spacing)
    extent = np.array([(boxes[:, 2] - boxes[:, 0]).max(), middles[-1] + boxes[-1, 3]])
    line_heights = boxes[:, 3] - boxes[:, 1]

    if height is None:
        scale = _scale((width - 2 * margin, TALLEST_LINE * width), (extent[0], line_heights.max()))
    else:
        scale = _scale((width - 2 * margin, height - 2 * margin), extent)
    placed = [
        [(stroke - (box[0], 0)) * scale + (margin, margin + scale * middle) for stroke in strokes]
        for strokes, box, middle in zip(curves, boxes, middles, strict=True)
    ]
    pen = stroke_width or float(np.clip(PEN_OF_LINE * scale * np.median(line_heights), FINEST_PEN, BROADEST_PEN))
    return Page(
        width=int(width),
        height=max(math.ceil(2 * margin + scale * extent[1]), math.ceil(pen)) if height is None else int(height),
        stroke_width=pen,
        smooth=smooth,
        lines=placed,
        widths=[[pen * widths for widths in line] for line in relative_widths(placed, variable_width)],
        texts=[ink.text for ink in inks],
    )


def runs_of_equal_width(segments: np.ndarray, widths: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """A stroke [S, 4, 2] cut where the pen's width [S] changes: each piece and its width."""
    changes = np.flatnonzero(np.diff(widths)) + 1
    starts = [0, *changes.tolist()]
    return list(zip(np.split(segments, changes), widths[starts].tolist(), strict=True))


def check_bitmap_size(page: Page) -> None:
    """Raises InputError for a page that has too many pixels to be painted one by one."""
    if max(page.width, page.height) > LONGEST_SIDE or page.width * page.height > MOST_PIXELS:
        raise InputError(
            f"A bitmap has at most {LONGEST_SIDE:_} pixels a side and {MOST_PIXELS:_} in all, "
            f"found {page.width:_} x {page.height:_}; SVG has no such limit."
        )


def _check_sizes(inks, width, height, stroke_width, margin, line_spacing) -> None:
    """Raises InputError for a page that cannot be drawn."""
    if not inks:
        raise InputError("A drawing needs at least one line of ink, found none.")
    sizes = {"width": width, "height": height, "stroke_width": stroke_width, "line_spacing": line_spacing}
    for name, size in sizes.items():
        if size is not None and not 0 < size < math.inf:
            raise InputError(f"A drawing needs a positive {name}, found {size}.")
    for name, size in {"width": width, "height": height}.items():
        if size is not None and size != int(size):
            raise InputError(f"A drawing needs a {name} in whole pixels, found {size}.")
    smallest = min(width, width if height is None else height)
    if not 0 <= margin < smallest / 2:
        raise InputError(
            f"A page {smallest} pixels across needs a margin from 0 to under {smallest / 2:g}, found {margin}."
        )


def _curves(ink: Ink, smooth: bool) -> list[np.ndarray]:
    """The strokes of one line as Bezier segments, moved up or down until the line's middle is at height 0.

    The middle is where half the pen points lie above: near the middle of the small letters, whether or not the line
    has ascenders and descenders.
    """
    strokes = ink.strokes()
    middle = np.median(np.concatenate(strokes)[:, 1])
    segments_of = smooth_segments if smooth else straight_segments
    return [segments_of(stroke - (0, middle)) for stroke in strokes]


def _bounding_box(strokes: list[np.ndarray]) -> np.ndarray:
    """(left, top, right, bottom) of all Bezier points; a curve stays inside the hull of its points."""
    points = np.concatenate(strokes).reshape(-1, 2)
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _middles_below_each_other(boxes: np.ndarray, line_spacing: float) -> np.ndarray:
    """How far below the top of the writing each line's middle lies, in the ink's unit. Shape [lines].

    From one to the next is at least a typical line's height, so that a page is even, and more where a line that drifts
    would touch its neighbour.
    """
    above, below = -boxes[:, 1], boxes[:, 3]
    pitches = line_spacing * np.maximum(np.median(above + below), below[:-1] + above[1:])
    return above[0] + np.concatenate([[0.0], np.cumsum(pitches)])


def _scale(room: ArrayLike, ink: ArrayLike) -> float:
    """Pixels per unit of ink so that the ink fits its room, (x, y) each; 1 for ink that is a single dot."""
    most, extent = np.array(room, np.float64), np.array(ink, np.float64)
    wide = extent > 0
    return float((most[wide] / extent[wide]).min()) if wide.any() else 1.0


def relative_widths(lines: list[list[np.ndarray]], variable: bool) -> list[list[np.ndarray]]:
    """For each line and stroke the pen's width at each segment [S], in parts of the stroke width.

    Points are sampled evenly in time, so a segment's length is its speed. A dot is always a stroke at rest and broad,
    or it would hardly be seen.
    """
    speeds = [[np.hypot(*(s[:, 3] - s[:, 0]).T) for s in strokes] for strokes in lines]
    every_speed = np.concatenate([speed for line in speeds for speed in line])
    moving = every_speed[every_speed > 0]
    median = np.median(moving) if len(moving) else 1.0
    return [
        [_width_at(speed / median) if variable or not speed.any() else np.ones(len(speed)) for speed in line]
        for line in speeds
    ]


def _width_at(speeds: np.ndarray) -> np.ndarray:
    """Widths in parts of the stroke width for speeds in parts of the median one. Shape [S] to [S].

    Falls from the broadest at rest through 1 at the median speed towards the finest.
    """
    # A mean over five segments: a pen's width follows its speed with some delay, and jumps would be seen.
    padded = np.pad(speeds, 2, mode="edge")
    even = np.convolve(padded, np.full(5, 1 / 5), mode="valid")
    share = (1 - FINEST_STROKE) / (BROADEST_STROKE - FINEST_STROKE)
    widths = FINEST_STROKE + (BROADEST_STROKE - FINEST_STROKE) * share**even
    return np.round(widths / WIDTH_STEP) * WIDTH_STEP
