"""Batches: lines of a corpus, normalised, padded to a few shapes, with masks that say what is real.

Training batches are a pure function of their number. Batch i belongs to epoch i // batches_per_epoch; an epoch's order
is a pure function of (seed, epoch), and what is random in a row (crop, augmentation) one of (seed, i, row). So the
state of the iterator is the number of the next batch, and a run that goes on from it sees what it would have seen.

An epoch takes each line once. Where the batch size does not divide the lines, its last places are filled with lines
drawn again, others each epoch: no line is ever dropped, and fewer than `batch_size` rows are repeats.

Lines of similar length stand together, since every shape costs a compilation and every padded row costs time: the
lengths are divided into buckets, shuffled lines are sorted by bucket and cut into batches, and the batches are
shuffled. A batch on the border of two buckets has the shape of the longer one.
"""

import collections
import dataclasses
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import grain
import numpy as np

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.augmentation import rethin
from graves_jax.data.corpus import Corpus
from graves_jax.data.crops import crop
from graves_jax.data.ink import Ink, Normalisation
from graves_jax.errors import InputError

_Whole = TypeVar("_Whole", int, np.ndarray)

# Buckets are added until padding is at most this share of all rows: 10 buckets for IAM-OnDB's training lines.
_PADDING = 0.08
_MAX_BUCKETS = 12
# Shapes are multiples of these.
_POINTS_MULTIPLE, _CHARACTERS_MULTIPLE = 16, 8
# One thread reads faster than an accelerator trains; more would contend for the interpreter. Batches of about 1 MB.
_READ_OPTIONS = grain.ReadOptions(num_threads=1, prefetch_buffer_size=8)
# Characters that stand fewer times in a split are rare: in IAM-OnDB's, figures, some capitals and most signs.
RARE = 300
# Follows the last point of a line: no movement, normalised units, and a lifted pen. It does not occur in real ink.
END_POINT = (0.0, 0.0, 1.0)
# What a random stream is for, so that no two draw the same numbers.
_ORDER, _ROW = 0, 1


class Batch(NamedTuple):
    """B lines, padded at the end to T points and U characters. Padding is 0 and counts nowhere: masks say where it is.

    Attributes:
      offsets: normalised (dx, dy, end_of_stroke). Shape [B, T, 3], float32.
      mask: True on real points. Shape [B, T], bool.
      codes: the text in codes of the alphabet. Shape [B, U], int32.
      text_mask: True on real characters. Shape [B, U], bool.
      writers: the number of each line's writer, -1 where there is none. Shape [B], int32; None where nobody asks.
    """

    offsets: np.ndarray
    mask: np.ndarray
    codes: np.ndarray
    text_mask: np.ndarray
    writers: np.ndarray | None = None


class Shape(NamedTuple):
    """To what a batch is padded: T points and U characters."""

    points: int
    characters: int


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class TrainingBatches:
    """The endless sequence of training batches: `batches[i]` is batch i, for any i from 0.

    Attributes:
      corpus, split: the lines, raw.
      alphabet, normalisation: those of the model.
      batch_size: rows of the whole batch, over all hosts.
      seed: at least 0.
      max_points: longer lines are cropped to at most so many points, their text with them. None for whole lines.
      augmentation: changes raw ink at random (`Augmentation` is one), after the crop. None for ink as it is.
      rethin: leaves out other points than the corpus did, with this jitter (`augmentation.rethin`). None for ink as
        it is; a corpus that does not know the points left out is refused.
      oversample: how often a pass takes the lines that have a character of fewer than `RARE` in the split.
      writers: names of the writers that batches number from 0. None for batches without `writers`.
      process_index, process_count: this host builds rows `process_index` * b to (`process_index` + 1) * b - 1 of each
        batch, b = `batch_size` / `process_count`. The shape is that of the whole batch.
    """

    corpus: Corpus
    split: str
    alphabet: Alphabet
    normalisation: Normalisation
    batch_size: int
    seed: int
    max_points: int | None = None
    augmentation: Callable[[Ink, np.random.Generator], Ink] | None = None
    rethin: float | None = None
    oversample: int = 1
    writers: Sequence[str] | None = None
    process_index: int = 0
    process_count: int = 1

    def __post_init__(self):
        _check_lines(self.corpus, self.split, self.alphabet)
        if not 0 <= self.process_index < self.process_count:
            raise InputError(f"Expected a process index below {self.process_count}, found {self.process_index}.")
        if self.batch_size < 1 or self.batch_size % self.process_count:
            raise InputError(
                f"The batch size has to be a positive multiple of the {self.process_count} process(es), "
                f"found {self.batch_size}."
            )
        if self.seed < 0:
            raise InputError(f"The seed has to be 0 or more, found {self.seed}.")
        if self.max_points is not None and self.max_points < 1:
            raise InputError(f"A crop needs room for at least 1 point, found {self.max_points}.")
        if self.oversample < 1:
            raise InputError(f"Lines are taken at least once a pass, found oversample {self.oversample}.")
        if self.rethin is not None and self.corpus.halfway is None:
            raise InputError(
                "Expected a corpus that knows the points it left out, found one that does not: make it again with "
                "prepare_data.py --protocol=writer."
            )

    @functools.cached_property
    def lines(self) -> np.ndarray:
        """Indices into the corpus, one for each time that a pass takes a line. Shape [N]."""
        return oversampled(self.corpus, self.split, self.oversample)

    @functools.cached_property
    def buckets(self) -> tuple[np.ndarray, list[Shape]]:
        """The bucket of each line, shape [N], and the shape of each bucket. There are no other shapes."""
        lengths = self.corpus.lengths[self.lines]
        if self.max_points is not None:
            lengths = np.minimum(lengths, self.max_points)
        has_end = self.alphabet.has_end
        return make_buckets(
            lengths + has_end, self.corpus.text_lengths[self.lines] + has_end, batch_size=self.batch_size
        )

    @property
    def batches_per_epoch(self) -> int:
        """An epoch's batches, the last one filled up."""
        return -(-len(self.lines) // self.batch_size)

    @functools.cached_property
    def _order_of(self) -> Callable[[int], np.ndarray]:
        """`epoch_order` of an epoch. Worked out anew for each batch it would take 0.6 s in a million lines."""
        return functools.lru_cache(maxsize=2)(
            lambda epoch: epoch_order(self.buckets[0], batch_size=self.batch_size, seed=self.seed, epoch=epoch)
        )

    def __getitem__(self, number: int) -> Batch:
        """This host's rows of batch `number`. Shapes [b, T, ...] and [b, U]."""
        epoch, place = divmod(number, self.batches_per_epoch)
        bucket_of, shapes = self.buckets
        rows = self._order_of(epoch)[place]
        shape = shapes[bucket_of[rows].max()]
        per_host = self.batch_size // self.process_count
        own = range(self.process_index * per_host, (self.process_index + 1) * per_host)
        inks = [self._ink(rows[row], _rng(self.seed, _ROW, number, row)) for row in own]
        batch = pad(inks, shape, alphabet=self.alphabet, normalisation=self.normalisation, end_point=True)
        if self.writers is None:
            return batch
        return batch._replace(writers=self._writer_of_line[self.lines[rows[own.start : own.stop]]])

    @functools.cached_property
    def _writer_of_line(self) -> np.ndarray:
        """The number of each line's writer, -1 where it is none of `writers`. Shape [lines of the corpus], int32."""
        number_of = {writer: number for number, writer in enumerate(self.writers or ())}
        return np.array([number_of.get(name, -1) for name in self.corpus.writers], np.int32)

    def _ink(self, row: int, rng: np.random.Generator) -> Ink:
        line = self.corpus[self.lines[row]]
        ink = line.ink
        if self.rethin is not None and line.halfway is not None:
            ink = rethin(ink, line.halfway, rng, self.rethin)
        if self.max_points is not None:
            ink = crop(ink, rng, self.max_points)
        return ink if self.augmentation is None else self.augmentation(ink, rng)


def training_batches(corpus: Corpus, split: str, **options: Any) -> grain.DatasetIterator[Batch]:
    """An endless iterator over training batches; a thread reads ahead.

    Its `get_state()` is `{"next_index": number of the next batch}`, and after `set_state` it goes on from there.

    Args:
      corpus, split: the lines, raw.
      **options: the other fields of `TrainingBatches`.
    Raises:
      InputError: an option is out of range, the split has no lines, or a text of it does not fit the alphabet.
    """
    batches = TrainingBatches(corpus=corpus, split=split, **options)
    numbers = grain.MapDataset.range(sys.maxsize)
    return iter(numbers.map(batches.__getitem__).to_iter_dataset(_READ_OPTIONS))


def evaluation_batches(
    corpus: Corpus,
    split: str,
    *,
    alphabet: Alphabet,
    normalisation: Normalisation,
    batch_size: int,
    num_lines: int | None = None,
) -> Iterator[tuple[Batch, np.ndarray]]:
    """Every line of a split once, whole, from short to long.

    Args:
      corpus, split: the lines, raw.
      alphabet, normalisation: those of the model.
      batch_size: rows of every batch; the last is filled up with rows whose masks are all False.
      num_lines: only so many lines, spread evenly over the split; None for all.
    Yields:
      The batch, and for each row its index in the corpus, -1 for filling. Shape [B], int64.
    Raises:
      InputError: an argument is out of range, the split has no lines, or a text of it does not fit the alphabet.
    """
    _check_lines(corpus, split, alphabet)
    if batch_size < 1:
        raise InputError(f"The batch size has to be at least 1, found {batch_size}.")
    if num_lines is not None and num_lines < 1:
        raise InputError(f"Expected at least one line to be asked for, found {num_lines}.")
    lines = corpus.indices(split)
    if num_lines is not None and num_lines < len(lines):
        lines = lines[np.linspace(0, len(lines) - 1, num_lines).astype(int)]
    return _evaluation_batches(corpus, lines, alphabet, normalisation, batch_size)


def _evaluation_batches(
    corpus: Corpus, lines: np.ndarray, alphabet: Alphabet, normalisation: Normalisation, batch_size: int
) -> Iterator[tuple[Batch, np.ndarray]]:
    lines = lines[np.argsort(corpus.lengths[lines], kind="stable")]
    text_lengths = corpus.text_lengths[lines] + alphabet.has_end
    bucket_of, shapes = make_buckets(corpus.lengths[lines], text_lengths, batch_size=batch_size)
    for start in range(0, len(lines), batch_size):
        rows = slice(start, start + batch_size)
        inks = [corpus[line].ink for line in lines[rows]]
        filling = batch_size - len(inks)
        shape = shapes[bucket_of[rows].max()]
        batch = pad(inks, shape, alphabet=alphabet, normalisation=normalisation, filling=filling)
        yield batch, np.pad(lines[rows], (0, filling), constant_values=-1)


def make_buckets(lengths: np.ndarray, text_lengths: np.ndarray, *, batch_size: int) -> tuple[np.ndarray, list[Shape]]:
    """Divides lines by their length into the fewest buckets that keep padding small.

    Args:
      lengths: points per line. Shape [N].
      text_lengths: characters per line. Shape [N].
      batch_size: the least number of lines in a bucket: a smaller one could not fill a batch.
    Returns:
      The bucket of each line, shape [N], and the shape of each bucket, growing in both directions.
    """
    bounds = _bucket_bounds(round_up(lengths, _POINTS_MULTIPLE), int(lengths.sum()), batch_size)
    bucket_of = np.searchsorted(bounds, lengths)
    characters = [text_lengths[bucket_of <= bucket].max() for bucket in range(len(bounds))]
    shapes = zip(bounds, round_up(np.array(characters), _CHARACTERS_MULTIPLE), strict=True)
    return bucket_of, [Shape(int(points), int(chars)) for points, chars in shapes]


def _bucket_bounds(padded_lengths: np.ndarray, points: int, batch_size: int) -> np.ndarray:
    """The greatest length of each bucket, ascending, such that the least is padded: dynamic programming.

    Args:
      padded_lengths: lengths, rounded up. R distinct ones. Shape [N].
      points: the sum of the lengths before they were rounded up.
      batch_size: the least number of lines in a bucket, unless there is only one.
    """
    rungs, counts = np.unique(padded_lengths, return_counts=True)
    up_to = np.concatenate([[0], np.cumsum(counts)])
    lines = up_to[None, 1:] - up_to[:-1, None]
    cost = np.where(lines >= batch_size, lines * rungs[None, :], np.inf)  # [first rung, last rung] of a bucket
    cheapest, choices = cost[0], []  # what the lines up to each rung cost with the buckets so far
    most = min(_MAX_BUCKETS, len(rungs)) - 1
    while cheapest[-1] * (1 - _PADDING) > points and len(choices) < most:
        through = cheapest[:-1, None] + cost[1:]
        if not through[:, -1].min() < cheapest[-1]:
            break
        choices.append(through.argmin(axis=0))
        cheapest = through.min(axis=0)
    last = len(rungs) - 1
    bounds = [last]
    for choice in reversed(choices):
        last = choice[last]
        bounds.append(last)
    return rungs[bounds[::-1]]


def epoch_order(bucket_of: np.ndarray, *, batch_size: int, seed: int, epoch: int) -> np.ndarray:
    """Which lines stand in which batch of an epoch (the module's docstring says how).

    Args:
      bucket_of: the bucket of each line. Shape [N].
      batch_size: B.
      seed, epoch: what the order depends on.
    Returns:
      Indices of lines. Shape [ceil(N / B), B].
    """
    rng = _rng(seed, _ORDER, epoch)
    num_lines = len(bucket_of)
    places = -(-num_lines // batch_size) * batch_size
    rounds = [rng.permutation(num_lines) for _ in range(-(-places // num_lines))]
    order = np.concatenate(rounds)[:places]
    order = order[np.argsort(bucket_of[order], kind="stable")]
    return rng.permutation(order.reshape(-1, batch_size))


def oversampled(corpus: Corpus, split: str, times: int) -> np.ndarray:
    """The lines of a split, those with a rare character so many times: one of fewer than `RARE` in the split."""
    lines = corpus.indices(split)
    if times == 1:
        return lines
    counts = collections.Counter("".join(corpus.texts[line] for line in lines))
    rare = {character for character, count in counts.items() if count < RARE}
    return np.repeat(lines, [1 if rare.isdisjoint(corpus.texts[line]) else times for line in lines])


def pad(
    inks: Sequence[Ink],
    shape: Shape,
    *,
    alphabet: Alphabet,
    normalisation: Normalisation,
    filling: int = 0,
    end_point: bool = False,
) -> Batch:
    """Lines of raw ink as one batch, each at the start of its row; `filling` empty rows follow.

    Args:
      end_point: whether a line that ends with the pen up is followed by `END_POINT`, where the alphabet has a code for
        the end: what training teaches and evaluation leaves out.

    Raises:
      InputError: a text does not fit the alphabet.
    """
    batch = Batch(
        offsets=np.zeros((len(inks) + filling, shape.points, 3), np.float32),
        mask=np.zeros((len(inks) + filling, shape.points), bool),
        codes=np.zeros((len(inks) + filling, shape.characters), np.int32),
        text_mask=np.zeros((len(inks) + filling, shape.characters), bool),
    )
    for row, ink in enumerate(inks):
        batch.offsets[row, : len(ink)] = normalisation.normalise(ink.offsets)
        batch.mask[row, : len(ink)] = True
        if end_point and alphabet.has_end and ink.offsets[-1, 2] == 1:
            batch.offsets[row, len(ink)] = END_POINT
            batch.mask[row, len(ink)] = True
        codes = alphabet.encode(ink.transcript)
        batch.codes[row, : len(codes)] = codes
        batch.text_mask[row, : len(codes)] = True
    return batch


def pad_inks(
    inks: Sequence[Ink], *, alphabet: Alphabet, normalisation: Normalisation, shape: Shape | None = None
) -> Batch:
    """Lines of raw ink with their texts as one batch.

    Args:
      shape: to pad to; None is the longest line and the longest text, rounded up.
    Raises:
      InputError: there are none, one has no text or a text that does not fit the alphabet.
    """
    if not inks or not all(ink.text for ink in inks):
        raise InputError(f"Expected lines of ink with their texts, found {'some without' if inks else 'none'}.")
    if shape is None:
        points, characters = max(map(len, inks)), max(len(ink.transcript) + alphabet.has_end for ink in inks)
        shape = Shape(round_up(points, _POINTS_MULTIPLE), round_up(characters, _CHARACTERS_MULTIPLE))
    return pad(inks, shape, alphabet=alphabet, normalisation=normalisation)


def pad_texts(texts: Sequence[str], alphabet: Alphabet) -> tuple[np.ndarray, np.ndarray]:
    """Texts in codes of the alphabet, as `sample_batch` takes them.

    Returns:
      Codes, padded at the end, shape [B, U], int32; and how many of each are real, shape [B], int32.
    Raises:
      InputError: there are none, or one is empty or does not fit the alphabet.
    """
    if isinstance(texts, str) or not texts:
        raise InputError(f"Expected a list of texts, found {texts!r:.60}.")
    encoded = [alphabet.encode(text) for text in texts]
    lengths = np.array([len(codes) for codes in encoded], np.int32)
    padded = np.zeros((len(texts), round_up(lengths.max(), _CHARACTERS_MULTIPLE)), np.int32)
    for row, codes in enumerate(encoded):
        padded[row, : len(codes)] = codes
    return padded, lengths


def _check_lines(corpus: Corpus, split: str, alphabet: Alphabet) -> None:
    """Finds out before a run, and not hours into it, whether every line of the split can be used."""
    lines = corpus.indices(split)
    if not len(lines):
        raise InputError(f"Expected at least one line in the split {split!r}, found none.")
    for line in lines:
        try:
            alphabet.encode(corpus.texts[line])
        except InputError as error:
            raise InputError(f"Line {corpus.line_ids[line]!r} cannot be used: {error}") from None


def round_up(values: _Whole, multiple: int) -> _Whole:
    """The next multiple from a number, or from each of an array."""
    return -(-values // multiple) * multiple


def _rng(seed: int, *stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=stream))
