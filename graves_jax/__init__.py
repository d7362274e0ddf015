"""Handwriting synthesis after Graves (2013), in JAX and Flax.

Three LSTM layers are stacked with skip connections. The first reads the pen's last point and, through a mixture of
Gaussians that slides along the text (the window), a few characters at a time; what the window sees feeds the other
layers too. On top, a mixture density network gives the distribution of the pen's next offset and of its lift. The
whole is trained end to end on pen strokes by maximum likelihood, and writes by drawing one point after another.

    import graves_jax
    graves_jax.write("You know nothing Jon Snow", bias=0.5, seed=1)

Axes, one letter each, in every docstring:

    T  pen points of a line          B  lines in a batch        U  characters of a text
    K  Gaussians of the window       M  components of the mixture
    H  cells of a layer              C  characters of the alphabet

Sequences are [B, T, ...] outside the model and [T, B, ...] inside it.
"""

from graves_jax.version import __version__

__all__ = ["__version__"]
