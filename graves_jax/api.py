"""The functions that most people need: load weights, write a text."""

import functools
import os
import pathlib
import warnings
from typing import Literal, overload

import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.errors import FaultWarning, InputError
from graves_jax.model.weights import Weights, load_weights
from graves_jax.pretrained import default_name, load_pretrained
from graves_jax.sampling.hands import own_weights
from graves_jax.sampling.styles import draw_style, load_style
from graves_jax.sampling.write import DEFAULT_BIAS, Written, check_seed, write_lines


def load(name: str | None = None, *, checkpoint: str | os.PathLike | None = None) -> Weights:
    """Weights with their network, alphabet and normalisation.

        weights = graves_jax.load("hershey")

    Args:
      name: of weights that ship with the package, out of `weight_names()`; None is the first choice among them.
      checkpoint: the workdir of a training run, one checkpoint in it, or a folder that export_weights.py or
        learn_hand.py wrote, instead.
    Raises:
      InputError: there are none of this name, or there is no whole checkpoint; or both are given.
    """
    if checkpoint is None:
        if name is not None and not isinstance(name, str):
            raise InputError(f"Expected the name of weights that ship, or checkpoint=WORKDIR, found {name!r:.100}.")
        return _load_once(default_name() if name is None else name)
    if name is not None:
        raise InputError(f"Expected a name or a checkpoint, found both: {name!r:.100} and {str(checkpoint)!r:.100}.")
    if (pathlib.Path(checkpoint) / "model.safetensors").is_file():
        return load_weights(pathlib.Path(checkpoint))
    # Orbax takes a while to import, which only those who train should wait for.
    from graves_jax.training.checkpoint import load_checkpoint

    return load_checkpoint(pathlib.Path(checkpoint))


@functools.cache
def _load_once(name: str) -> Weights:
    return load_pretrained(name)


@overload
def write(
    text: str,
    *,
    bias: float = ...,
    style: str | os.PathLike | Ink | np.ndarray | None = ...,
    seed: int = ...,
    best_of: int = ...,
    weights: Weights | str | None = ...,
    full: Literal[False] = ...,
) -> Ink: ...


@overload
def write(
    text: str,
    *,
    bias: float = ...,
    style: str | os.PathLike | Ink | np.ndarray | None = ...,
    seed: int = ...,
    best_of: int = ...,
    weights: Weights | str | None = ...,
    full: Literal[True],
) -> Written: ...


def write(
    text: str,
    *,
    bias: float = DEFAULT_BIAS,
    style: str | os.PathLike | Ink | np.ndarray | None = None,
    seed: int = 0,
    best_of: int = 1,
    weights: Weights | str | None = None,
    full: bool = False,
) -> Ink | Written:
    """Writes a line of text by hand; in a notebook the result shows itself.

        ink = graves_jax.write("You know nothing Jon Snow", style="slanted", seed=1)

    Args:
      text: at most 500 characters, on one line.
      bias: 0 writes as messily as people do, more is neater.
      style: name of a hand that ships (`style_names()`), a .hand file made by learn_hand.py, a .jsonl or .inkml file
        of own ink, a line of ink with its text, in any unit, a style vector, or "any", no hand in particular; None
        writes in the hand that the seed draws.
      seed: another seed, another hand. The same arguments give the same ink. 0 to 2³² - 1.
      best_of: draws so many lines and keeps the clearest.
      weights: those of `load`, or their name; None takes those of the hand, or those that ship.
      full: returns the whole `Written`: beside the ink, where the window looked, how sharply, after how many drawings,
        and what is wrong with the line all the same.
    Warns:
      FaultWarning: the line went wrong each time that it was drawn, and the best of these drawings is returned.
    Raises:
      InputError: the text is empty, too long, or has characters that the weights do not know; or there is no such
        style, or a number is out of range.
    """
    if weights is None:
        weights = own_weights(style) or load()
    weights = load(weights) if isinstance(weights, str) else weights
    if not isinstance(weights, Weights):
        raise InputError(f"Expected weights that `load` gave, or their name, found {weights!r:.60}.")
    hand = draw_style(check_seed(seed), weights) if style is None else load_style(style, weights)
    [written] = write_lines(weights, [text], seed=seed, bias=bias, style=hand, best_of=best_of)
    if written.fault:
        warnings.warn(
            f"{text!r} is kept after {written.attempts} tries although {written.fault}.", FaultWarning, stacklevel=2
        )
    return written if full else written.ink
