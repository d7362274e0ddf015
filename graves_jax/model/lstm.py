"""Long short-term memory, with and without diagonal peepholes: Graves (2013), equations (7)-(11).

    i_t = σ(a_i + p_i c_{t-1})    f_t = σ(a_f + p_f c_{t-1})    g_t = tanh(a_g)
    c_t = f_t c_{t-1} + i_t g_t   o_t = σ(a_o + p_o c_t)        h_t = o_t tanh(c_t)

with the four pre-activations a = x_pre + h_pre side by side in this order. The paper writes g_t inside (9).
"""

import jax
import jax.numpy as jnp

from graves_jax.model.cell import Carry, Cell
from graves_jax.model.gradient_clipping import clip, clip_gradient

# The paper leaves the initial biases open. At 1 the forget gate starts mostly open, so that derivatives reach back
# over a character's points (some 10 to 25) from the first update on.
FORGET_BIAS = 1.0


def _bias_init(hidden_size: int) -> jax.Array:
    i, f, g, o = 0.0, FORGET_BIAS, 0.0, 0.0
    return jnp.repeat(jnp.array([i, f, g, o]), hidden_size)


def _peepholes(extra, c: jax.Array) -> list[jax.Array]:
    """p_i, p_f and p_o, with leading axes of length 1 for those of the states c."""
    return [jax.lax.broadcast_to_rank(p, c.ndim) for p in extra["peephole"]]


def _forward(extra, x_pre, h_pre, carry_tm1: Carry, bound: float | None) -> tuple[Carry, tuple[jax.Array, ...]]:
    _, c_tm1 = carry_tm1
    a_i, a_f, a_g, a_o = jnp.split(x_pre + h_pre, 4, axis=-1)
    if extra:
        p_i, p_f, p_o = _peepholes(extra, c_tm1)
        a_i, a_f = a_i + p_i * c_tm1, a_f + p_f * c_tm1
    i = jax.nn.sigmoid(clip_gradient(a_i, bound))
    f = jax.nn.sigmoid(clip_gradient(a_f, bound))
    g = jnp.tanh(clip_gradient(a_g, bound))
    c = f * c_tm1 + i * g
    if extra:
        a_o = a_o + p_o * c
    o = jax.nn.sigmoid(clip_gradient(a_o, bound))
    return (o * jnp.tanh(c), c), (i, f, g, o)


def _backward(extra, gates, carry_tm1: Carry, carry: Carry, d_carry: Carry, bound: float | None):
    c_tm1, c = carry_tm1[1], carry[1]
    d_h, d_c = d_carry
    i, f, g, o = gates
    tanh_c = jnp.tanh(c)
    d_o = clip(d_h * tanh_c * o * (1 - o), bound)
    d_c = d_c + d_h * o * (1 - jnp.square(tanh_c))
    if extra:
        p_i, p_f, p_o = _peepholes(extra, d_c)
        d_c = d_c + d_o * p_o
    d_i = clip(d_c * g * i * (1 - i), bound)
    d_f = clip(d_c * c_tm1 * f * (1 - f), bound)
    d_g = clip(d_c * i * (1 - jnp.square(g)), bound)
    d_c_tm1 = d_c * f
    if extra:
        d_c_tm1 = d_c_tm1 + d_i * p_i + d_f * p_f
    return jnp.concatenate([d_i, d_f, d_g, d_o], axis=-1), (jnp.zeros_like(d_h), d_c_tm1)


def _peephole_gradient(d_x_pre, gates, carries_tm1: Carry, carries: Carry) -> dict[str, jax.Array]:
    del gates
    d_i, d_f, _, d_o = jnp.split(d_x_pre, 4, axis=-1)
    c_tm1, c = carries_tm1[1], carries[1]
    return {"peephole": jnp.stack([jnp.sum(d * s, axis=(0, 1)) for d, s in ((d_i, c_tm1), (d_f, c_tm1), (d_o, c))])}


PEEPHOLE_LSTM = Cell(
    num_blocks=4,
    num_states=2,
    extra_shapes=lambda hidden_size: {"peephole": (3, hidden_size)},
    bias_init=_bias_init,
    forward=_forward,
    backward=_backward,
    h_derivative=lambda d_x_pre, gates: d_x_pre,
    extra_gradient=_peephole_gradient,
)

LSTM = PEEPHOLE_LSTM._replace(extra_shapes=lambda hidden_size: {}, extra_gradient=lambda *_: {})
