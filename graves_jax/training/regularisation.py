"""Dropout of outputs and of recurrent weights, against overfitting.

Nothing here reaches evaluation or sampling. Masks are drawn once a line or once an update, outside the scans.
"""

import jax
import jax.numpy as jnp

from graves_jax.model.network import Dropout, NetworkConfig


def draw_dropout(line_keys: jax.Array, config: NetworkConfig, rate: float) -> Dropout:
    """Masks on the layers' outputs that hold along a line (Gal & Ghahramani 2016): the same cells at every point.

    Args:
      line_keys: one for each line, so that a mask does not depend on what else is in the batch. Shape [B].
      rate: share of cells left out; the others are scaled up, so that the expected output stays.
    """

    def draw(key):
        between_key, output_key = jax.random.split(key)
        layers, cells = config.num_layers, config.hidden_size
        return Dropout(
            between=_mask(between_key, (layers - 1, cells), rate), output=_mask(output_key, (layers * cells,), rate)
        )

    return jax.vmap(draw)(line_keys)


def drop_weights(key: jax.Array, params: dict, rate: float) -> dict:
    """The recurrent matrices with a share of their weights left out (Merity et al. 2018): one draw an update."""
    layers = sorted(name for name in params if name.startswith("layers_"))
    dropped = dict(params)
    for name, layer_key in zip(layers, jax.random.split(key, len(layers)), strict=True):
        recurrent = params[name]["recurrent"]
        dropped[name] = params[name] | {"recurrent": recurrent * _mask(layer_key, recurrent.shape, rate)}
    return dropped


def _mask(key: jax.Array, shape: tuple[int, ...], rate: float) -> jax.Array:
    """0 at a share of the places, 1 / (1 - rate) at the others."""
    return jax.random.bernoulli(key, 1 - rate, shape) / jnp.float32(1 - rate)
