"""How often lines fail: in how many written ones sampling/faults.py finds a fault, and in how many that people wrote.

Nobody's real line is a failure, so the second share says how often the bounds of faults.py are wrong.
"""

import collections
import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from graves_jax.data.batches import Batch, Shape, pad
from graves_jax.data.ink import Ink
from graves_jax.model.network import HandwritingNetwork, NetworkConfig, initial_carry
from graves_jax.model.weights import Weights
from graves_jax.model.window import log_window_weights, one_hot_text
from graves_jax.sampling.faults import find_fault
from graves_jax.sampling.write import write_lines
from graves_jax.training.losses import previous_points

# Real lines are followed so many at a time, padded to multiples of so many points and characters.
_BATCH, _POINTS_MULTIPLE, _CHARACTERS_MULTIPLE = 64, 64, 16


class Failures(NamedTuple):
    """Shares of lines.

    Attributes:
      at_first: with a fault in the first drawing.
      in_the_end: with a fault still after it was drawn again.
      faults: how often each was found in first drawings.
    """

    at_first: float
    in_the_end: float
    faults: dict[str, int]


def count_failures(weights: Weights, texts: Sequence[str], *, bias: float, seed: int) -> Failures:
    """Writes each text once, and those that failed again as always.

    Raises:
      InputError: a text or the bias is one that `write_lines` refuses.
    """
    key = jax.random.key(seed)
    keys = [jax.random.fold_in(key, row) for row in range(len(texts))]
    first = write_lines(weights, texts, keys=keys, bias=bias, max_attempts=1)
    failed = [row for row, line in enumerate(first) if line.fault]
    again = write_lines(weights, [texts[row] for row in failed], keys=[keys[row] for row in failed], bias=bias)
    return Failures(
        at_first=len(failed) / len(texts),
        in_the_end=sum(line.fault is not None for line in again) / len(texts),
        faults=dict(collections.Counter(first[row].fault for row in failed)),
    )


def count_refusals(weights: Weights, inks: Sequence[Ink]) -> dict[str, int]:
    """How many real lines faults.py would refuse, by fault; each ink is that of a training line, with its text."""
    positions = window_positions(weights, inks)
    faults = [
        find_fault(ink, position, finished=True, weights=weights) for ink, position in zip(inks, positions, strict=True)
    ]
    return dict(collections.Counter(fault for fault in faults if fault))


def window_positions(weights: Weights, inks: Sequence[Ink]) -> list[np.ndarray]:
    """The character that the window looks at most, from 0, while the network is led along each line.

    As `Sample.position` has it for lines that the network wrote: U is past the end.

    Args:
      inks: lines with their texts, in the unit of the weights' training data.
    Returns:
      For each line, shape [T], int32.
    Raises:
      InputError: a text has characters outside the alphabet.
    """
    positions: dict[int, np.ndarray] = {}
    for rows, batch in _batches(weights, inks):
        followed = jax.device_get(_follow(weights.params, weights.network, batch))
        positions |= {row: position[: len(inks[row])] for row, position in zip(rows, followed, strict=False)}
    return [positions[row] for row in range(len(inks))]


def _batches(weights: Weights, inks: Sequence[Ink]) -> Iterator[tuple[list[int], Batch]]:
    """Lines of similar length together, with their places in `inks`."""
    order = sorted(range(len(inks)), key=lambda row: len(inks[row]))
    for start in range(0, len(order), _BATCH):
        rows = order[start : start + _BATCH]
        lines = [inks[row] for row in rows]
        shape = Shape(
            _round_up(max(len(ink) for ink in lines), _POINTS_MULTIPLE),
            _round_up(max(len(ink.text) for ink in lines), _CHARACTERS_MULTIPLE),
        )
        filling = _BATCH - len(rows)
        yield (
            rows,
            pad(lines, shape, alphabet=weights.alphabet, normalisation=weights.normalisation, filling=filling),
        )


@functools.partial(jax.jit, static_argnames="config")
def _follow(params, config: NetworkConfig, batch: Batch) -> jax.Array:
    """argmax_u φ(t, u) up to one past the text. Shape [B, T], int32."""
    network = HandwritingNetwork(config)
    characters = one_hot_text(batch.codes, batch.text_mask, config.num_characters)
    num_lines, num_positions = batch.codes.shape
    is_seen = jnp.arange(num_positions + 1) <= batch.text_mask.sum(axis=1, keepdims=True)

    def step(carry, x_t):
        carry, _, window = network.apply({"params": params}, carry, x_t, characters, method="step")
        log_phi = jnp.where(is_seen, log_window_weights(window, num_positions + 1), -jnp.inf)
        return carry, jnp.argmax(log_phi, axis=-1)

    inputs = previous_points(jnp.swapaxes(batch.offsets, 0, 1))
    _, positions = jax.lax.scan(step, initial_carry(config, (num_lines,)), inputs)
    return positions.T


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
