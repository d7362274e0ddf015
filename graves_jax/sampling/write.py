"""Texts in, ink out: what people call. Pads to a few shapes, so that no text costs a compilation of its own."""

import dataclasses
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import Weights
from graves_jax.sampling.faults import find_fault
from graves_jax.sampling.sampler import Sample, Start, from_nothing, sample_batch
from graves_jax.sampling.style import prime

# Texts are padded to a multiple of so many characters, styles of so many points.
TEXT_MULTIPLE = 16
STYLE_MULTIPLE = 128
# Batches are padded to a power of two lines in this range. Within it the products of a CPU round a line alike whatever
# stands beside it (one line alone is a matrix times a vector, and more than these are divided among threads), so a
# line stays the same, bit for bit, whether it is written alone or among many. (Measured at H = 200 and 400: from 16
# lines on the sums of H = 400 are formed in another order. `sample_batch` itself takes any number.)
MIN_BATCH, MAX_BATCH = 2, 8
# A line may take so many times the points that its text takes on average, and is cut there.
MAX_SLOWNESS = 2.5
MAX_CHARACTERS = 500
MAX_BIAS = 20.0
# A line that went wrong is drawn so often in all before its last try is kept.
MAX_ATTEMPTS = 5
# Read more easily than people's own lines (the model card has the table), and still another hand for every key.
DEFAULT_BIAS = 0.75
# Characters that stood fewer times in the training data come out badly.
RARE = 100


@dataclasses.dataclass(frozen=True, eq=False)
class Written:
    """A line as the network wrote it.

    Attributes:
      ink: in the unit of the training data, with its text.
      position: the character that the window looked at most, from 0, at each point; U is past the end. Shape [T].
      attempts: how often it was drawn.
      fault: what is wrong with it all the same, or None.
    """

    ink: Ink
    position: np.ndarray
    attempts: int
    fault: str | None


def write_lines(
    weights: Weights,
    texts: Sequence[str],
    *,
    keys: Sequence[jax.Array],
    bias: float,
    style: Ink | None = None,
    max_attempts: int = MAX_ATTEMPTS,
) -> list[Written]:
    """Writes each text as one line; one that went wrong (faults.py) is drawn again.

    Args:
      keys: one for each text; the same text, key, bias and style give the same ink.
      bias: 0 writes as messily as people do, more is neater.
      style: a line in the hand to write in, in the unit of the training data, with its text.
      max_attempts: how often a line is drawn at most.
    Raises:
      InputError: a text is empty, too long, or has characters outside the alphabet; or the bias is out of range.
    """
    if not 0 <= bias <= MAX_BIAS:
        raise InputError(f"Expected a bias of 0 to {MAX_BIAS:g}, found {bias}.")
    if not weights.network.reads_text:
        raise InputError("Expected weights of a synthesis network, found a prediction network, which reads no text.")
    for text in texts:
        check_text(weights, text)
    # Lines of similar length share a batch and its compilation.
    waiting = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    written: dict[int, Written] = {}
    for attempt in range(max_attempts):
        for start in range(0, len(waiting), MAX_BATCH):
            rows = waiting[start : start + MAX_BATCH]
            attempt_keys = [jax.random.fold_in(keys[row], attempt) for row in rows]
            lines = _write_batch(weights, [texts[row] for row in rows], attempt_keys, bias, style)
            lines = [dataclasses.replace(line, attempts=attempt + 1) for line in lines]
            written |= dict(zip(rows, lines, strict=True))
        waiting = [row for row in waiting if written[row].fault]
    return [written[row] for row in range(len(texts))]


def check_text(weights: Weights, text: str) -> None:
    """Raises InputError for a text that is empty, too long, or has characters outside the alphabet."""
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"Expected a line of at most {MAX_CHARACTERS} characters, found {len(text)}.")
    if text and not text.strip():
        raise InputError("Expected a text with something to write, found only spaces.")
    weights.alphabet.encode(text)


def coverage(weights: Weights, text: str) -> dict[str, int]:
    """How often the text's characters stood in the training data, for those that did so fewer than `RARE` times.

    Empty where the weights do not say what they were trained on.
    """
    counts = weights.provenance.get("character_counts")
    if counts is None:
        return {}
    return {character: counts.get(character, 0) for character in sorted(set(text)) if counts.get(character, 0) < RARE}


def _write_batch(weights: Weights, texts, keys, bias: float, style: Ink | None) -> list[Written]:
    """Each line with `attempts` 1."""
    lead = f"{style.text} " if style is not None else ""
    codes, lengths = _pad_texts(weights, [lead + text for text in texts])
    num_lines = len(codes)
    padding = num_lines - len(texts)
    starts = _starts(weights, codes, lengths, style)
    # The style's own points are read, not drawn.
    budget = codes.shape[1] - len(lead) // TEXT_MULTIPLE * TEXT_MULTIPLE
    sampled = sample_batch(
        weights.params,
        weights.network,
        jnp.stack([*keys, *[keys[0]] * padding]),
        codes,
        lengths,
        max_points=int(MAX_SLOWNESS * weights.network.points_per_character * budget),
        bias=jnp.full(num_lines, bias, jnp.float32),
        start=starts,
    )
    sampled = jax.device_get(sampled)
    rows = [jax.tree.map(lambda field, row=row: field[row], sampled) for row in range(len(texts))]
    return [_written(weights, text, row, len(lead)) for text, row in zip(texts, rows, strict=True)]


def _pad_texts(weights: Weights, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Codes [B, U] and lengths [B], both padded; a row that is all padding has the length 1."""
    num_characters = -(-max(map(len, texts)) // TEXT_MULTIPLE) * TEXT_MULTIPLE
    num_lines = max(MIN_BATCH, 1 << (len(texts) - 1).bit_length())
    codes, lengths = np.zeros((num_lines, num_characters), np.int32), np.ones(num_lines, np.int32)
    for row, text in enumerate(texts):
        codes[row, : len(text)] = weights.alphabet.encode(text)
        lengths[row] = len(text)
    return codes, lengths


def _starts(weights: Weights, codes: np.ndarray, lengths: np.ndarray, style: Ink | None) -> Start:
    """Where each line starts: after the style, or from nothing."""
    if style is None:
        start = from_nothing(weights.network)
        return jax.tree.map(lambda state: jnp.broadcast_to(state, (len(codes), *state.shape)), start)
    points = weights.normalisation.normalise(style.offsets)
    padded = np.zeros((-(-len(points) // STYLE_MULTIPLE) * STYLE_MULTIPLE, 3), np.float32)
    padded[: len(points)] = points
    return _prime_batch(weights.params, weights.network, codes, lengths, padded, len(points))


@functools.partial(jax.jit, static_argnames="network")
def _prime_batch(params, network: NetworkConfig, codes, lengths, points, num_points) -> Start:
    return jax.vmap(lambda codes, length: prime(params, network, codes, length, points, num_points))(codes, lengths)


def _written(weights: Weights, text: str, sampled: Sample, lead: int) -> Written:
    """A sampled line as ink of its own, without what led up to it: `lead` characters of a style."""
    rows = weights.normalisation.denormalise(sampled.offsets[: sampled.num_points])
    position = np.maximum(sampled.position[: sampled.num_points] - lead, 0)
    if lead and len(rows) > 1:
        # The first row is the way through the air from the style to the new text.
        rows, position = rows[1:], position[1:]
    # The pen lifts at the end also of a line that was cut.
    rows[-1, 2] = 1
    ink = Ink(rows, text)
    fault = find_fault(ink, position, finished=bool(sampled.finished), weights=weights)
    return Written(ink, position, attempts=1, fault=fault)
