"""Ink in, pictures out: SVG, PNG, PDF, GIF. Needs no model. Matplotlib is imported only by `raster` and `plots`."""

from graves_jax.drawing.animation import ink_to_animated_svg, ink_to_gif
from graves_jax.drawing.save import save_ink
from graves_jax.drawing.svg import ink_to_svg

__all__ = ["ink_to_animated_svg", "ink_to_gif", "ink_to_svg", "save_ink"]
