"""The two functions that most people need: load weights, write a text."""

import functools
import os
import pathlib

import jax

from graves_jax.data.ink import Ink
from graves_jax.model.weights import Weights
from graves_jax.pretrained import DEFAULT, load_pretrained
from graves_jax.sampling.styles import load_style
from graves_jax.sampling.write import DEFAULT_BIAS, write_lines


def load(name: str = DEFAULT, *, checkpoint: str | os.PathLike | None = None) -> Weights:
    """Weights with their network, alphabet and normalisation.

    Args:
      name: of weights that ship with the package.
      checkpoint: the workdir of a training run, or one checkpoint in it, instead.
    Raises:
      InputError: there are none of this name, or there is no whole checkpoint.
    """
    if checkpoint is None:
        return _load_once(name)
    # Orbax takes a while to import, which only those who train should wait for.
    from graves_jax.training.checkpoint import load_checkpoint

    return load_checkpoint(pathlib.Path(checkpoint))


@functools.cache
def _load_once(name: str) -> Weights:
    return load_pretrained(name)


def write(
    text: str,
    *,
    bias: float = DEFAULT_BIAS,
    style: str | None = None,
    seed: int = 0,
    best_of: int = 1,
    weights: Weights | None = None,
) -> Ink:
    """Writes a line of text by hand; in a notebook the result shows itself.

    Args:
      bias: 0 writes as messily as people do, more is neater.
      style: name of a hand that ships (`style_names()`), or a .jsonl file of own ink; None writes in any hand.
      seed: another seed, another hand. The same arguments give the same ink.
      best_of: draws so many lines and keeps the clearest.
      weights: None takes those that ship.
    Raises:
      InputError: the text is empty, too long, or has characters that the weights do not know; or no such style.
    """
    weights = load() if weights is None else weights
    hand = None if style is None else load_style(style, weights)
    key = jax.random.fold_in(jax.random.key(seed), 0)
    [written] = write_lines(weights, [text], keys=[key], bias=bias, style=hand, best_of=best_of)
    return written.ink
