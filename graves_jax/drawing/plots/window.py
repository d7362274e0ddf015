"""Figures of the attention: which characters the window looks at while the pen writes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch

from graves_jax.data.ink import Ink
from graves_jax.drawing.plots.axes import (
    GREY,
    HAIRLINE,
    MORE_IS_DARKER,
    check_shape,
    letters_as_ticks,
    new_figure,
    show_line,
)

WIDTH = 10.0
# At a space the window is many times as dark as within a letter: the root of a weight shows both.
POWER = 0.5


def plot_window(phi: np.ndarray, text: str, ink: Ink) -> Figure:
    """The window φ(t, u) over time, Graves (2013) figure 13, below the ink that was written under it.

    Thin lines join the place on the page where the pen came to a new letter with that moment in the map.

    Args:
      phi: weight of each character at each pen point. Shape [T, U].
      text: its characters, U of them.
      ink: what was written, T rows.
    Raises:
      InputError: phi has another shape.
    """
    phi = check_shape("phi", phi, (len(ink), len(text)), "[T, U]")
    figure = new_figure(WIDTH, 2.5 + max(0.14 * len(text), 1.5))
    page, window = figure.subplots(2, 1, height_ratios=[1, max(0.14 * len(text), 1.5)])
    # Room for the lines that join the two.
    figure.set_layout_engine("constrained", hspace=0.12)
    show_line(page, ink)
    _show_map(figure, window, phi, "φ(t, u)")
    letters_as_ticks(window, text)
    window.set_ylabel("text")
    _join_letters(figure, page, window, phi, ink)
    return figure


def plot_window_characters(w: np.ndarray, characters: Sequence[str]) -> Figure:
    """The window w_t over the alphabet, Graves (2013) equation (47): what the network reads at each pen point.

    Characters that the window never looks at are left out.

    Args:
      w: shape [T, C].
      characters: the alphabet's C characters; an entry may be longer, say "other".
    Raises:
      InputError: w has another shape.
    """
    w = check_shape("w", w, (None, len(characters)), "[T, C]")
    seen = np.flatnonzero(w.max(axis=0) > 0.01 * w.max())
    figure = new_figure(WIDTH, 1.0 + max(0.14 * len(seen), 1.5))
    axes = figure.subplots()
    _show_map(figure, axes, w[:, seen], "w(t, c)")
    letters_as_ticks(axes, [characters[int(c)] for c in seen])
    axes.set_ylabel("character")
    return figure


def _show_map(figure: Figure, axes: Axes, weights: np.ndarray, name: str) -> None:
    """Weights [T, rows] as a map, time to the right, the first row uppermost."""
    extent = (0.5, len(weights) + 0.5, weights.shape[1] - 0.5, -0.5)
    norm = PowerNorm(POWER, vmin=0, vmax=weights.max())
    picture = axes.imshow(
        weights.T, aspect="auto", cmap=MORE_IS_DARKER, norm=norm, extent=extent, interpolation="nearest"
    )
    axes.set_xlabel("time (pen points)")
    axes.hlines(np.arange(weights.shape[1] - 1) + 0.5, *axes.get_xlim(), color="#eee", lw=HAIRLINE)
    figure.colorbar(picture, ax=axes, label=name, pad=0.01, fraction=0.02, aspect=40)


def _join_letters(figure: Figure, page: Axes, window: Axes, phi: np.ndarray, ink: Ink) -> None:
    """Lines from the ink to the map, one where each letter is first looked at most."""
    positions = np.cumsum(ink.offsets[:, :2], axis=0, dtype=np.float64)
    bottom = page.get_ylim()[0]
    looked_at = np.argmax(phi, axis=1)
    for letter in np.unique(looked_at):
        t = int(np.argmax(looked_at == letter))
        line = ConnectionPatch(
            (positions[t, 0], bottom), (t + 1, -0.5), "data", "data", axesA=page, axesB=window, color=GREY, lw=HAIRLINE
        )
        line.set_in_layout(False)
        figure.add_artist(line)
