"""Ink as a Matplotlib figure, PNG and PDF: the same page and the same curves as the SVG.

Figures are made without pyplot, so no global state is touched and no window opens.
"""

import io
import os
from collections.abc import Sequence

import numpy as np
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure
from matplotlib.path import Path
from PIL import Image

from graves_jax.data.ink import Ink
from graves_jax.drawing.page import (
    MM_PER_INCH,
    RULE_COLOUR,
    RULE_WIDTH,
    Page,
    check_bitmap_size,
    lay_out,
    runs_of_equal_width,
)
from graves_jax.drawing.svg import INK_COLOUR, PAPER_COLOUR
from graves_jax.errors import InputError

POINTS_PER_INCH = 72


def ink_to_figure(
    lines: Ink | Sequence[Ink],
    *,
    colour: str = INK_COLOUR,
    background: str | None = PAPER_COLOUR,
    dpi: int = 100,
    **layout,
) -> Figure:
    """A figure that the page fills to its edges.

    Args:
      lines: what to draw.
      colour: of the ink, as Matplotlib names it.
      background: of the page, as Matplotlib names it. None leaves it clear.
      dpi: page pixels per inch. A PNG has the page's pixels whatever it is; on paper and in a PDF it sets the size.
      **layout: width, height, stroke_width, margin, line_spacing, smooth, variable_width: see `page.lay_out`.
    Raises:
      InputError: an unknown colour, a dpi that is not positive, a page too large to paint, or as `page.lay_out`.
    """
    _check_look(colour, background, dpi)
    return page_to_figure(lay_out(lines, **layout), colour=colour, background=background, dpi=dpi)


def page_to_figure(page: Page, *, colour: str = INK_COLOUR, background: str | None = PAPER_COLOUR, dpi: int) -> Figure:
    """A figure of a page in pixels, with what is printed on the paper; see `ink_to_figure`."""
    _check_look(colour, background, dpi)
    check_bitmap_size(page)
    figure = Figure(figsize=(page.width / dpi, page.height / dpi), dpi=dpi, facecolor=background or "none")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, page.width), ylim=(page.height, 0))
    axes.set_axis_off()
    if len(page.rules):
        width = RULE_WIDTH / MM_PER_INCH * POINTS_PER_INCH
        axes.add_collection(LineCollection(list(page.rules.reshape(-1, 2, 2)), colors=RULE_COLOUR, linewidths=width))
    if page.picture is not None:
        png, left, top, width, height = page.picture
        picture = np.asarray(Image.open(io.BytesIO(png)))
        axes.imshow(picture, extent=(left, left + width, top + height, top), aspect="auto", zorder=0)
        axes.set(xlim=(0, page.width), ylim=(page.height, 0))
    pieces = [
        piece
        for stroke in zip(page.strokes(), page.stroke_widths(), strict=True)
        for piece in runs_of_equal_width(*stroke)
    ]
    axes.add_collection(
        stroke_collection(
            [segments for segments, _ in pieces],
            colour=colour,
            line_widths=[width * POINTS_PER_INCH / dpi for _, width in pieces],
            dot_length=0.01,
        )
    )
    return figure


def _check_look(colour: str, background: str | None, dpi: float) -> None:
    for name in (colour, background):
        if name is not None and not is_color_like(name):
            raise InputError(f"A drawing needs a colour that Matplotlib knows, found {name!r}.")
    if not dpi > 0:
        raise InputError(f"A drawing needs a positive dpi, found {dpi}.")


def stroke_collection(
    strokes: Sequence[np.ndarray], *, colour: str, line_widths: Sequence[float], dot_length: float
) -> PathCollection:
    """Strokes with round ends for the data coordinates of the axes that they are added to.

    Args:
      strokes: Bezier segments [S, 4, 2] each (see `curves`).
      colour: as Matplotlib names it.
      line_widths: in points, one for each stroke or one for all.
      dot_length: a dot is drawn as a line of this length, because Matplotlib draws no line without length.
    """
    return PathCollection(
        [_path(segments, dot_length) for segments in strokes],
        facecolors="none",
        edgecolors=colour,
        linewidths=line_widths,
        capstyle="round",
        joinstyle="round",
        # Snapped to whole pixels a dot would lose its length again.
        snap=False,
    )


def save_png(path: str | os.PathLike, lines: Ink | Sequence[Ink], **options) -> None:
    """Writes a PNG of exactly the page's pixels; options as `ink_to_figure`."""
    figure = ink_to_figure(lines, **options)
    # A little over: some versions of Matplotlib cut pixels off to whole numbers, and 57 / 100 * 100 is less than 57.
    width, height = figure.get_size_inches() * (1 + 1e-12)
    figure.set_size_inches(width, height)
    figure.savefig(path, format="png")


def save_pdf(path: str | os.PathLike, lines: Ink | Sequence[Ink], **options) -> None:
    """Writes a PDF of one page; options as `ink_to_figure`. It bears no date, so the same ink gives the same file."""
    ink_to_figure(lines, **options).savefig(path, format="pdf", metadata={"CreationDate": None})


def _path(segments: np.ndarray, dot_length: float) -> Path:
    """Bezier segments [S, 4, 2] as a Matplotlib path."""
    vertices = np.concatenate([segments[0, :1], segments[:, 1:].reshape(-1, 2)])
    if np.all(vertices == vertices[0]):
        return Path(vertices[0] + np.array([[0, 0], [dot_length, 0]]))
    return Path(vertices, [Path.MOVETO] + [Path.CURVE4] * (3 * len(segments)))
