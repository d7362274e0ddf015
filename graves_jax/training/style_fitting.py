"""Fitting a style vector: in which of all hands a few lines are most probable.

A network with style vectors has learned a space of hands in which every hand is as probable as N(0, 1) says. So a
person's own is where

    log p(lines | texts, z) - |z|² / 2        is highest:

the maximum a posteriori. Some dozen numbers are fitted to some thousand points, and the prior keeps those in check that
the lines say nothing about. The network itself stays as it is.
"""

import dataclasses
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tqdm

from graves_jax.data.batches import Batch
from graves_jax.data.ink import Ink
from graves_jax.model.likelihood import summed_nats
from graves_jax.model.network import NetworkConfig, fold_style
from graves_jax.model.weights import Weights
from graves_jax.training.finetuning import padded

NUM_STEPS = 30
# At first; a cosine takes it to a tenth.
LEARNING_RATE = 0.15


def folded(weights: Weights, z: np.ndarray | None = None) -> Weights:
    """The same network without style vectors that writes in the hand z; None is no hand in particular."""
    params, network = fold_style(weights.params, weights.network, None if z is None else jnp.asarray(z))
    return dataclasses.replace(weights, params=params, network=network)


def fit_vector(
    weights: Weights,
    inks: Sequence[Ink],
    *,
    start: np.ndarray | None = None,
    num_steps: int = NUM_STEPS,
    progress: bool = True,
) -> np.ndarray:
    """The style vector of a person's lines.

    Args:
      weights: with style vectors.
      inks: at the weights' scale, with texts of their alphabet.
      start: where to begin; None is "any", no hand in particular. Shape [E].
      num_steps: of Adam.
      progress: whether to show a bar on standard error.
    Returns:
      Shape [E], float32.
    Raises:
      ValueError: the weights have no styles.
    """
    if not weights.network.style_size:
        raise ValueError("Expected weights with styles to fit one, found style_size 0.")
    batch = padded(weights, inks)
    z = weights.params["any_style"] if start is None else jnp.asarray(start, jnp.float32)
    best_z, best_loss = z, np.inf
    adam = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, num_steps, 0.1))
    state = adam.init(z)
    with tqdm.tqdm(total=num_steps, desc="fitting", unit="step", disable=not progress) as bar:
        for _ in range(num_steps):
            loss, gradient = _loss_and_gradient(z, weights.params, weights.network, batch)
            if loss < best_loss:
                best_z, best_loss = z, float(loss)
            updates, state = adam.update(gradient, state)
            z = optax.apply_updates(z, updates)
            bar.update()
            bar.set_postfix_str(f"{float(loss) / batch.mask.sum():.3f} nats/point", refresh=False)
    return np.asarray(best_z, np.float32)


@functools.partial(jax.jit, static_argnames="network")
def _loss_and_gradient(z: jax.Array, params: dict, network: NetworkConfig, batch: Batch):
    def loss(z):
        folded_params, plain = fold_style(params, network, z)
        return summed_nats(folded_params, plain, batch) + 0.5 * jnp.sum(jnp.square(z))

    return jax.value_and_grad(loss)(z)
