"""Texts in, ink out: what people call. Pads to a few shapes, so that no text costs a compilation of its own."""

import dataclasses
import functools
import itertools
import operator
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from graves_jax.bars import Bar
from graves_jax.data.ink import Ink, is_unicode
from graves_jax.errors import InputError
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import Weights, check_reads_text
from graves_jax.sampling.faults import find_fault
from graves_jax.sampling.letters import doubts
from graves_jax.sampling.priming import prime
from graves_jax.sampling.sampler import BACK, Sample, Start, from_nothing, sample_batch

# Texts are padded to a power of two of at least so many characters, styles to one of so many points: a network then
# meets few shapes, each of which costs a compilation. (3 x 400, 2 or 8 lines at once: with 256 characters a line takes
# as long as with 32, within what can be measured.)
MIN_TEXT, MIN_STYLE = 64, 128
# Batches are padded to a power of two lines in this range. Within it the products of a CPU round a line alike whatever
# stands beside it (one line alone is a matrix times a vector, and more than these are divided among threads), so a
# line stays the same, bit for bit, whether it is written alone or among many. (Measured at H = 200 and 400: from 16
# lines on the sums of H = 400 are formed in another order. `sample_batch` itself takes any number.)
MIN_BATCH, MAX_BATCH = 2, 8
# With `many`, batches are always padded to so many lines, and so a line is the same among any others.
MANY = 32
# A line may take so many times the points that its text takes on average, and is cut there; texts count as a multiple
# of so many characters.
MAX_SLOWNESS, TEXT_MULTIPLE = 2.5, 16
MAX_CHARACTERS = 500
MAX_BIAS = 20.0
# Seeds that JAX takes as they are: of larger ones it would drop bits without a word.
MAX_SEED = 2**32 - 1
# A line that went wrong is drawn so often in all before its last try is kept.
MAX_ATTEMPTS = 5
# Read more easily than people's own lines (the model card has the table), and still another hand for every key.
DEFAULT_BIAS = 0.75
# No stroke of these is so tall, in standard deviations of dy.
LOW_MARKS, TALLEST_LOW_MARK = ".,-", 1.75
# Characters that stood fewer times in the training data come out badly.
RARE = 100


@dataclasses.dataclass(frozen=True, eq=False)
class Written:
    """A line as the network wrote it.

    Attributes:
      ink: in the unit of the training data, with its text.
      position: the character that the window looked at most, from 0, at each point; U is past the end. Shape [T].
      sharpness: share of that character in all that the window looked at, averaged over the points.
      attempts: how often it was drawn.
      fault: what is wrong with it all the same, or None.
      words: how doubtful each word between single spaces is, in nats: below 2 for most, above 6 hardly to be read
        (`letters.doubts`). None where no reader reads for the weights.
    """

    ink: Ink
    position: np.ndarray
    sharpness: float
    attempts: int
    fault: str | None
    words: np.ndarray | None = None


def write_lines(
    weights: Weights,
    texts: Sequence[str],
    *,
    keys: Sequence[jax.Array] | None = None,
    seed: int = 0,
    bias: float = DEFAULT_BIAS,
    style: Ink | np.ndarray | None = None,
    best_of: int = 1,
    max_attempts: int = MAX_ATTEMPTS,
    many: bool = False,
    progress: bool = False,
) -> list[Written]:
    """Writes each text as one line; one that went wrong (faults.py) is drawn again.

    Of several drawings the sharpest is kept: letters come out well where the window looks at one character at a time
    (the model card has the error rates). How probable a line is does not tell: a pen that inks the same letter over
    and over is easy to predict, and lines of a high likelihood are read worse than others.

    Args:
      texts: each at most `MAX_CHARACTERS` long.
      keys: one for each text; the same text, key, bias and style give the same ink, whatever is written beside it. None
        makes them from the seed, as `line_key` says.
      seed: used where there are no keys. 0 to 2³² - 1.
      bias: 0 writes as messily as people do, more is neater.
      style: the hand to write in: a line of it, in the unit of the training data, with its text (`load_style` gives
        one), which the network reads first; or, for weights with styles, a style vector, shape [E], or one for each
        text, shape [N, E]. None writes in no hand in particular.
      best_of: how many drawings without a fault the line is chosen from.
      max_attempts: how often a line is drawn at most; `best_of` - 1 times more with `best_of`.
      many: for pages of lines in one hand: first drawings are made `MANY` at once, twice as fast, and a style is read
        once, without the texts that follow it. A line's ink still depends on nothing beside it, but is not the same as
        without.
      progress: shows a bar with the time left on standard error, for more than a few lines.
    Raises:
      InputError: a text is empty, too long, or has characters outside the alphabet; or a number is out of range; or
        there is another number of keys than of texts; or the style is not one of these weights.
    """
    if isinstance(texts, str):
        raise InputError(f"Expected a list of texts, found the one text {texts!r:.60}.")
    keys = [line_key(seed, row) for row in range(len(texts))] if keys is None else keys
    if len(keys) != len(texts):
        raise InputError(f"Expected a key for each of {len(texts)} texts, found {len(keys)}.")
    if best_of < 1 or max_attempts < 1:
        raise InputError(f"Expected a line to be drawn at least once, found best_of {best_of} of {max_attempts} tries.")
    if not 0 <= bias <= MAX_BIAS:
        raise InputError(f"Expected a bias of 0 to {MAX_BIAS:g}, found {bias}.")
    check_reads_text(weights)
    for text in texts:
        check_text(weights, text)
    if style is not None and not isinstance(style, Ink):
        style = _style_vectors(weights, style, len(texts))
    most = best_of + max_attempts - 1
    drawn: list[list[Written]] = [[] for _ in texts]
    # A few lines are there before a bar would be read.
    silent = not progress or len(texts) * best_of <= MAX_BATCH
    with Bar(total=len(texts) * best_of, desc="writing", unit="line", disable=silent) as bar:
        while missing := [(row, n) for row, lines in enumerate(drawn) for n in _missing(lines, best_of, most)]:
            # Only the first drawings are many.
            size = MANY if many and not any(drawn) else MAX_BATCH
            lengths = [len(_lead(style) + text) + weights.alphabet.has_end for text in texts]
            for batch in _batches(missing, lengths, size):
                batch_keys = [jax.random.fold_in(keys[row], number) for row, number in batch]
                batch_texts = [texts[row] for row, _ in batch]
                hand = style[[row for row, _ in batch]] if isinstance(style, np.ndarray) else style
                lines = _write_batch(weights, batch_texts, batch_keys, bias, hand, size=size, reads_once=many)
                for (row, _), line in zip(batch, lines, strict=True):
                    drawn[row].append(line)
                bar.update(sum(line.fault is None for line in lines))
    return [choose_best(lines) for lines in drawn]


def line_key(seed: int, row: int = 0) -> jax.Array:
    """The key of line `row` of what is written with a seed: it depends on nothing else.

    Raises:
      InputError: the seed is not a whole number of 0 to 2³² - 1.
    """
    return jax.random.fold_in(jax.random.key(check_seed(seed)), row)


def check_seed(seed: int) -> int:
    """The seed as Python's int. Raises InputError where it is not a whole number of 0 to 2³² - 1."""
    try:
        seed = operator.index(seed)
    except TypeError:
        raise InputError(f"Expected a seed that is a whole number, found {seed!r:.60}.") from None
    if not 0 <= seed <= MAX_SEED:
        raise InputError(f"Expected a seed of 0 to {MAX_SEED:,}, found {seed}.")
    return seed


def check_text(weights: Weights, text: str) -> None:
    """Raises InputError for a text that is empty, too long, or has characters outside the alphabet."""
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"Expected a line of at most {MAX_CHARACTERS} characters, found {len(text)}.")
    if not is_unicode(text):
        raise InputError(f"Expected a text of Unicode characters, found half a surrogate pair in {text!r:.60}.")
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


def _missing(lines: list[Written], best_of: int, most: int) -> range:
    """Numbers of the drawings to make next: until `best_of` have no fault, or there are as many as may be."""
    wanted = best_of - sum(line.fault is None for line in lines)
    return range(len(lines), min(len(lines) + wanted, most))


def _batches(drawings: list[tuple[int, int]], lengths: list[int], most: int = MAX_BATCH) -> list[list[tuple[int, int]]]:
    """Drawings of rows, at most so many at once, those of similar length together.

    Only lines that are padded alike share a batch: how far a text is padded moves the last bit of what the window sees.
    """
    drawings = sorted(drawings, key=lambda drawing: lengths[drawing[0]])
    alike = (list(group) for _, group in itertools.groupby(drawings, lambda drawing: padded(lengths[drawing[0]])))
    return [group[start : start + most] for group in alike for start in range(0, len(group), most)]


def padded(length: int, least: int = MIN_TEXT) -> int:
    """The power of two, at least `least`, that so many characters, points or lines are padded to."""
    return max(least, 1 << (length - 1).bit_length())


def _style_vectors(weights: Weights, style, num_lines: int) -> np.ndarray:
    """The style vector of each line. Shape [N, E], float32.

    Raises:
      InputError: it is no vector of these weights, nor one for each line.
    """
    size = weights.network.style_size
    if not size:
        raise InputError("Expected weights with style vectors for a style that is one, found weights without.")
    try:
        z = np.asarray(style, np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"Expected a style of ink or a vector of {size} numbers, found {style!r:.60}.") from error
    if z.shape not in ((size,), (num_lines, size)) or not np.isfinite(z).all():
        raise InputError(
            f"Expected a style vector of {size} finite numbers, or one for each text, found shape {list(z.shape)}."
        )
    return np.broadcast_to(z, (num_lines, size))


def _lead(style: Ink | np.ndarray | None) -> str:
    """What stands before a text that is written in a style."""
    return f"{style.text} " if isinstance(style, Ink) else ""


def choose_best(lines: list[Written]) -> Written:
    """The sharpest of the lines without a fault, or of all where there is none."""
    best = max([line for line in lines if line.fault is None] or lines, key=lambda line: line.sharpness)
    return dataclasses.replace(best, attempts=len(lines))


def _write_batch(
    weights: Weights, texts, keys, bias: float, style: Ink | np.ndarray | None, *, size: int, reads_once: bool
) -> list[Written]:
    """Each line with `attempts` 1. Arguments as those of `_batches`, and `many` of `write_lines`; vectors [N, E]."""
    lead = _lead(style)
    codes, lengths = _pad_texts(weights, [lead + text for text in texts], num_lines=size if size == MANY else None)
    num_lines = len(codes)
    padding = num_lines - len(texts)
    if isinstance(style, np.ndarray):
        style = np.pad(style, ((0, padding), (0, 0)), mode="edge")
    if reads_once and isinstance(style, Ink):
        starts = jax.tree.map(lambda state: np.broadcast_to(state, (num_lines, *state.shape)), _read(weights, style))
    else:
        starts = _starts(weights, codes, lengths, style)
    # The style's own points are read, not drawn. Padding is over at once.
    limits = [*(point_limit(weights, len(text)) for text in texts), *[1] * padding]
    sampled = _draw(weights, [*keys, *[keys[0]] * padding], codes, lengths, limits, bias, style, starts)
    rows = [jax.tree.map(lambda field, row=row: field[row], sampled) for row in range(len(texts))]
    return [written_line(weights, text, row, len(lead)) for text, row in zip(texts, rows, strict=True)]


def _draw(
    weights: Weights, keys, codes, lengths, limits, bias: float, style: Ink | np.ndarray | None, starts
) -> Sample:
    """Lines as they are sampled, NumPy arrays. The shapes of `codes` and of the style decide what is compiled."""
    sampled = sample_batch(
        weights.params,
        weights.network,
        jnp.stack(keys),
        codes,
        lengths,
        max_points=point_limit(weights, codes.shape[1]),
        point_limits=np.array(limits, np.int32),
        bias=np.full(len(codes), bias, np.float32),
        z=_vector(weights, style),
        start=starts,
    )
    return jax.device_get(sampled)


def warm_up(
    weights: Weights,
    *,
    characters: int = 200,
    lines: int = MAX_BATCH,
    style: Ink | np.ndarray | None = None,
    progress: bool = False,
) -> None:
    """Compiles what is needed to write, so that no line that comes later waits for it: for services, when they start.

    It takes some seconds for each shape, of which there are three lengths of text up to 200 characters and three
    numbers of lines up to 8; with `use_compilation_cache` before it, a fraction of that from the second start on.

    Args:
      characters: of the longest text.
      lines: written at once, at most; 8 is enough for any number.
      style: one of the kind that will be written in, ink of about its length or a vector; None for none.
      progress: shows a bar on standard error.
    """
    batches = sorted({padded(count, MIN_BATCH) for count in range(1, min(lines, MAX_BATCH) + 1)})
    lead = len(_lead(style))
    lengths = sorted({padded(lead + length + weights.alphabet.has_end) for length in range(1, characters + 1)})
    shapes = [(num_lines, length) for length in lengths for num_lines in batches]
    for num_lines, length in Bar(shapes, desc="compiling", unit="shape", disable=not progress):
        keys = [line_key(0, row) for row in range(num_lines)]
        codes, text_lengths = np.zeros((num_lines, length), np.int32), np.ones(num_lines, np.int32)
        # One point of each line is enough.
        starts = _starts(weights, codes, text_lengths, style)
        _draw(weights, keys, codes, text_lengths, [1] * num_lines, DEFAULT_BIAS, style, starts)


def _vector(weights: Weights, style: Ink | np.ndarray | None) -> np.ndarray | jax.Array | None:
    """The vectors that lines are written with: "any" where the style is none of them; None without styles."""
    return style if isinstance(style, np.ndarray) else weights.params.get("any_style")


def _pad_texts(weights: Weights, texts: list[str], num_lines: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Codes [B, U] and lengths [B], both padded; a row that is all padding has the length 1."""
    encoded = [weights.alphabet.encode(text) for text in texts]
    num_characters = padded(max(map(len, encoded)))
    num_lines = num_lines or padded(len(texts), MIN_BATCH)
    codes, lengths = np.zeros((num_lines, num_characters), np.int32), np.ones(num_lines, np.int32)
    for row, text_codes in enumerate(encoded):
        codes[row, : len(text_codes)] = text_codes
        lengths[row] = len(text_codes)
    return codes, lengths


def point_limit(weights: Weights, num_characters: int) -> int:
    """Where a line of so many characters is cut if it does not end. The same for a few characters more or less."""
    num_characters = -(-num_characters // TEXT_MULTIPLE) * TEXT_MULTIPLE
    return int(MAX_SLOWNESS * weights.network.points_per_character * num_characters)


def _starts(weights: Weights, codes: np.ndarray, lengths: np.ndarray, style: Ink | np.ndarray | None) -> Start:
    """Where each line starts: after the ink of a style, or from nothing."""
    if not isinstance(style, Ink):
        start = jax.eval_shape(lambda: from_nothing(weights.network))
        return jax.tree.map(lambda state: np.zeros((len(codes), *state.shape), state.dtype), start)
    points = weights.normalisation.normalise(style.offsets)
    rows = np.zeros((padded(len(points), MIN_STYLE), 3), np.float32)
    rows[: len(points)] = points
    return _prime_batch(weights.params, weights.network, codes, lengths, rows, len(points))


@functools.lru_cache(maxsize=4)
def _read(weights: Weights, style: Ink) -> Start:
    """The start after a style that was read without what follows it; no leading axis."""
    lead = _lead(style)
    codes = np.zeros((1, padded(len(lead))), np.int32)
    codes[0, : len(lead)] = weights.alphabet.encode(lead)[: len(lead)]
    starts = _starts(weights, codes, np.array([len(lead)], np.int32), style)
    return jax.tree.map(lambda state: state[0], jax.device_get(starts))


@functools.partial(jax.jit, static_argnames="network")
def _prime_batch(params, network: NetworkConfig, codes, lengths, points, num_points) -> Start:
    return jax.vmap(lambda codes, length: prime(params, network, codes, length, points, num_points))(codes, lengths)


def written_line(weights: Weights, text: str, sampled: Sample, lead: int) -> Written:
    """A sampled line as ink of its own, without what led up to it: `lead` characters of a style."""
    first = _first_row(sampled, lead) if lead else 0
    drawn = slice(first, max(_end_row(weights, sampled, text, lead), first + 1))
    rows = weights.normalisation.denormalise(sampled.offsets[drawn])
    if lead and (first == 0 or sampled.offsets[first - 1, 2]):
        # The text begins with a dot, to which the pen has come through the air.
        rows[0] = 0, 0, 1
    position = np.maximum(sampled.position[drawn] - lead, 0)
    # The pen lifts at the end also of a line that was cut.
    rows[-1, 2] = 1
    ink = Ink(rows, text)
    words = doubts(ink, position, weights)
    fault = find_fault(ink, position, finished=bool(sampled.finished), weights=weights, words=words)
    return Written(ink, position, float(sampled.sharpness[drawn].mean()), attempts=1, fault=fault, words=words)


def _first_row(sampled: Sample, lead: int) -> int:
    """Where the ink of the new text begins: behind what still belongs to the style, and the way through the air.

    The pen may go back to dot an i of the style: a stroke that begins by going back, as in sampler.py, and ends before
    the window has come to the new text.
    """
    first = 0
    for lift in np.flatnonzero(sampled.offsets[: sampled.num_points, 2]):
        if sampled.offsets[first, 0] >= BACK or sampled.position[lift] >= lead:
            break
        first = lift + 1
    first = min(first, sampled.num_points - 1)
    if sampled.offsets[first, 2]:
        return int(first)  # a dot has no other row
    return int(min(first + 1, sampled.num_points - 1))


def _end_row(weights: Weights, sampled: Sample, text: str, lead: int) -> int:
    """Where the ink of the text ends: where the network says so, or before a letter begun behind a low mark.

    Full stops, commas and hyphens take so few points that the next stroke has begun when the window leaves the text. It
    is none of theirs if it goes to the right and stands taller than they do. (Of 356 lines that end so, 15 had such a
    stroke.)
    """
    num_points = int(sampled.num_points)
    left_at = np.flatnonzero(sampled.position[:num_points] == lead + len(text))
    if weights.network.ends_text or text[-1] not in LOW_MARKS or not len(left_at):
        return num_points
    starts = np.flatnonzero(sampled.offsets[:num_points, 2])[:-1] + 1
    for start, end in itertools.pairwise([*starts, num_points]):
        height = np.ptp(np.cumsum(sampled.offsets[start:end, 1]))
        if 0 <= left_at[0] - start <= 2 and sampled.offsets[start, 0] >= BACK and height > TALLEST_LOW_MARK:
            return int(start)
    return num_points
