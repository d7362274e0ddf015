"""Texts in, ink out: what people call. Pads to a few shapes, so that no text costs a compilation of its own."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.model.weights import Weights
from graves_jax.sampling.sampler import sample_batch

# Texts are padded to a multiple of so many characters, batches to a power of two lines, at most so many.
TEXT_MULTIPLE = 16
MAX_BATCH = 64
# A line may take so many times the points that its text takes on average, and is cut there.
MAX_SLOWNESS = 2.5
MAX_CHARACTERS = 500
MAX_BIAS = 20.0


@dataclasses.dataclass(frozen=True, eq=False)
class Written:
    """A line as the network wrote it.

    Attributes:
      ink: in the unit of the training data, with its text.
      finished: whether it ended by itself and was not cut.
      position: the character that the window looked at most, from 0, at each point; U is past the end. Shape [T].
    """

    ink: Ink
    finished: bool
    position: np.ndarray


def write_lines(
    weights: Weights, texts: Sequence[str], *, keys: Sequence[jax.Array], bias: float = 0.5
) -> list[Written]:
    """Writes each text as one line.

    Args:
      keys: one for each text; the same text, key and bias give the same ink.
      bias: 0 writes as messily as people do, more is neater.
    Raises:
      InputError: a text is empty, too long, or has characters outside the alphabet; or the bias is out of range.
    """
    if not 0 <= bias <= MAX_BIAS:
        raise InputError(f"Expected a bias of 0 to {MAX_BIAS:g}, found {bias}.")
    if not weights.network.reads_text:
        raise InputError("Expected weights of a synthesis network, found a prediction network, which reads no text.")
    codes = [encode(weights, text) for text in texts]
    # Lines of one padded length share a compilation and a batch.
    order = sorted(range(len(texts)), key=lambda i: len(codes[i]))
    written: dict[int, Written] = {}
    for start in range(0, len(order), MAX_BATCH):
        rows = order[start : start + MAX_BATCH]
        batch = _write_batch(weights, [texts[i] for i in rows], [codes[i] for i in rows], [keys[i] for i in rows], bias)
        written |= dict(zip(rows, batch, strict=True))
    return [written[i] for i in range(len(texts))]


def encode(weights: Weights, text: str) -> np.ndarray:
    """Codes of a text that can be written. Shape [U].

    Raises:
      InputError: it is empty, too long, or has characters outside the alphabet.
    """
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"Expected a line of at most {MAX_CHARACTERS} characters, found {len(text)}.")
    if text and not text.strip():
        raise InputError("Expected a text with something to write, found only spaces.")
    return weights.alphabet.encode(text)


def _write_batch(weights: Weights, texts, codes, keys, bias: float) -> list[Written]:
    num_characters = -(-max(map(len, codes)) // TEXT_MULTIPLE) * TEXT_MULTIPLE
    num_lines = 1 << (len(texts) - 1).bit_length()
    padded = np.zeros((num_lines, num_characters), np.int32)
    lengths = np.ones(num_lines, np.int32)
    for row, line_codes in enumerate(codes):
        padded[row, : len(line_codes)] = line_codes
        lengths[row] = len(line_codes)
    filled = list(keys) + [keys[0]] * (num_lines - len(keys))
    sampled = sample_batch(
        weights.params,
        weights.network,
        jnp.stack(filled),
        padded,
        lengths,
        max_points=int(MAX_SLOWNESS * weights.network.points_per_character * num_characters),
        bias=jnp.full(num_lines, bias, jnp.float32),
    )
    sampled = jax.device_get(sampled)
    return [_written(weights, text, jax.tree.map(lambda field: field[row], sampled)) for row, text in enumerate(texts)]  # noqa: B023


def _written(weights: Weights, text: str, sampled) -> Written:
    rows = weights.normalisation.denormalise(sampled.offsets[: sampled.num_points])
    return Written(Ink(rows, text), bool(sampled.finished), sampled.position[: sampled.num_points])
