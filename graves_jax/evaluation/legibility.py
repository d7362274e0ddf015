"""How well written ink can be read: the character error rate of an off-the-shelf recogniser.

The recogniser is a judge. Nothing is ever trained on it, selected by it or tuned against it: the rate of a judge that
has been played to says nothing. It also misreads what people wrote, so a rate means something only beside that of real
ink with the same texts.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from graves_jax.data.alphabet import ASCII_ALPHABET
from graves_jax.data.corpus import Corpus
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.evaluation.readers import Reader, picture
from graves_jax.model.weights import Weights
from graves_jax.sampling.write import write_lines


class ErrorRate(NamedTuple):
    """Character error rate over many lines.

    Attributes:
      rate: insertions, deletions and substitutions per character of the true texts.
      standard_error: of the rate, over lines; NaN for a single line.
    """

    rate: float
    standard_error: float


@dataclasses.dataclass(frozen=True)
class Legibility:
    """How well the lines that a network wrote at one bias can be read.

    Attributes:
      bias: of section 5.4 of Graves (2013).
      written: error rate on them, those included that failed to the end.
      failed_at_first: share of lines in whose drawings a fault was noticed (sampling/faults.py).
      failed: share of lines with a fault even after they were drawn again.
    """

    bias: float
    written: ErrorRate
    failed_at_first: float
    failed: float


def edit_distance(read: str, true: str) -> int:
    """The least number of insertions, deletions and substitutions between two texts (Levenshtein)."""
    row = list(range(len(true) + 1))
    for i, a in enumerate(read, start=1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(true, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]


def character_error_rate(read: Sequence[str], true: Sequence[str]) -> ErrorRate:
    """Edits of all lines by characters of all lines: a long line counts for more than a short one.

    Raises:
      ValueError: there are not as many texts on both sides, or the true ones are all empty.
    """
    edits = np.array([edit_distance(*pair) for pair in zip(read, true, strict=True)], np.float64)
    characters = np.array([len(text) for text in true], np.float64)
    if not characters.sum():
        raise ValueError("Expected true texts with at least one character, found none.")
    rate = edits.sum() / characters.sum()
    # That of a ratio of two sums, by linearisation.
    residuals = edits - rate * characters
    spread = residuals.std(ddof=1) if len(residuals) > 1 else np.nan
    return ErrorRate(float(rate), float(spread * np.sqrt(len(residuals)) / characters.sum()))


def error_rate(inks: Sequence[Ink], reader: Reader) -> ErrorRate:
    """The error rate of a reader on lines of ink, each with its text."""
    return character_error_rate([reader(picture(ink)) for ink in inks], [ink.text for ink in inks])


def legibility(
    weights: Weights, texts: Sequence[str], reader: Reader, *, bias: float, seed: int, best_of: int = 1
) -> Legibility:
    """Writes each text once, faulty lines again as always, and has them read.

    Args:
      seed: of the keys. A text has the same key at every bias.
      best_of: how many drawings each line is chosen from.
    Raises:
      InputError: a text or the bias is one that `write_lines` refuses.
    """
    key = jax.random.key(seed)
    keys = [jax.random.fold_in(key, row) for row in range(len(texts))]
    written = write_lines(weights, texts, keys=keys, bias=bias, best_of=best_of)
    return Legibility(
        bias=bias,
        written=error_rate([line.ink for line in written], reader),
        failed_at_first=_share(line.attempts > best_of or line.fault is not None for line in written),
        failed=_share(line.fault is not None for line in written),
    )


def choose_lines(corpus: Corpus, split: str, weights: Weights, num_lines: int) -> tuple[np.ndarray, int]:
    """Lines whose texts are to be written and read, spread evenly over those of the split that can be.

    Returns:
      Indices into the corpus, `num_lines` or all there are; and how many lines of the split were left out because the
      weights' alphabet does not list a character of theirs (one code for all others does not count), or because one
      is not printable ASCII, which is what the reader reads.
    Raises:
      InputError: no line is left.
    """
    lines = corpus.indices(split)
    alphabets = (weights.alphabet, ASCII_ALPHABET)
    unwritable = np.array([any(alphabet.unknown(corpus.texts[line]) for alphabet in alphabets) for line in lines], bool)
    writable = lines[~unwritable]
    if not len(writable):
        raise InputError(f"Expected texts in the split {split!r} that the weights can write, found none.")
    places = np.linspace(0, len(writable) - 1, min(num_lines, len(writable))).astype(int)
    return writable[places], int(unwritable.sum())


def _share(conditions) -> float:
    return float(np.mean(list(conditions)))
