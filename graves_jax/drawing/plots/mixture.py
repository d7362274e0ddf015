"""Figures of the mixture density: where the network expects the next point, and from which component.

Row t of a mixture is the prediction of row t of the ink, made when the pen stands at the point before it.
"""

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from graves_jax.data.ink import Ink
from graves_jax.drawing.plots.axes import (
    BLUE,
    GREY,
    HAIRLINE,
    MORE_IS_DARKER,
    RED,
    bare,
    check_shape,
    draw_ink,
    light,
    new_figure,
)

WIDTH = 10.0
PAGE_COLUMNS = 1_400
# A component is drawn so many standard deviations far: beyond lies one part in 270_000, too pale to show an edge.
REACH = 5.0
# Sharp predictions are thousands of times denser than broad ones: this power of the density shows both.
POWER = 0.35
# From white over orange to black: each step is darker than the one before, in grey too.
DENSITY_MAP = "gist_heat_r"


def plot_mixture_density(
    ink: Ink, pi: np.ndarray, mu: np.ndarray, sigma: np.ndarray, rho: np.ndarray, e: np.ndarray
) -> Figure:
    """The predicted density of every next point, summed over a written line, Graves (2013) figure 10.

    Small dark spots are points inside a stroke, predicted closely; pale clouds are the starts of strokes. Below, at the
    pen's place, the probability that the stroke ends, and where it did.

    Args:
      ink: the line, T rows, in the units of the mixture.
      pi: weights of the M components. Shape [T, M].
      mu: means of the next offset. Shape [T, M, 2].
      sigma: standard deviations. Shape [T, M, 2].
      rho: correlations. Shape [T, M].
      e: probability that the stroke ends with this point. Shape [T].
    Raises:
      InputError: one of them has another shape.
    """
    num_points, num_components = len(ink), np.shape(pi)[-1] if np.ndim(pi) else 0
    pi = check_shape("pi", pi, (num_points, num_components), "[T, M]")
    mu = check_shape("mu", mu, (num_points, num_components, 2), "[T, M, 2]")
    sigma = check_shape("sigma", sigma, (num_points, num_components, 2), "[T, M, 2]")
    rho = check_shape("rho", rho, (num_points, num_components), "[T, M]")
    e = check_shape("e", e, (num_points,), "[T]")

    after = np.cumsum(ink.offsets[:, :2], axis=0, dtype=np.float64)
    before = after - ink.offsets[:, :2]
    left, top, right, bottom = box = _page_box(before, after)
    pixel = (right - left) / PAGE_COLUMNS
    density = page_density(before, pi, mu, sigma, rho, box=box, pixel=pixel)

    page_height = WIDTH * (bottom - top) / (right - left)
    figure = new_figure(WIDTH, page_height + 1.8)
    page, ends = figure.subplots(2, 1, height_ratios=[page_height, 1.3], sharex=True)
    norm = PowerNorm(POWER, vmin=0, vmax=density.max())
    picture = page.imshow(density, extent=(left, right, bottom, top), cmap=DENSITY_MAP, norm=norm, aspect="equal")
    draw_ink(page, ink, colour=BLUE, line_width=0.5)
    bare(page)
    bar = figure.colorbar(picture, cax=page.inset_axes((1.01, 0, 0.012, 1)), ticks=[0, density.max()])
    bar.ax.set_yticklabels(["0", "most"])
    bar.set_label("density")
    _show_ends(ends, ink, after[:, 0], e)
    return figure


def plot_mixture_weights(ink: Ink, pi: np.ndarray) -> Figure:
    """The mixture weights over time, Graves (2013) figure 11: which component predicts which point.

    Marks above the map tell the first point of each stroke, to which the pen goes through the air.

    Args:
      ink: the line, T rows.
      pi: shape [T, M].
    Raises:
      InputError: pi has another shape.
    """
    pi = check_shape("pi", pi, (len(ink), None), "[T, M]")
    num_points, num_components = pi.shape
    figure = new_figure(WIDTH, 1.4 + 0.12 * num_components)
    axes = figure.subplots()
    extent = (0.5, num_points + 0.5, num_components + 0.5, 0.5)
    picture = axes.imshow(
        pi.T, aspect="auto", cmap=MORE_IS_DARKER, vmin=0, vmax=1, extent=extent, interpolation="nearest"
    )
    firsts = np.flatnonzero(ink.offsets[:-1, 2] == 1) + 2
    axes.plot(
        firsts,
        np.full(len(firsts), 1.02),
        "v",
        color=RED,
        ms=5,
        clip_on=False,
        transform=axes.get_xaxis_transform(),
        label="first point of a stroke",
    )
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1.03), borderpad=0, frameon=False, fontsize=8)
    axes.set(xlabel="time (pen points)", ylabel="component", yticks=[1, *range(5, num_components + 1, 5)])
    figure.colorbar(picture, ax=axes, label="weight π", pad=0.01, fraction=0.02, aspect=30)
    return figure


def page_density(
    before: np.ndarray,
    pi: np.ndarray,
    mu: np.ndarray,
    sigma: np.ndarray,
    rho: np.ndarray,
    *,
    box: tuple[float, float, float, float],
    pixel: float,
) -> np.ndarray:
    """The mixtures' densities on a page, summed over time.

    Each component is spread by half a pixel, so that one far narrower than a pixel keeps its mass.

    Args:
      before: the pen's place when each prediction was made. Shape [T, 2].
      pi, mu, sigma, rho: as `plot_mixture_density`.
      box: left, top, right, bottom of the page.
      pixel: side of a pixel, in units of ink.
    Returns:
      Points per unit of area at the pixels' centres. Shape [rows, columns], the first row uppermost.
    """
    left, top, right, bottom = box
    xs = np.arange(left + pixel / 2, right, pixel)
    ys = np.arange(top + pixel / 2, bottom, pixel)
    density = np.zeros((len(ys), len(xs)))
    grain = (pixel / 2) ** 2
    for t, j in zip(*np.nonzero(pi > 1e-4), strict=True):
        mean = before[t] + mu[t, j]
        var_x, var_y = sigma[t, j] ** 2 + grain
        covariance = rho[t, j] * sigma[t, j, 0] * sigma[t, j, 1]
        columns = _slice_around(xs, mean[0], REACH * np.sqrt(var_x))
        rows = _slice_around(ys, mean[1], REACH * np.sqrt(var_y))
        x, y = xs[columns] - mean[0], (ys[rows] - mean[1])[:, None]
        determinant = var_x * var_y - covariance**2
        exponent = (var_y * x**2 - 2 * covariance * x * y + var_x * y**2) / (2 * determinant)
        density[rows, columns] += pi[t, j] * np.exp(-exponent) / (2 * np.pi * np.sqrt(determinant))
    return density


def _slice_around(centres: np.ndarray, middle: float, reach: float) -> slice:
    return slice(*np.searchsorted(centres, (middle - reach, middle + reach)))


def _page_box(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float, float]:
    """The line with air around it, not so low that a level line would be a thread."""
    points = np.concatenate([before, after])
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    air = max(0.02 * (right - left), 0.25 * (bottom - top), 1e-9)
    return left - air, top - air, right + air, bottom + air


def _show_ends(axes, ink: Ink, x: np.ndarray, e: np.ndarray) -> None:
    """The end-of-stroke probability at each place of the pen, and the strokes that did end there."""
    lifts = ink.offsets[:, 2] == 1
    axes.vlines(x, 0, e, color=GREY, lw=HAIRLINE + 0.2, label="predicted")
    axes.plot(x[lifts], e[lifts], "o", color=RED, ms=3, label="the pen lifted")
    axes.set(ylim=(0, 1.05), yticks=[0, 0.5, 1], xlabel="x (ink units)", ylabel="end of stroke\n(probability)")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderpad=0, frameon=False, fontsize=8)
    light(axes)
