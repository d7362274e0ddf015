"""Continuous batching: a fixed number of lines is drawn at once, and where one ends the next takes its place.

`sample_batch` draws until the slowest line of its batch has ended, which for lines of one length takes nearly twice
the points that they have. Here no place stands empty while lines wait, and one program of one shape serves them all:
it draws `CHUNK` points of every place, and between two chunks the lines that have ended are taken out.

A line is the same, bit for bit, wherever it stands and whatever is drawn beside it: for a given number of places the
products of a CPU form every row's sums in one order (measured with 16 and 64 places, H = 200 and 400).
"""

import collections
import functools
import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import Weights
from graves_jax.sampling.priming import prime
from graves_jax.sampling.sampler import CHUNK, Drawing, Points, Sample, Start, begin, draw_chunk, from_nothing
from graves_jax.sampling.write import (
    MAX_ATTEMPTS,
    MIN_STYLE,
    Written,
    check_text,
    choose_best,
    padded,
    point_limit,
    written_line,
)

# On a CPU, 64 lines are drawn three times as fast as one, and more hardly any faster.
NUM_PLACES = 64
# Styles are read by so many lines at once.
_PRIMED_TOGETHER = 16


class Request(NamedTuple):
    """A line to write. Its ink depends on what stands here and on the stream's key alone."""

    number: int  # another number, another line; below 2**32
    text: str
    bias: float
    style: Ink | None = None  # a line in the hand to write in, in the unit of the training data, with its text
    z: tuple[float, ...] | None = None  # or its style vector; neither is no hand in particular

    @property
    def lead(self) -> str:
        """What the network reads before the text."""
        return "" if self.style is None else f"{self.style.transcript} "


class _Line(NamedTuple):
    """A line that waits for a place, or has one."""

    request: Request
    start: Start | None  # after its style
    tries: list[Written]  # before this one


class _Table(NamedTuple):
    """What the program has to know of the line in each of B places. NumPy arrays, changed in place."""

    is_new: np.ndarray  # bool
    numbers: np.ndarray  # uint32
    attempts: np.ndarray  # uint32
    codes: np.ndarray  # [B, U], int32
    lengths: np.ndarray  # int32
    max_points: np.ndarray  # int32
    bias: np.ndarray  # float32
    z: np.ndarray | None  # [B, E], float32; None where the network has no styles
    starts: Start | None  # where a new line starts; None where all start from nothing


def write_stream(
    weights: Weights,
    requests: Iterable[Request],
    *,
    key: jax.Array,
    num_characters: int,
    has_styles: bool = False,
    num_places: int = NUM_PLACES,
    max_attempts: int = MAX_ATTEMPTS,
) -> Iterator[tuple[Request, Written]]:
    """Writes lines; one that went wrong (faults.py) is drawn again, as `write_lines` does.

    Args:
      weights: of a synthesis network.
      requests: taken one by one as places become free. The longest should come first, so that at the end no place
        stands empty for long.
      key: try i of line n is drawn with `fold_in(fold_in(key, n), i)`.
      num_characters: U, at least the codes of every text with what leads up to it.
      has_styles: whether requests may have a style.
      num_places: B.
      max_attempts: how often a line is drawn at most.
    Yields:
      Request and line, in the order in which the lines end. The same request gives the same ink where key, U,
      `has_styles` and B are the same.
    Raises:
      InputError: a text is empty, too long, or has characters outside the alphabet.
    """
    waiting = _lines(weights, requests, num_characters)
    retries: collections.deque[_Line] = collections.deque()
    places: list[_Line | None] = [None] * num_places
    drawings, table = _nothing(weights.network, num_places, num_characters, has_styles)
    chunks = _no_chunks(num_places, point_limit(weights, num_characters))
    ended: list[tuple[_Line, Sample]] = []
    while True:
        table.is_new[:] = False
        for place in range(num_places):
            if places[place] is None:
                places[place] = entering = retries.popleft() if retries else next(waiting, None)
                if entering is not None:
                    _enter(table, place, entering, weights)
        if is_drawing := any(places):
            drawings, points = _draw(weights.params, weights.network, key, drawings, table)
        # JAX returns before the points are there: until they are, what has ended is looked at and handed on.
        for line, sampled in ended:
            written = written_line(weights, line.request.text, sampled, len(line.request.lead))
            tries = [*line.tries, written]
            if written.fault is None or len(tries) == max_attempts:
                yield line.request, choose_best(tries)
            else:
                retries.append(line._replace(tries=tries))
        ended = []
        if is_drawing:
            points, done, t = jax.device_get((points, drawings.done, drawings.t))
            _put(chunks, points, t)
            for place in map(int, np.flatnonzero(done | (t >= table.max_points))):
                if (line := places[place]) is not None:
                    places[place] = None
                    drawn = Points(*(field[place, : t[place] // CHUNK] for field in chunks))
                    ended.append((line, _sample(drawn, int(table.max_points[place]), bool(done[place]))))
        elif not retries:
            return


def _lines(weights: Weights, requests: Iterable[Request], num_characters: int) -> Iterator[_Line]:
    """The requests, ready to be drawn. Some styles are read at once, as long as one would take alone."""
    requests = iter(requests)
    while some := list(itertools.islice(requests, _PRIMED_TOGETHER)):
        for request in some:
            check_text(weights, request.text)
            length = len(weights.alphabet.encode(request.lead + request.text))
            if length > num_characters:
                raise InputError(f"Expected a text of at most {num_characters} characters, found {length}.")
            width = len(request.z or ())
            if width not in (0, weights.network.style_size):
                raise InputError(f"Expected a style vector of {weights.network.style_size} numbers, found {width}.")
        styled = [(request, request.style) for request in some if request.style is not None]
        starts = iter(_prime(weights, styled, num_characters) if styled else [])
        for request in some:
            yield _Line(request, None if request.style is None else next(starts), [])


def _prime(weights: Weights, requests: list[tuple[Request, Ink]], num_characters: int) -> list[Start]:
    """Where each line starts: after its style, which stands beside it."""
    size = (_PRIMED_TOGETHER, padded(max(len(style) for _, style in requests), MIN_STYLE))
    codes, lengths = np.zeros((size[0], num_characters), np.int32), np.ones(size[0], np.int32)
    offsets, num_points = np.zeros((*size, 3), np.float32), np.ones(size[0], np.int32)
    for row, (request, style) in enumerate(requests):
        code = weights.alphabet.encode(request.lead + request.text)
        codes[row, : len(code)], lengths[row] = code, len(code)
        points = weights.normalisation.normalise(style.offsets)
        offsets[row, : len(points)], num_points[row] = points, len(points)
    starts = jax.device_get(_prime_each(weights.params, weights.network, codes, lengths, offsets, num_points))
    return [jax.tree.map(lambda state, row=row: state[row], starts) for row in range(len(requests))]


@functools.partial(jax.jit, static_argnames="network")
def _prime_each(params, network: NetworkConfig, codes, lengths, offsets, num_points) -> Start:
    return jax.vmap(lambda *line: prime(params, network, *line))(codes, lengths, offsets, num_points)


def _nothing(network: NetworkConfig, num_places: int, num_characters: int, has_styles: bool) -> tuple[Drawing, _Table]:
    """Places of which none has a line."""

    def zeros(shapes):
        return jax.tree.map(lambda leaf: np.zeros((num_places, *leaf.shape), leaf.dtype), shapes)

    start = jax.eval_shape(lambda: from_nothing(network))
    table = _Table(
        is_new=np.zeros(num_places, bool),
        numbers=np.zeros(num_places, np.uint32),
        attempts=np.zeros(num_places, np.uint32),
        codes=np.zeros((num_places, num_characters), np.int32),
        lengths=np.ones(num_places, np.int32),
        max_points=np.ones(num_places, np.int32),
        bias=np.zeros(num_places, np.float32),
        z=np.zeros((num_places, network.style_size), np.float32) if network.style_size else None,
        starts=zeros(start) if has_styles else None,
    )
    return jax.device_put(zeros(jax.eval_shape(begin, start))), table


def _enter(table: _Table, place: int, line: _Line, weights: Weights) -> None:
    """Writes a line into its place's row."""
    request = line.request
    codes = weights.alphabet.encode(request.lead + request.text)
    table.is_new[place] = True
    table.numbers[place], table.attempts[place] = request.number, len(line.tries)
    table.codes[place] = np.pad(codes, (0, table.codes.shape[1] - len(codes)))
    table.lengths[place] = len(codes)
    table.max_points[place] = point_limit(weights, len(request.text))
    table.bias[place] = request.bias
    if table.z is not None:
        table.z[place] = weights.params["any_style"] if request.z is None else request.z
    for number, states in enumerate(jax.tree.leaves(table.starts)):
        states[place] = 0.0 if line.start is None else jax.tree.leaves(line.start)[number]


@functools.partial(jax.jit, static_argnames="network", donate_argnames="drawings")
def _draw(params, network: NetworkConfig, key: jax.Array, drawings: Drawing, table: _Table) -> tuple[Drawing, Points]:
    """A chunk of the line in every place. What stands in empty places is drawn and not looked at."""

    def one(drawing, line):  # of `drawings` and of `table`
        start = from_nothing(network) if line.starts is None else line.starts
        drawing = jax.tree.map(lambda new, old: jnp.where(line.is_new, new, old), begin(start), drawing)
        line_key = jax.random.fold_in(jax.random.fold_in(key, line.numbers), line.attempts)
        return draw_chunk(
            params,
            network,
            line_key,
            line.codes,
            line.lengths,
            drawing,
            max_points=line.max_points,
            bias=line.bias,
            z=line.z,
        )

    return jax.vmap(one)(drawings, table)


def _no_chunks(num_places: int, max_points: int) -> Points:
    """Room for the chunks of the line in every place. Fields with leading axes B and the most chunks of a line."""
    size = (num_places, -(-max_points // CHUNK))
    return Points(
        offsets=np.zeros((*size, CHUNK, 3), np.float32),
        num_points=np.zeros(size, np.int32),
        position=np.zeros((*size, CHUNK), np.int32),
        sharpness=np.zeros((*size, CHUNK), np.float32),
    )


def _put(chunks: Points, points: Points, t: np.ndarray) -> None:
    """Puts the chunk that every place has just drawn behind its others; t is where its line is now. Shape [B]."""
    num_places, most = chunks.num_points.shape
    # An empty place is drawn on and on; its points may go where the last ones were.
    last = np.minimum(t // CHUNK, most) - 1
    for field, chunk in zip(chunks, points, strict=True):
        field[np.arange(num_places), last] = chunk


def _sample(chunks: Points, max_points: int, finished: bool) -> Sample:
    """A line's chunks as `sample` gives them."""
    num_points = min(int(chunks.num_points.sum()), max_points)
    offsets = chunks.offsets.reshape(-1, 3)[:max_points].copy()
    if num_points == max_points:
        offsets[-1, 2] = 1
    position, sharpness = (field.reshape(-1)[:max_points].copy() for field in (chunks.position, chunks.sharpness))
    return Sample(offsets, np.asarray(num_points), np.asarray(finished), position, sharpness)
