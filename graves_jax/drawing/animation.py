"""The pen writing: a GIF, and an SVG that moves by itself in a browser.

Both keep the pen's own time: each point of the ink takes equally long, and a movement through the air takes as long as
one point.
"""

import math
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from PIL import GifImagePlugin, Image, ImageColor, ImageDraw

from graves_jax.data.curves import flatten
from graves_jax.data.ink import Ink
from graves_jax.drawing.page import Page, check_bitmap_size, lay_out
from graves_jax.drawing.svg import INK_COLOUR, PAPER_COLOUR, path_data, pen_width, svg_document
from graves_jax.errors import InputError

# The finished page is shown for so long before the pen starts again.
HOLD_SECONDS = 2.0
# The GIF is drawn so many times larger and reduced, in so many shades from paper to ink: smooth edges, small files.
SUPERSAMPLING, SHADES = 4, 16
# Straight pieces for each Bezier segment.
PIECES = 4
# A GIF counts time in hundredths of a second, and browsers slow down what is faster than 2 of them.
GIF_TICKS_PER_SECOND, FEWEST_TICKS = 100, 2


def ink_to_gif(
    path: str | os.PathLike,
    lines: Ink | Sequence[Ink],
    *,
    frames_per_second: float = 25.0,
    points_per_second: float = 120.0,
    colour: str = INK_COLOUR,
    background: str = PAPER_COLOUR,
    **layout,
) -> None:
    """Writes an endless GIF of the pen writing the page; its last frame is the finished drawing.

    Args:
      path: the file.
      lines: what to draw, top to bottom.
      frames_per_second: at most 50; rounded so that a frame lasts whole hundredths of a second.
      points_per_second: how fast the pen writes.
      colour, background: as CSS writes them.
      **layout: width, height, stroke_width, margin, line_spacing, smooth, variable_width: see `page.lay_out`.
    Raises:
      InputError: a rate that is out of range, an unknown colour, or as `page.lay_out`.
    """
    page_to_gif(
        path,
        lay_out(lines, **layout),
        frames_per_second=frames_per_second,
        points_per_second=points_per_second,
        colour=colour,
        background=background,
    )


def page_to_gif(
    path: str | os.PathLike,
    page: Page,
    *,
    frames_per_second: float = 25.0,
    points_per_second: float = 120.0,
    colour: str = INK_COLOUR,
    background: str = PAPER_COLOUR,
) -> None:
    """Writes the GIF of a page in pixels; see `ink_to_gif`."""
    most = GIF_TICKS_PER_SECOND // FEWEST_TICKS
    if not 0 < frames_per_second <= most:
        raise InputError(f"A GIF shows more than 0 and at most {most} frames per second, found {frames_per_second}.")
    palette = _palette(colour, background)
    check_bitmap_size(page)
    _check_pen_speed(points_per_second)
    ticks = max(round(GIF_TICKS_PER_SECOND / frames_per_second), FEWEST_TICKS)
    points_per_frame = points_per_second * ticks / GIF_TICKS_PER_SECOND
    times, polylines, widths = _pieces(page)
    # A blank page is one frame.
    frames = max(math.ceil(times.max(initial=0) / points_per_frame), 1)
    # The last frame takes what is left, whichever way its time was rounded.
    cuts = [*np.searchsorted(times, np.arange(1, frames) * points_per_frame, side="right").tolist(), len(times)]
    with open(path, "wb") as file:
        for number, (corner, shades) in enumerate(
            _changes(polylines, widths, cuts, (int(page.width), int(page.height)))
        ):
            picture = Image.fromarray(shades)
            picture.putpalette(palette)
            if number == 0:
                file.write(b"".join(GifImagePlugin.getheader(picture, info={"loop": 0})[0]))
            milliseconds = 1_000 * (HOLD_SECONDS if number == frames - 1 else ticks / GIF_TICKS_PER_SECOND)
            file.write(b"".join(GifImagePlugin.getdata(picture, corner, duration=round(milliseconds))))
        file.write(b";")


def ink_to_animated_svg(
    lines: Ink | Sequence[Ink],
    *,
    points_per_second: float = 120.0,
    colour: str = INK_COLOUR,
    background: str | None = PAPER_COLOUR,
    **layout,
) -> str:
    """An SVG document in which the pen writes the page, again and again, in any browser and without a script.

    A program that shows no animation shows the finished drawing. Each stroke has one speed and one width.

    Args:
      lines: what to draw, top to bottom.
      points_per_second: how fast the pen writes.
      colour, background: as `svg.ink_to_svg`.
      **layout: width, height, stroke_width, margin, line_spacing, smooth, variable_width: see `page.lay_out`.
    Raises:
      InputError: points_per_second is not positive, or as `page.lay_out`.
    """
    page = lay_out(lines, **layout)
    _check_pen_speed(points_per_second)
    begins, ends = _pen_times(page.strokes())
    seconds = ends[-1] / points_per_second + HOLD_SECONDS
    whole = seconds * points_per_second
    elements = []
    for segments, widths, begin, end in zip(page.strokes(), page.stroke_widths(), begins, ends, strict=True):
        path = f'd="{path_data(segments, page.smooth)}"{pen_width(page, float(np.median(widths)))}'
        elements.append(_moving_path(path, begin / whole, end / whole, seconds))
    return svg_document(page, elements, colour=colour, background=background)


def _moving_path(path: str, begin: float, end: float, seconds: float) -> str:
    """A path that appears between two parts (0 to 1) of a period: one dash as long as the path slides into it."""
    # The dash starts a little way off: at its very edge a browser would show its round end before its time.
    return (
        f'<path {path} pathLength="1" stroke-dasharray="1 2">'
        f'<animate attributeName="stroke-dashoffset" values="1.02;1.02;0;0" keyTimes="0;{begin:.5f};{end:.5f};1" '
        f'dur="{seconds:.2f}s" repeatCount="indefinite"/></path>'
    )


def _check_pen_speed(points_per_second: float) -> None:
    if not 0 < points_per_second < math.inf:
        raise InputError(f"An animation needs a positive number of points per second, found {points_per_second}.")


def _pen_times(strokes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """When each stroke begins and ends, counted in points: one for each segment, one for each way through the air."""
    lengths = np.array([len(stroke) for stroke in strokes])
    ends = np.cumsum(lengths + 1) - 1
    return ends - lengths, ends


def _changes(
    polylines: np.ndarray, widths: np.ndarray, cuts: Sequence[int], size: tuple[int, int]
) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """What each frame of the film changes: the upper left corner of a box and the shades in it, uint8 [height, width].

    The first frame's box is the whole page. A shade is 0 for paper to SHADES - 1 for ink.

    Args:
      polylines, widths: as `_pieces`.
      cuts: for each frame how many of the pieces are drawn in it.
      size: of the page, in pixels.
    """
    canvas = Image.new("L", (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING))
    pen = ImageDraw.Draw(canvas)
    for number, (done, until) in enumerate(pairwise([0, *cuts])):
        for polyline, width in zip(polylines[done:until], widths[done:until], strict=True):
            _draw_round(pen, polyline * SUPERSAMPLING, width * SUPERSAMPLING)
        box = _box_around(polylines[done:until], widths[done:until], size) if number else (0, 0, *size)
        left, top, right, bottom = (SUPERSAMPLING * side for side in box)
        covered = canvas.reduce(SUPERSAMPLING, (left, top, right, bottom))
        yield box[:2], np.round(np.asarray(covered) * ((SHADES - 1) / 255)).astype(np.uint8)


def _pieces(page: Page) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The page cut at its pen points, in the order of writing.

    Returns:
      When each segment is finished, in points [S]; its polyline [S, PIECES + 1, 2] and its width [S], in pixels.
    """
    strokes = page.strokes()
    if not strokes:
        return np.zeros(0), np.zeros((0, PIECES + 1, 2)), np.zeros(0)
    begins, _ = _pen_times(strokes)
    times = np.concatenate([begin + 1 + np.arange(len(stroke)) for begin, stroke in zip(begins, strokes, strict=True)])
    segments = np.concatenate(strokes)
    polylines = np.concatenate([segments[:, :1], flatten(segments, PIECES)], axis=1)
    return times, polylines, np.concatenate(page.stroke_widths())


def _draw_round(pen: ImageDraw.ImageDraw, polyline: np.ndarray, width: float) -> None:
    """A polyline with round ends and joins, on the enlarged canvas."""
    pen.line(polyline.ravel().tolist(), fill=255, width=round(width))
    # Pillow counts a disc's rim as a pixel of its own.
    radius = (width - 1) / 2
    for x, y in polyline.tolist():
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def _box_around(polylines: np.ndarray, widths: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Whole pixels around freshly drawn pieces, (left, top, right, bottom); one pixel where nothing was drawn."""
    if not len(polylines):
        return 0, 0, 1, 1
    points = polylines.reshape(-1, 2)
    reach = widths.max() / 2 + 1
    left, top = np.maximum(np.floor(points.min(axis=0) - reach), 0)
    right, bottom = np.minimum(np.ceil(points.max(axis=0) + reach), size)
    return int(left), int(top), int(right), int(bottom)


def _palette(colour: str, background: str | None) -> list[int]:
    """SHADES colours from paper to ink, as one list of red, green, blue."""
    if background is None:
        raise InputError("A GIF needs a background colour, found None.")
    try:
        ink, paper = ImageColor.getrgb(colour)[:3], ImageColor.getrgb(background)[:3]
    except ValueError as error:
        raise InputError(f"A GIF needs colours as CSS writes them, found {colour!r} on {background!r}.") from error
    shares = np.linspace(0, 1, SHADES)[:, None]
    return np.round((1 - shares) * paper + shares * ink).astype(int).ravel().tolist()
