"""Ink as a Matplotlib figure, PNG and PDF: the same page and the same curves as the SVG.

Figures are made without pyplot, so no global state is touched and no window opens.
"""

import os
from collections.abc import Sequence

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure
from matplotlib.path import Path

from graves_jax.data.ink import Ink
from graves_jax.drawing.page import check_bitmap_size, lay_out, runs_of_equal_width
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
    for name in (colour, background):
        if name is not None and not is_color_like(name):
            raise InputError(f"A drawing needs a colour that Matplotlib knows, found {name!r}.")
    if not dpi > 0:
        raise InputError(f"A drawing needs a positive dpi, found {dpi}.")
    page = lay_out(lines, **layout)
    check_bitmap_size(page)
    figure = Figure(figsize=(page.width / dpi, page.height / dpi), dpi=dpi, facecolor=background or "none")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, page.width), ylim=(page.height, 0))
    axes.set_axis_off()
    pieces = [
        piece
        for stroke in zip(page.strokes(), page.stroke_widths(), strict=True)
        for piece in runs_of_equal_width(*stroke)
    ]
    axes.add_collection(
        PathCollection(
            [_path(segments) for segments, _ in pieces],
            facecolors="none",
            edgecolors=colour,
            linewidths=[width * POINTS_PER_INCH / dpi for _, width in pieces],
            capstyle="round",
            joinstyle="round",
            snap=False,
            transform=axes.transData,
        )
    )
    return figure


def save_png(path: str | os.PathLike, lines: Ink | Sequence[Ink], **options) -> None:
    """Writes a PNG of exactly the page's pixels; options as `ink_to_figure`."""
    ink_to_figure(lines, **options).savefig(path, format="png")


def save_pdf(path: str | os.PathLike, lines: Ink | Sequence[Ink], **options) -> None:
    """Writes a PDF of one page; options as `ink_to_figure`. It bears no date, so the same ink gives the same file."""
    ink_to_figure(lines, **options).savefig(path, format="pdf", metadata={"CreationDate": None})


def _path(segments: np.ndarray) -> Path:
    """Bezier segments [S, 4, 2] as a Matplotlib path."""
    vertices = np.concatenate([segments[0, :1], segments[:, 1:].reshape(-1, 2)])
    # A dot needs some length for its round ends to be drawn, and that the collection does not snap to whole pixels.
    if np.all(vertices == vertices[0]):
        return Path(vertices[0] + np.array([[0, 0], [0.01, 0]]))
    return Path(vertices, [Path.MOVETO] + [Path.CURVE4] * (3 * len(segments)))
