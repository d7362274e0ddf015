"""The attention: a mixture of K Gaussians whose centres move over the text and never back.

Graves (2013), equations (46)-(51). Every function is pure and takes any leading axes; texts are padded to a common
length U and `text_mask` tells their characters from the padding. Positions count from 1, as in the paper.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Window(NamedTuple):
    """K Gaussians over the positions of the text. Each field [..., K]."""

    alpha: jax.Array  # importance
    beta: jax.Array  # inverse width, characters⁻²
    kappa: jax.Array  # centre, characters


def window_from_outputs(window_hat: jax.Array, kappa_tm1: jax.Array) -> Window:
    """α = exp α̂,  β = exp β̂,  κ_t = κ_{t-1} + exp κ̂        (49)-(51)

    Args:
      window_hat: (α̂, β̂, κ̂), linear in the first layer's output. Shape [..., 3K].
      kappa_tm1: the centres one step before. Shape [..., K].
    Raises:
      ValueError: the widths do not fit.
    """
    if window_hat.shape[-1] != 3 * kappa_tm1.shape[-1]:
        raise ValueError(
            f"Expected window outputs of width 3K = {3 * kappa_tm1.shape[-1]}, found {window_hat.shape[-1]}."
        )
    alpha_hat, beta_hat, kappa_hat = jnp.split(window_hat, 3, axis=-1)
    return Window(jnp.exp(alpha_hat), jnp.exp(beta_hat), kappa_tm1 + jnp.exp(kappa_hat))


def _squared_distance(window: Window, num_positions: int) -> jax.Array:
    """(κ_k - u)² of every centre and position. Shape [..., K, num_positions]."""
    u = jnp.arange(1, num_positions + 1, dtype=window.kappa.dtype)
    centre = window.kappa[..., None]
    return jnp.square(centre - jax.lax.broadcast_to_rank(u, centre.ndim))


def log_window_weights(window: Window, num_positions: int) -> jax.Array:
    """log φ(t, u), which stays finite where φ itself underflows: far from every centre. Shape [..., num_positions]."""
    squared_distance = _squared_distance(window, num_positions)
    return jax.nn.logsumexp(jnp.log(window.alpha)[..., None] - window.beta[..., None] * squared_distance, axis=-2)


def window_weights(window: Window, num_positions: int) -> jax.Array:
    """φ(t, u) = Σ_k α_k exp(-β_k (κ_k - u)²)        (46)

    Args:
      num_positions: how many positions u = 1, 2, ... to weigh.
    Returns:
      Weights, not normalised. Shape [..., num_positions].
    """
    squared_distance = _squared_distance(window, num_positions)
    return jnp.sum(window.alpha[..., None] * jnp.exp(-window.beta[..., None] * squared_distance), axis=-2)


def attend(window: Window, characters: jax.Array) -> jax.Array:
    """w_t = Σ_u φ(t, u) c_u        (47)

    Args:
      characters: one-hot characters, all zeros on padding. Shape [..., U, C].
    Returns:
      The window's view of the text. Shape [..., C].
    """
    phi = window_weights(window, characters.shape[-2])
    # As exact as the products of matmul.py: by default a GPU would round φ to 10 bits of mantissa.
    return jnp.einsum("...u,...uc->...c", phi, characters, precision=jax.lax.Precision.HIGHEST)


def one_hot_text(codes: jax.Array | np.ndarray, text_mask: jax.Array | np.ndarray, num_characters: int) -> jax.Array:
    """The text as the window reads it: one-hot rows, zeros on padding.

    Args:
      codes: shape [..., U], int.
      text_mask: True on characters, False on padding. Shape [..., U].
    Returns:
      Shape [..., U, C], float32.
    """
    return jax.nn.one_hot(codes, num_characters) * text_mask[..., None]


def is_past_end(window: Window, text_length: jax.Array, num_positions: int) -> jax.Array:
    """Graves's stop rule: φ(t, U+1) > φ(t, u) for all u in 1..U (section 5.3).

    Args:
      text_length: U of each text. Shape [...], int.
      num_positions: the length that the texts are padded to, at least the longest U.
    Returns:
      Shape [...], bool.
    """
    # In log space: a window that has run far past the text has weights that are all zero in float32.
    log_phi = log_window_weights(window, num_positions + 1)
    end = text_length[..., None] + 1
    position = jax.lax.broadcast_to_rank(jnp.arange(1, num_positions + 2), end.ndim)

    def highest(among: jax.Array) -> jax.Array:
        return jnp.max(jnp.where(jax.lax.broadcast_to_rank(among, log_phi.ndim), log_phi, -jnp.inf), axis=-1)

    return highest(position == end) > highest(position < end)
