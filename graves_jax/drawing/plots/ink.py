"""Figures of ink: one line in time, writers side by side, sheets of samples."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from graves_jax.data.ink import Ink
from graves_jax.drawing.plots.axes import (
    BLUE,
    GREY,
    HAIRLINE,
    ORANGE,
    PEN_POINTS,
    bare,
    draw_ink,
    light,
    new_figure,
    show_line,
)
from graves_jax.errors import InputError

WIDTH = 10.0
TALLEST_ROW = 1.1
FINEST_PEN = 0.65
# Of a figure of changes, in inches.
TITLE_HEIGHT, CHANGE_HEIGHT, LABEL_WIDTH = 0.35, 0.75, 2.9


def plot_line_in_time(ink: Ink) -> Figure:
    """The line and, below it, what a network sees of it: dx and dy point by point, and where the pen lifts."""
    figure = new_figure(WIDTH, 4.6)
    page, dx, dy = figure.subplots(3, 1, height_ratios=[1.3, 1, 1])
    show_line(page, ink)
    points = np.arange(1, len(ink) + 1)
    lifts = points[ink.offsets[:, 2] == 1]
    for axes, values, name, colour in ((dx, ink.offsets[:, 0], "dx", BLUE), (dy, ink.offsets[:, 1], "dy", ORANGE)):
        axes.vlines(lifts + 0.5, 0, 1, transform=axes.get_xaxis_transform(), color=GREY, lw=HAIRLINE, label="pen lifts")
        axes.plot(points, values, color=colour, lw=0.9)
        axes.set(xlim=(0.5, len(ink) + 0.5), ylabel=f"{name} (ink units)")
        light(axes)
    dx.tick_params(labelbottom=False)
    # Above the axes: the line's last jump is often its largest.
    dx.legend(loc="lower right", bbox_to_anchor=(1, 1), borderpad=0, frameon=False, fontsize=8)
    dy.invert_yaxis()
    dy.set_xlabel("time (pen points); y grows downwards, so its axis does too")
    return figure


def plot_writers(lines: Sequence[tuple[str, Ink]]) -> Figure:
    """One line of each of several writers at one scale, with how many pen points a character takes them.

    Args:
      lines: (writer, ink) with a text each.
    Raises:
      InputError: there are no lines, or one has no text.
    """
    unnamed = [writer for writer, ink in lines if not ink.text]
    if unnamed:
        raise InputError(f"Points per character need a text for each line, found none for writer {unnamed[0]!r}.")
    labels = [f"{writer}\n{len(ink) / len(ink.transcript):.1f} points\nper character" for writer, ink in lines]
    return plot_samples([(label, ink) for label, (_, ink) in zip(labels, lines, strict=True)])


def plot_samples(rows: Sequence[tuple[str, Ink]], title: str | None = None) -> Figure:
    """A contact sheet: one line of ink below the other, flush left, at one scale, each behind its label.

    Raises:
      InputError: there are no rows.
    """
    if not rows:
        raise InputError("A sheet of samples needs at least one row, found none.")
    extents = np.array([np.ptp(np.concatenate(ink.strokes()), axis=0) for _, ink in rows])
    # Inches for each unit of ink: the longest line takes what the labels leave, no row is taller than it should be.
    longest_label = max(len(part) for label, _ in rows for part in label.split("\n"))
    label_width = 0.25 + 0.075 * longest_label
    room = np.array([WIDTH - label_width - 0.1, TALLEST_ROW])
    scale = (room / np.maximum(extents.max(axis=0), 1e-9)).min()
    row_height = max(scale * np.median(extents[:, 1]) * 1.35, 0.2 * max(label.count("\n") + 1.6 for label, _ in rows))
    heights = np.maximum(row_height, scale * extents[:, 1] * 1.1)
    # Small writing looks bold under a pen for large writing.
    pen = PEN_POINTS * np.clip(row_height / TALLEST_ROW, FINEST_PEN, 1)

    top = 0.45 if title else 0.1
    figure = Figure(figsize=(WIDTH, top + heights.sum() + 0.1), dpi=100, facecolor="white")
    total = figure.get_figheight()
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH / scale), ylim=(total / scale, 0))
    bare(axes)
    if title:
        axes.text(0.1 / scale, 0.25 / scale, title, fontsize=12, va="center", parse_math=False)
    for (label, ink), below, height in zip(rows, np.cumsum(heights), heights, strict=True):
        y = (top + below - height / 2) / scale
        draw_ink(axes, ink, left=label_width / scale, middle=_middle_for_box_at(ink, y), line_width=pen)
        axes.text(0.1 / scale, y, label, fontsize=9, va="center", color="#444", parse_math=False)
    return figure


def plot_changes(rows: Sequence[tuple[str, Ink, Ink | None]]) -> Figure:
    """Lines before and after something was done to them, side by side; each column at one scale of its own.

    Args:
      rows: (label, before, after); None for a line that was left out.
    Raises:
      InputError: there are no rows.
    """
    if not rows:
        raise InputError("A figure of changes needs at least one row, found none.")
    height = TITLE_HEIGHT + CHANGE_HEIGHT * len(rows)
    figure = Figure(figsize=(WIDTH, height), dpi=100, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(height, 0))
    bare(axes)
    middles = TITLE_HEIGHT + CHANGE_HEIGHT * (np.arange(len(rows)) + 0.5)
    room = (WIDTH - LABEL_WIDTH) / 2
    before: list[Ink | None] = [ink for _, ink, _ in rows]
    after = [ink for _, _, ink in rows]
    for column, (name, drawn) in enumerate((("before", before), ("after", after))):
        left = LABEL_WIDTH + column * room
        axes.text(left, TITLE_HEIGHT / 2, name, fontsize=10, va="center")
        inks = {place: ink for place, ink in enumerate(drawn) if ink is not None}
        extents = [np.ptp(np.concatenate(ink.strokes()), axis=0) for ink in inks.values()]
        widest, tallest = np.maximum(np.max(extents, axis=0, initial=0), 1e-9) if extents else (1, 1)
        scale = min(0.95 * room / widest, 0.95 * CHANGE_HEIGHT / tallest)
        for place, ink in inks.items():
            scaled = Ink(ink.offsets * np.array([scale, scale, 1]), ink.text)
            draw_ink(axes, scaled, left=left, middle=_middle_for_box_at(scaled, middles[place]), line_width=FINEST_PEN)
    for (label, _, _), middle in zip(rows, middles, strict=True):
        axes.text(0.1, middle, label, fontsize=8, va="center", color="#444", parse_math=False)
    return figure


def _middle_for_box_at(ink: Ink, y: float) -> float:
    """Where the median pen point lies when the middle of the ink's box lies at y."""
    heights = np.concatenate(ink.strokes())[:, 1]
    return y + np.median(heights) - (heights.min() + heights.max()) / 2
