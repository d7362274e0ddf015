"""Figures that explain ink and the network, from plain arrays. Each function returns a Matplotlib figure."""

from graves_jax.drawing.plots.ink import plot_changes, plot_line_in_time, plot_samples, plot_writers
from graves_jax.drawing.plots.learning import plot_learning, plot_progress
from graves_jax.drawing.plots.mixture import plot_mixture_density, plot_mixture_weights
from graves_jax.drawing.plots.network import plot_network
from graves_jax.drawing.plots.window import plot_window, plot_window_characters

__all__ = [
    "plot_changes",
    "plot_learning",
    "plot_line_in_time",
    "plot_mixture_density",
    "plot_mixture_weights",
    "plot_network",
    "plot_progress",
    "plot_samples",
    "plot_window",
    "plot_window_characters",
    "plot_writers",
]
