"""Figures of a training run: its losses, and what it wrote on the way."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from graves_jax.drawing.plots.axes import BLUE, GREEN, GREY, HAIRLINE, ORANGE, PURPLE, RED, bare, light, new_figure
from graves_jax.errors import InputError

WIDTH = 10.0
COLUMNS = 2
TITLE_HEIGHT = 0.3


def plot_learning(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], *, unit: str = "nats per point") -> Figure:
    """Loss against training steps.

    Args:
      curves: for each name (say "training", "validation") its steps and its losses, [N] each.
      unit: of the losses.
    Raises:
      InputError: there are no curves, or one has steps and losses of different lengths.
    """
    if not curves or any(len(steps) != len(losses) or not len(steps) for steps, losses in curves.values()):
        raise InputError("Learning curves need a name each, and as many steps as losses.")
    figure = new_figure(7, 3.6)
    axes = figure.subplots()
    for (name, (steps, losses)), style in zip(curves.items(), _styles(len(curves)), strict=True):
        axes.plot(steps, losses, label=name, marker="o" if len(steps) <= 30 else None, ms=3, lw=1.4, **style)
    axes.set(xlabel="training steps", ylabel=f"loss ({unit})")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="y", color="#ddd", lw=HAIRLINE)
    axes.set_axisbelow(True)
    light(axes)
    axes.legend(frameon=False)
    return figure


def plot_progress(pictures: Sequence[tuple[str, np.ndarray]]) -> Figure:
    """Pictures of the same texts at growing training steps, each below its label, from left to right and down.

    Args:
      pictures: (label, picture), the picture of shape [rows, columns, 3 or 4].
    Raises:
      InputError: there are no pictures.
    """
    if not pictures:
        raise InputError("A figure of progress needs at least one picture, found none.")
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    shapes = np.zeros(rows * columns)
    shapes[: len(pictures)] = [picture.shape[0] / picture.shape[1] for _, picture in pictures]
    heights = WIDTH / columns * shapes.reshape(rows, columns).max(axis=1) + TITLE_HEIGHT
    figure = new_figure(WIDTH, heights.sum())
    grid = figure.subplots(rows, columns, squeeze=False, height_ratios=heights)
    for axes in grid.flat:
        axes.set_anchor("NW")
        bare(axes)
    for axes, (label, picture) in zip(grid.flat, pictures, strict=False):
        axes.imshow(picture, interpolation="antialiased")
        axes.set_title(label, fontsize=10, loc="left", color="#444", parse_math=False)
    return figure


def _styles(count: int) -> list[dict[str, Any]]:
    """Colours, and once they are used up the same colours dashed."""
    colours, dashes = (BLUE, ORANGE, GREEN, RED, PURPLE, GREY), ("-", "--", ":")
    return [{"color": colours[n % 6], "ls": dashes[n // 6 % 3]} for n in range(count)]
