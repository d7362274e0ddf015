"""One text in, one line of ink out: a pure function, jitted, point by point.

It works under `jax.vmap` over keys, texts, biases and styles, and a line does not depend on what else is in the batch:
point t of a line is drawn with `fold_in(key, t)`.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from graves_jax.model import mixture as mixture_lib
from graves_jax.model.network import NetworkCarry, NetworkConfig, fold_style, initial_carry, network_step
from graves_jax.model.window import is_past_end, log_window_weights, one_hot_text

# The line is drawn in chunks of so many points; whether it has ended is asked between them. Longer chunks waste more
# points after the end, shorter ones pay more for the loop (under vmap its whole state is copied once a chunk).
CHUNK = 16
# A letter that the window has left is finished within so many points, or cut.
MAX_POINTS_AFTER_END = 40
# With the pen up it goes back where dx is less than this, in normalised units: whatever the ink, its mean step to the
# right is about a quarter of its standard deviation, so this is no way at all to the right. (Scripts that run from left
# to right are meant: in another the stop rule waits until the line is cut, `MAX_POINTS_AFTER_END` points later.)
BACK = -0.25


# A drawn end point lies within so much of where it should, normalised units: training leaves it a deviation of 0.01.
END_TOLERANCE = 0.1

_Array = jax.Array | np.ndarray  # NumPy's once it has left the device


class Start(NamedTuple):
    """Where drawing starts, after a style or from nothing, and where it goes on from at each point."""

    carry: NetworkCarry
    x: jax.Array  # the point before the first one drawn, normalised units. Shape [3]


class Sample(NamedTuple):
    """A line as it was drawn, normalised units."""

    offsets: _Array  # rows from `num_points` on are zero. Shape [max_points, 3]
    num_points: _Array  # int32
    finished: _Array  # whether the line ended by the stop rule and not by max_points; bool
    position: _Array  # character that the window looked at most, from 0; U is past the end. Shape [max_points]
    sharpness: _Array  # share of that character in all that the window looked at. Shape [max_points]


class Drawing(NamedTuple):
    """A line under way."""

    pen: Start
    t: jax.Array  # points drawn so far, int32
    past_end_for: jax.Array  # points since the window first left the text; 0 before
    done: jax.Array  # whether the stop rule has ended it


class Points(NamedTuple):
    """A chunk of a line's points; fields as those of `Sample`."""

    offsets: _Array  # rows behind the line's end are zero. Shape [CHUNK, 3]
    num_points: _Array  # of them the line's, int32
    position: _Array  # [CHUNK]
    sharpness: _Array  # [CHUNK]


def from_nothing(config: NetworkConfig) -> Start:
    """The start of training's lines: zero state, null vector."""
    return Start(initial_carry(config, ()), jnp.zeros(3))


def sample(
    params,
    config: NetworkConfig,
    key: jax.Array,
    codes: jax.Array,
    text_length: jax.Array | int,
    *,
    max_points: int,
    point_limit: jax.Array | int | None = None,
    bias: jax.Array | float = 0.0,
    z: jax.Array | None = None,
    start: Start | None = None,
    finish_letter: bool = True,
) -> Sample:
    """Draws one line.

    A network that ends texts (`NetworkConfig.ends_text`) says itself when all is written, by drawing `END_POINT`.

    For any other, the line has ended when the window has left the text, φ(t, U+1) > φ(t, u) for all u in 1..U
    (section 5.3), and, with `finish_letter`, when the pen is up and about to go on to the right: where the window
    leaves, the last letter often lacks its end. A stroke that begins farther left is the bar of a t or the dot of an i,
    and is drawn.

    Args:
      params, config: the synthesis network.
      key: of this line.
      codes: the text as `Alphabet.encode` gives it, padded. Shape [U], int.
      text_length: codes before the padding. Shape [], int.
      max_points: where a line that does not end is cut; the length of the arrays that come back.
      point_limit: cuts such a line earlier, after so many points; unlike `max_points` it may be traced, so that lines
        of all lengths share a compilation. Shape [], int; None is `max_points`.
      bias: b of (61) and (62): 0 as learned, more is neater. Shape [].
      z: style vector, the hand to write in. Shape [E]; None is the learned vector of no hand in particular.
      start: None starts from nothing; `style.prime` gives one that carries on from a style, whose text stands before
        the new one in `codes`.
      finish_letter: False ends on the very point of Graves's rule.
    Raises:
      ValueError: z is not as wide as the network's styles.
    """
    codes, text_length = jnp.asarray(codes), jnp.asarray(text_length)
    limit = jnp.int32(max_points) if point_limit is None else jnp.clip(point_limit, 1, max_points)
    num_chunks = -(-max_points // CHUNK)

    def add_chunk(state):
        drawing, sampled = state
        t = drawing.t
        drawing, points = draw_chunk(
            params,
            config,
            key,
            codes,
            text_length,
            drawing,
            max_points=limit,
            bias=bias,
            z=z,
            finish_letter=finish_letter,
        )
        sampled = Sample(
            offsets=jax.lax.dynamic_update_slice(sampled.offsets, points.offsets, (t, 0)),
            num_points=sampled.num_points + points.num_points,
            finished=drawing.done,
            position=jax.lax.dynamic_update_slice(sampled.position, points.position, (t,)),
            sharpness=jax.lax.dynamic_update_slice(sampled.sharpness, points.sharpness, (t,)),
        )
        return drawing, sampled

    empty = Sample(
        offsets=jnp.zeros((num_chunks * CHUNK, 3)),
        num_points=jnp.int32(0),
        finished=jnp.bool_(False),
        position=jnp.zeros(num_chunks * CHUNK, jnp.int32),
        sharpness=jnp.zeros(num_chunks * CHUNK),
    )
    begun = begin(from_nothing(config) if start is None else start)
    _, sampled = jax.lax.while_loop(lambda state: ~state[0].done & (state[0].t < limit), add_chunk, (begun, empty))
    return _cut(sampled, max_points, limit)


def begin(start: Start) -> Drawing:
    """A line of which no point has been drawn."""
    return Drawing(start, jnp.int32(0), jnp.int32(0), jnp.bool_(False))


def draw_chunk(
    params,
    config: NetworkConfig,
    key: jax.Array,
    codes: jax.Array,
    text_length: jax.Array,
    drawing: Drawing,
    *,
    max_points: jax.Array | int,
    bias: jax.Array | float,
    z: jax.Array | None = None,
    finish_letter: bool = True,
) -> tuple[Drawing, Points]:
    """The next `CHUNK` points of a line. Arguments as those of `sample`, which is this again and again.

    The chunk may run on past `max_points`; what happens there is no longer the line's end.
    """
    params, config = fold_style(params, config, z)
    num_positions = codes.shape[-1]
    characters = one_hot_text(codes, jnp.arange(num_positions) < text_length, config.num_characters)
    # As far as one past the text: what stands in the padding is not to be seen.
    end = text_length - 1 if config.ends_text else text_length
    is_seen = jnp.arange(num_positions + 1) <= end

    def draw_point(pen: Start, noise: mixture_lib.Noise):
        carry, y_hat, window = network_step(params, config, pen.carry, pen.x, characters)
        mixture = mixture_lib.mixture_from_outputs(y_hat, bias=bias, sigma_floor=config.sigma_floor)
        x = mixture_lib.draw_with_noise(noise, mixture)
        return Start(carry, x), (x, window)

    # What a chunk's points have in common is worked out for all of them at once: done point by point, its many small
    # steps take a CPU as long as a tenth of the network.
    times = drawing.t + jnp.arange(CHUNK)
    noise = jax.vmap(lambda t: mixture_lib.draw_noise(jax.random.fold_in(key, t), config.num_components))(times)
    pen, (x, window) = jax.lax.scan(draw_point, drawing.pen, noise)
    x_tm1 = jnp.concatenate([drawing.pen.x[None], x[:-1]])
    log_phi = jnp.where(is_seen[None], log_window_weights(window, num_positions + 1), -jnp.inf)
    position = jnp.argmax(log_phi, axis=-1).astype(jnp.int32)
    past_end = (drawing.past_end_for > 0) | _ever(is_past_end(window, end, num_positions))
    past_end_for = drawing.past_end_for + jnp.cumsum(past_end, dtype=jnp.int32)
    if config.ends_text:
        is_over = is_end_point(x_tm1, x) & (position >= end - 1) & (times > 0)
        is_cut = jnp.zeros(CHUNK, bool)
    elif finish_letter:
        # The point just drawn would begin a stroke of no letter, unless the pen goes back. (Of 344 lines looked at,
        # 41 were finished by such a stroke; 3 of these did not belong there.)
        is_over = past_end & (x_tm1[:, 2] == 1) & (x[:, 0] >= BACK) & (times > 0)
        is_cut = past_end_for >= MAX_POINTS_AFTER_END
    else:
        is_over, is_cut = jnp.zeros(CHUNK, bool), past_end
    ended = drawing.done | _ever((is_over | is_cut) & (times < max_points))
    done = jnp.concatenate([drawing.done[None], ended[:-1]]) | is_over
    points = Points(
        # The pen lifts where the line is cut, whatever was drawn.
        offsets=jnp.where(done[:, None], 0.0, x.at[:, 2].max(is_cut.astype(x.dtype))),
        num_points=jnp.sum(~done, dtype=jnp.int32),
        position=position,
        sharpness=jnp.exp(jnp.max(log_phi, axis=-1) - jax.nn.logsumexp(log_phi, axis=-1)),
    )
    return Drawing(pen, drawing.t + CHUNK, past_end_for[-1], ended[-1]), points


def is_end_point(x_tm1: jax.Array, x: jax.Array) -> jax.Array:
    """Whether a point is `END_POINT`, as it is drawn: the pen is up, stands still and lifts again.

    Args:
      x_tm1, x: two points, one after the other, normalised units. Shapes [..., 3].
    Returns:
      Shape [...], bool.
    """
    stands = jnp.max(jnp.abs(x[..., :2]), axis=-1) < END_TOLERANCE
    return stands & (x_tm1[..., 2] == 1) & (x[..., 2] == 1)


def _ever(happens: jax.Array) -> jax.Array:
    """Whether it has happened by then, at each point. Shape [T], bool."""
    return jax.lax.cummax(happens.astype(jnp.int32)).astype(bool)


def _cut(sampled: Sample, max_points: int, limit: jax.Array) -> Sample:
    """A whole number of chunks to `max_points`. A line that would run on is not finished, but its pen lifts."""
    num_points = jnp.minimum(sampled.num_points, limit)
    full = num_points == limit
    offsets = jnp.where(jnp.arange(max_points)[:, None] < num_points, sampled.offsets[:max_points], 0.0)
    return Sample(
        offsets=offsets.at[limit - 1, 2].max(full.astype(offsets.dtype)),
        num_points=num_points,
        finished=sampled.finished,
        position=sampled.position[:max_points],
        sharpness=sampled.sharpness[:max_points],
    )


@functools.partial(jax.jit, static_argnames=("config", "max_points", "finish_letter"))
def sample_batch(
    params,
    config: NetworkConfig,
    keys: jax.Array,
    codes: jax.Array,
    text_lengths: jax.Array | int,
    *,
    max_points: int,
    point_limits: jax.Array | int | None = None,
    bias: jax.Array | float = 0.0,
    z: jax.Array | None = None,
    start: Start | None = None,
    finish_letter: bool = True,
) -> Sample:
    """`sample` for B lines at once: arguments with a leading axis B, and so every field of the result.

    One text [U], length, limit or bias [], or style vector [E], is that of all lines.

    Raises:
      ValueError: an argument is for another number of lines than there are keys.
    """
    num_lines = len(keys)

    def per_line(name, value, ndim):
        """The value of each line. Shape [B, ...]."""
        value = jnp.asarray(value)
        if value.ndim == ndim:
            return jnp.broadcast_to(value, (num_lines, *value.shape))
        if value.ndim != ndim + 1 or len(value) != num_lines:
            shape = list(value.shape)
            raise ValueError(f"Expected {name} for all {num_lines} keys or for each of them, found shape {shape}.")
        return value

    def one(key, codes, text_length, limit, bias, z, start):
        return sample(
            params,
            config,
            key,
            codes,
            text_length,
            max_points=max_points,
            point_limit=limit,
            bias=bias,
            z=z,
            start=start,
            finish_letter=finish_letter,
        )

    return jax.vmap(one)(
        keys,
        per_line("codes", codes, 1),
        per_line("text_lengths", text_lengths, 0),
        per_line("point_limits", max_points if point_limits is None else point_limits, 0),
        per_line("bias", bias, 0),
        None if z is None else per_line("z", z, 1),
        start,
    )
