"""Gated recurrent unit (Cho et al. 2014), the reset gate after the recurrent product as in cuDNN.

    r_t = σ(x_r + h_r)    z_t = σ(x_z + h_z)    n_t = tanh(x_n + r_t (h_n + b))
    h_t = (1 - z_t) n_t + z_t h_{t-1}

with the three blocks r, z, n of x_pre and h_pre side by side in this order.
"""

import jax
import jax.numpy as jnp

from graves_jax.model.cell import Carry, Cell
from graves_jax.model.gradient_clipping import clip, clip_gradient


def _forward(extra, x_pre, h_pre, carry_tm1: Carry, bound: float | None) -> tuple[Carry, tuple[jax.Array, ...]]:
    (h_tm1,) = carry_tm1
    x_r, x_z, x_n = jnp.split(x_pre, 3, axis=-1)
    h_r, h_z, h_n = jnp.split(h_pre, 3, axis=-1)
    candidate = h_n + jax.lax.broadcast_to_rank(extra["candidate_bias"], h_n.ndim)
    r = jax.nn.sigmoid(clip_gradient(x_r + h_r, bound))
    z = jax.nn.sigmoid(clip_gradient(x_z + h_z, bound))
    n = jnp.tanh(clip_gradient(x_n + r * candidate, bound))
    return ((1 - z) * n + z * h_tm1,), (r, z, n, candidate)


def _backward(extra, gates, carry_tm1: Carry, carry: Carry, d_carry: Carry, bound: float | None):
    del extra, carry
    (h_tm1,), (d_h,) = carry_tm1, d_carry
    r, z, n, candidate = gates
    d_n = clip(d_h * (1 - z) * (1 - jnp.square(n)), bound)
    d_z = clip(d_h * (h_tm1 - n) * z * (1 - z), bound)
    d_r = clip(d_n * candidate * r * (1 - r), bound)
    return jnp.concatenate([d_r, d_z, d_n], axis=-1), (d_h * z,)


def _h_derivative(d_x_pre, gates) -> jax.Array:
    """The reset gate stands between h_pre's candidate and x_pre's."""
    d_r, d_z, d_n = jnp.split(d_x_pre, 3, axis=-1)
    return jnp.concatenate([d_r, d_z, d_n * gates[0]], axis=-1)


def _candidate_gradient(d_x_pre, gates, carries_tm1: Carry, carries: Carry) -> dict[str, jax.Array]:
    del carries_tm1, carries
    _, _, d_n = jnp.split(d_x_pre, 3, axis=-1)
    return {"candidate_bias": jnp.sum(d_n * gates[0], axis=(0, 1))}


GRU = Cell(
    num_blocks=3,
    num_states=1,
    extra_shapes=lambda hidden_size: {"candidate_bias": (hidden_size,)},
    bias_init=lambda hidden_size: jnp.zeros(3 * hidden_size),
    forward=_forward,
    backward=_backward,
    h_derivative=_h_derivative,
    extra_gradient=_candidate_gradient,
)
