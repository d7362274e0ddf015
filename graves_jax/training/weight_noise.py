"""Adaptive weight noise: a Gaussian posterior for every weight, and its description length in the loss.

Graves, "Practical Variational Inference for Neural Networks" (NIPS 2011); in the paper of 2013 it brings the best
log-losses. With a posterior Q over the weights and a prior P, the loss of a pass over the data is

    E_{w ~ Q}[ -log p(data | w) ]  +  KL(Q ‖ P)

Q has a mean and a standard deviation for each weight. P is one Gaussian for all, and always the one that makes the
divergence least, which is known in closed form. Where Graves (2011) derives gradients of the variances from those of
the loss, here a draw is written as mean + std · noise and differentiated as it stands (Kingma & Welling 2014), which is
unbiased for both. A network is evaluated with the means.
"""

import math
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from graves_jax.data.batches import Batch
from graves_jax.model.likelihood import summed_nats
from graves_jax.model.network import NetworkConfig
from graves_jax.training.devices import Rows

Params = dict


class Posterior(NamedTuple):
    """A Gaussian for every weight. Both fields have the network's parameters' tree and shapes."""

    mean: Params
    log_std: Params


def posterior_around(params: Params, std: float) -> Posterior:
    """The posterior to start from: all weights equally unsure. The paper starts from 0.075."""
    return Posterior(params, jax.tree.map(lambda p: jnp.full_like(p, math.log(std)), params))


def draw(key: jax.Array, posterior: Posterior) -> Params:
    """Weights from the posterior."""
    leaves, tree = jax.tree.flatten(posterior.mean)
    keys = jax.tree.unflatten(tree, list(jax.random.split(key, len(leaves))))
    return jax.tree.map(
        lambda key, mean, log_std: mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape, mean.dtype),
        keys,
        *posterior,
    )


def complexity(posterior: Posterior) -> jax.Array:
    """KL(Q ‖ P) for the best prior P, in nats: the description length of the weights.

    With mean μ = mean_i m_i and variance v = mean_i [s_i² + (m_i - μ)²], the optimum of Graves (2011),
    the terms with v in their denominator cancel:

        Σ_i log N(m_i, s_i²) ‖ N(μ, v)  =  Σ_i ½ log v - log s_i

    Shape [].
    """
    num_weights = sum(leaf.size for leaf in jax.tree.leaves(posterior.mean))

    def over_all(function, *trees):
        return sum(jax.tree.leaves(jax.tree.map(lambda *leaves: jnp.sum(function(*leaves)), *trees)))

    prior_mean = over_all(lambda m: m, posterior.mean) / num_weights
    prior_variance = over_all(lambda m, s: jnp.exp(2 * s) + jnp.square(m - prior_mean), *posterior) / num_weights
    return 0.5 * num_weights * jnp.log(prior_variance) - over_all(lambda s: s, posterior.log_std)


def noisy_nats_and_gradient(
    key: jax.Array,
    posterior: Posterior,
    network: NetworkConfig,
    batch: Batch,
    *,
    drawn_per: Literal["batch", "line"],
    lines_per_pass: int,
    rows: Rows | None = None,
) -> tuple[jax.Array, Posterior]:
    """Nats of a batch under drawn weights, and the gradient of these nats and the batch's share of the complexity.

    Args:
      drawn_per: one draw for the whole batch, or one for each line: the paper's ("at the start of each training
        sequence"), with less noise in the gradient and without the speed of products over many lines.
      lines_per_pass: lines of the training split. The complexity is charged once per pass, so a batch of B lines
        bears B / lines_per_pass of it.
      rows: which of the whole batch `batch` has; None: it is the whole batch.
    Returns:
      Summed nats of the data alone, shape []; the gradient, a tree like `posterior`.
    """

    def loss(posterior, key, batch):
        return summed_nats(draw(key, posterior), network, batch)

    if drawn_per == "batch":
        nats, gradient = jax.value_and_grad(loss)(posterior, key, batch)
    else:
        # One after another: weights of its own for every line under `vmap` are products of many small matrices, which a
        # CPU computes several times slower, and as many gradients of the network's size.
        def add_line(total, key_and_line):
            return jax.tree.map(jnp.add, total, jax.value_and_grad(loss)(posterior, *key_and_line)), None

        rows = Rows(0, len(batch.mask)) if rows is None else rows
        keys = rows.own(jax.random.split(key, rows.total), len(batch.mask))
        lines = jax.tree.map(lambda field: field[:, None], batch)
        nothing = (jnp.zeros((), batch.offsets.dtype), jax.tree.map(jnp.zeros_like, posterior))
        (nats, gradient), _ = jax.lax.scan(add_line, nothing, (keys, lines))
    share = jnp.sum(batch.mask[:, 0]) / lines_per_pass
    cost = jax.grad(complexity)(posterior)
    return nats, jax.tree.map(lambda g, c: g + share * c, gradient, cost)
