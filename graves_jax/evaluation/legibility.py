"""How well written ink can be read: the character error rate of an off-the-shelf recogniser.

The recogniser only evaluates. Nothing is trained on it, selected by it or tuned against it, which would bias its rate.
It misreads real ink too, so a rate means something only beside that of real ink with the same texts.
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
      by_kind: error rates of the kinds of `kind_of`, for those that stand in the texts.
      failed_at_first: share of lines in whose drawings a fault was noticed (sampling/faults.py).
      failed: share of lines with a fault even after they were drawn again.
    """

    bias: float
    written: ErrorRate
    by_kind: dict[str, ErrorRate]
    failed_at_first: float
    failed: float


def misread(read: str, true: str) -> np.ndarray:
    """Which characters of the true text are not in what was read, by an alignment of the fewest edits. Shape [U], bool.

    Insertions belong to no character and are not counted.
    """
    from rapidfuzz.distance import Levenshtein

    wrong = np.zeros(len(true), bool)
    wrong[[edit.src_pos for edit in Levenshtein.editops(true, read) if edit.tag != "insert"]] = True
    return wrong


def kind_of(character: str) -> str:
    """Lower case, capitals, figures, or signs: spaces are signs."""
    if character.isdecimal():
        return "figures"
    if character.isalpha():
        return "capitals" if character.isupper() else "lower case"
    return "signs"


def error_rate_by_kind(read: Sequence[str], true: Sequence[str]) -> dict[str, ErrorRate]:
    """The share of misread characters (`misread`) of each kind that stands in the true texts."""
    kinds = sorted({kind_of(character) for text in true for character in text})
    rates = {}
    for kind in kinds:
        wrong, total = [], []
        for pair in zip(read, true, strict=True):
            of_kind = np.array([kind_of(character) == kind for character in pair[1]], bool)
            wrong.append(misread(*pair)[of_kind].sum())
            total.append(of_kind.sum())
        rates[kind] = _ratio(np.array(wrong, np.float64), np.array(total, np.float64))
    return rates


def character_error_rate(read: Sequence[str], true: Sequence[str]) -> ErrorRate:
    """Edits of all lines by characters of all lines: a long line counts for more than a short one.

    Raises:
      ValueError: there are not as many texts on both sides, or the true ones are all empty.
    """
    from rapidfuzz.distance import Levenshtein

    edits = np.array([Levenshtein.distance(*pair) for pair in zip(read, true, strict=True)], np.float64)
    characters = np.array([len(text) for text in true], np.float64)
    if not characters.sum():
        raise ValueError("Expected true texts with at least one character, found none.")
    return _ratio(edits, characters)


def _ratio(wrong: np.ndarray, total: np.ndarray) -> ErrorRate:
    """Of sums over lines. Arguments of shape [lines], float64."""
    rate = wrong.sum() / total.sum()
    # The standard error of a ratio of two sums, by linearisation.
    residuals = wrong - rate * total
    spread = residuals.std(ddof=1) if len(residuals) > 1 else np.nan
    return ErrorRate(float(rate), float(spread * np.sqrt(len(residuals)) / total.sum()))


def error_rates(inks: Sequence[Ink], reader: Reader) -> tuple[ErrorRate, dict[str, ErrorRate]]:
    """The error rate of a reader on lines of ink, each with its text, and its share of each kind of character."""
    read, true = [reader(picture(ink)) for ink in inks], [ink.transcript for ink in inks]
    return character_error_rate(read, true), error_rate_by_kind(read, true)


def legibility(
    weights: Weights,
    texts: Sequence[str],
    reader: Reader,
    *,
    bias: float,
    seed: int,
    best_of: int = 1,
    style: Ink | np.ndarray | None = None,
) -> Legibility:
    """Writes each text once, faulty lines again as always, and has them read.

    Args:
      seed: of the keys. A text has the same key at every bias.
      best_of: how many drawings each line is chosen from.
      style: as `write_lines` takes it.
    Raises:
      InputError: a text or the bias is one that `write_lines` refuses.
    """
    key = jax.random.key(seed)
    keys = [jax.random.fold_in(key, row) for row in range(len(texts))]
    written = write_lines(weights, texts, keys=keys, bias=bias, best_of=best_of, style=style)
    rate, by_kind = error_rates([line.ink for line in written], reader)
    return Legibility(
        bias=bias,
        written=rate,
        by_kind=by_kind,
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
