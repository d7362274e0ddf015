"""Nats of a batch: the negative log-likelihood of its pen points, equation (26), padding left out."""

import jax
import jax.numpy as jnp

from graves_jax.data.batches import Batch
from graves_jax.model import mixture as mixture_lib
from graves_jax.model.network import Dropout, HandwritingNetwork, NetworkConfig, initial_carry
from graves_jax.model.window import one_hot_text


def previous_points(offsets: jax.Array) -> jax.Array:
    """What the network is fed: the point before each one, "the first input being the null vector" (section 4).

    Shape [T, B, 3] to [T, B, 3].
    """
    return jnp.concatenate([jnp.zeros_like(offsets[:1]), offsets[:-1]])


def outputs(
    params, config: NetworkConfig, batch: Batch, *, z: jax.Array | None = None, dropout: Dropout | None = None
) -> jax.Array:
    """ŷ for every point of a batch. Shape [T, B, 1 + 6M]; time comes first from here on.

    Args:
      z: style vectors, shape [B, E] or [E]; None is "any".
      dropout: see `HandwritingNetwork`.
    """
    offsets = jnp.swapaxes(batch.offsets, 0, 1)
    characters = None
    if config.reads_text:
        characters = one_hot_text(batch.codes, batch.text_mask, config.num_characters)
    carry = initial_carry(config, (offsets.shape[1],), offsets.dtype)
    _, y_hat = HandwritingNetwork(config).apply(
        {"params": params}, carry, previous_points(offsets), characters, z=z, dropout=dropout
    )
    return y_hat


def nats_per_line(
    params, config: NetworkConfig, batch: Batch, *, z: jax.Array | None = None, dropout: Dropout | None = None
) -> jax.Array:
    """Nats of each line, summed over its points: -log p(line | text), normalised units. Shape [B].

    What stands on padding counts neither in the value nor in the derivative, whatever it is.
    """
    batch = batch._replace(offsets=jnp.where(batch.mask[..., None], batch.offsets, 0.0))
    mask = batch.mask.T
    # A `where` behind the density alone would do for the value. The derivative goes through the density too, where a
    # zero from the `where` may meet an infinite slope, 0 · ∞ = NaN; so padding gets outputs with a finite density.
    y_hat = jnp.where(mask[..., None], outputs(params, config, batch, z=z, dropout=dropout), 0.0)
    mixture = mixture_lib.mixture_from_outputs(y_hat, sigma_floor=config.sigma_floor)
    log_probability = mixture_lib.log_probability(mixture, jnp.swapaxes(batch.offsets, 0, 1))
    return -jnp.sum(jnp.where(mask, log_probability, 0.0), axis=0)


def summed_nats(
    params, config: NetworkConfig, batch: Batch, *, z: jax.Array | None = None, dropout: Dropout | None = None
) -> jax.Array:
    """Nats of a whole batch. Shape []."""
    return jnp.sum(nats_per_line(params, config, batch, z=z, dropout=dropout))
