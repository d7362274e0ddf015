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
import scipy.optimize
import tqdm

from graves_jax.data.batches import Batch
from graves_jax.data.ink import Ink
from graves_jax.model.likelihood import summed_nats
from graves_jax.model.network import NetworkConfig, fold_style
from graves_jax.model.weights import Weights
from graves_jax.training.finetuning import padded

# Each is a pass forward and back. On three people's ten lines L-BFGS was within a nat of its end after nine, and beyond
# what thirty steps of Adam reach.
NUM_EVALUATIONS = 10
# Less gain than this share of the loss is noise of float32.
_LEAST_GAIN = 1e-6


def folded(weights: Weights, z: np.ndarray | None = None) -> Weights:
    """The same network without style vectors that writes in the hand z; None is no hand in particular."""
    params, network = fold_style(weights.params, weights.network, None if z is None else jnp.asarray(z))
    return dataclasses.replace(weights, params=params, network=network)


def fit_vector(
    weights: Weights,
    inks: Sequence[Ink],
    *,
    start: np.ndarray | None = None,
    num_evaluations: int = NUM_EVALUATIONS,
    progress: bool = True,
) -> np.ndarray:
    """The style vector of a person's lines.

    Args:
      weights: with style vectors.
      inks: at the weights' scale, with texts of their alphabet.
      start: where to begin; None is "any", no hand in particular. Shape [E].
      num_evaluations: of the loss, after which L-BFGS ends; a few more or fewer, as its line search comes out.
      progress: whether to show a bar on standard error.
    Returns:
      Shape [E], float32.
    Raises:
      ValueError: the weights have no styles.
    """
    if not weights.network.style_size:
        raise ValueError("Expected weights with styles to fit one, found style_size 0.")
    batch = padded(weights, inks)
    begin = np.asarray(weights.params["any_style"] if start is None else start, np.float64)
    best_z, best_loss = begin, np.inf
    with tqdm.tqdm(total=num_evaluations, desc="fitting", unit="pass", disable=not progress) as bar:

        def evaluate(z):
            nonlocal best_z, best_loss
            loss, gradient = _loss_and_gradient(jnp.asarray(z, jnp.float32), weights.params, weights.network, batch)
            if loss < best_loss:
                best_z, best_loss = z.copy(), float(loss)
            bar.update()
            bar.set_postfix_str(f"{float(loss) / batch.mask.sum():.3f} nats/point", refresh=False)
            return float(loss), np.asarray(gradient, np.float64)

        options = {"maxfun": num_evaluations, "ftol": _LEAST_GAIN}
        scipy.optimize.minimize(evaluate, begin, jac=True, method="L-BFGS-B", options=options)
    return best_z.astype(np.float32)


@functools.partial(jax.jit, static_argnames="network")
def _loss_and_gradient(z: jax.Array, params: dict, network: NetworkConfig, batch: Batch):
    def loss(z):
        folded_params, plain = fold_style(params, network, z)
        return summed_nats(folded_params, plain, batch) + 0.5 * jnp.sum(jnp.square(z))

    return jax.value_and_grad(loss)(z)
