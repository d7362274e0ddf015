"""Priming: the network reads a hand before it writes on in it (Graves 2013, section 5.5)."""

import jax
import jax.numpy as jnp

from graves_jax.model.network import HandwritingNetwork, NetworkConfig, initial_carry
from graves_jax.model.window import one_hot_text
from graves_jax.sampling.sampler import Start


def prime(
    params,
    config: NetworkConfig,
    codes: jax.Array,
    text_length: jax.Array,
    offsets: jax.Array,
    num_points: jax.Array,
    *,
    z: jax.Array | None = None,
) -> Start:
    """Reads a style's ink and returns where to write on from: the whole state, window included.

    The network is fed all points of the style but the last; that one is the input of the first point drawn, so no
    point is fed twice.

    Args:
      codes: style text and new text, one after the other, padded. Shape [U], int.
      text_length: characters before the padding. Shape [], int.
      offsets: the style's ink, normalised units, padded. Shape [T, 3].
      num_points: rows before the padding, at least 1. Shape [], int.
      z: style vector, shape [E]; None is "any".
    """
    characters = one_hot_text(codes, jnp.arange(codes.shape[-1]) < text_length, config.num_characters)
    inputs = jnp.concatenate([jnp.zeros_like(offsets[:1]), offsets[:-1]])[:, None]
    mask = (jnp.arange(len(offsets)) < num_points)[:, None]
    carry, _ = HandwritingNetwork(config).apply(
        {"params": params}, initial_carry(config, (1,), offsets.dtype), inputs, characters[None], mask, z
    )
    return Start(jax.tree.map(lambda state: state[0], carry), offsets[num_points - 1])
