"""A network led along lines of ink: where its window looks, and the nats of each point.

What trace.py keeps of one line for a picture is here a few numbers a point, of thousands of lines.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from graves_jax.data.batches import Batch, Shape, pad, round_up
from graves_jax.data.ink import Ink
from graves_jax.evaluation.outliers import Fit
from graves_jax.evaluation.trace import lead
from graves_jax.model.mixture import log_probability
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import Weights
from graves_jax.model.window import log_window_weights

# So many lines at a time, padded to multiples of so many lines, points and characters.
_BATCH, _ROWS_MULTIPLE, _POINTS_MULTIPLE, _CHARACTERS_MULTIPLE = 64, 16, 64, 16


class Followed(NamedTuple):
    """What a network made of a line of T points over a text of U characters. Each field [T]."""

    position: np.ndarray  # character that the window looked at most, from 0; U is past the end, as in `Sample`
    nats: np.ndarray  # -log p(point | text and the points before), normalised units


def follow(weights: Weights, inks: Sequence[Ink]) -> Iterator[tuple[int, Followed]]:
    """Leads the network along each line.

    Args:
      inks: lines with their texts, in the unit of the weights' training data.
    Yields:
      The place of a line in `inks`, and what the network made of it; from short lines to long ones.
    Raises:
      InputError: a text has characters outside the alphabet.
    """
    order = sorted(range(len(inks)), key=lambda row: len(inks[row]))
    for start in range(0, len(order), _BATCH):
        rows = order[start : start + _BATCH]
        batch = _pad(weights, [inks[row] for row in rows])
        positions, nats = jax.device_get(_follow(weights.params, weights.network, batch))
        for place, row in enumerate(rows):
            points = slice(len(inks[row]))
            yield row, Followed(positions[place, points], nats[place, points])


def fit(weights: Weights, ink: Ink, followed: Followed) -> Fit:
    """How well ink and text belong together, according to the network."""
    num_characters = len(ink.transcript)
    past_end = np.sum(followed.position == num_characters)
    return Fit(
        nats_per_point=float(followed.nats.mean()),
        characters_left=int(max(num_characters - 1 - followed.position.max(), 0)),
        ink_left=float(past_end / weights.network.points_per_character),
    )


def _pad(weights: Weights, inks: list[Ink]) -> Batch:
    shape = Shape(
        round_up(max(len(ink) for ink in inks), _POINTS_MULTIPLE),
        round_up(max(len(ink.transcript) for ink in inks) + weights.alphabet.has_end, _CHARACTERS_MULTIPLE),
    )
    filling = -len(inks) % _ROWS_MULTIPLE
    return pad(inks, shape, alphabet=weights.alphabet, normalisation=weights.normalisation, filling=filling)


@functools.partial(jax.jit, static_argnames="config")
def _follow(params, config: NetworkConfig, batch: Batch) -> tuple[jax.Array, jax.Array]:
    """argmax_u φ(t, u) up to one past the text, and nats. Shapes [B, T]."""
    num_positions = batch.codes.shape[1]
    num_characters = batch.text_mask.sum(axis=1, keepdims=True) - config.ends_text
    is_seen = jnp.arange(num_positions + 1)[None] <= num_characters

    def see(_, window, mixture, x_t):
        log_phi = jnp.where(is_seen, log_window_weights(window, num_positions + 1), -jnp.inf)
        return jnp.argmax(log_phi, axis=-1), -log_probability(mixture, x_t)

    positions, nats = lead(params, config, batch, see)
    return positions.T, nats.T
