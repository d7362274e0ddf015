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

import importlib

from graves_jax.version import __version__

# Where each public name lives. They are imported when first used, so that reading data never waits for JAX.
_HOMES = {
    "FaultWarning": "graves_jax.errors",
    "InputError": "graves_jax.errors",
    "Alphabet": "graves_jax.data.alphabet",
    "Corpus": "graves_jax.data.corpus",
    "Ink": "graves_jax.data.ink",
    "Normalisation": "graves_jax.data.ink",
    "hershey_corpus": "graves_jax.data.hershey",
    "HandwritingNetwork": "graves_jax.model.network",
    "NetworkConfig": "graves_jax.model.network",
    "Weights": "graves_jax.model.weights",
    "prime": "graves_jax.sampling.style",
    "sample": "graves_jax.sampling.sampler",
    "sample_batch": "graves_jax.sampling.sampler",
    "Written": "graves_jax.sampling.write",
    "coverage": "graves_jax.sampling.write",
    "write_lines": "graves_jax.sampling.write",
    "load_style": "graves_jax.sampling.styles",
    "style_names": "graves_jax.sampling.styles",
    "weight_names": "graves_jax.pretrained",
    "load": "graves_jax.api",
    "write": "graves_jax.api",
    "write_ink": "graves_jax.drawing.files",
    "write_pages": "graves_jax.pages",
    "write_sheets": "graves_jax.drawing.sheets",
    "Look": "graves_jax.drawing.sheets",
    "Setting": "graves_jax.layout.pages",
    "make_paper": "graves_jax.layout.paper",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module 'graves_jax' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__():
    return __all__
