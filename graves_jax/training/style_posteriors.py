"""Style vectors of the training writers: not one value for each but a Gaussian, learned along with the network.

Writer v has the posterior q_v(z) = N(m_v, s_v²). Each of a writer's lines is written with a draw of its own,
z = m_v + s_v ε (Kingma & Welling 2014), and a pass over the data costs

    Σ_lines E_{z ~ q}[-log p(line | z)]  +  Σ_v KL(q_v ‖ N(0, 1))

So a draw from N(0, 1) is a hand that nobody has, and between two hands lie others. Lines without a writer, and a share
of all lines, use the network's learned vector of no hand in particular, so that it can write without one.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

# Where posteriors start: means apart from one another, or no gradient would tell the writers apart, and fairly sure.
INITIAL_MEAN_STD, INITIAL_STD = 0.5, 0.3


class Hands(NamedTuple):
    """A Gaussian over the style vector of each of V writers. Both fields [V, E]."""

    mean: jax.Array
    log_std: jax.Array


class NetworkAndHands(NamedTuple):
    """What is trained where the network has styles."""

    network: dict
    hands: Hands


def initial_hands(key: jax.Array, num_writers: int, style_size: int) -> Hands:
    """Posteriors to start from."""
    shape = (num_writers, style_size)
    return Hands(INITIAL_MEAN_STD * jax.random.normal(key, shape), jnp.full(shape, jnp.log(INITIAL_STD)))


def divergence(hands: Hands) -> jax.Array:
    """Σ_v KL(N(m_v, s_v²) ‖ N(0, 1)) = ½ Σ (m² + s² - 1 - 2 log s), in nats. Shape []."""
    return 0.5 * jnp.sum(jnp.square(hands.mean) + jnp.exp(2 * hands.log_std) - 1 - 2 * hands.log_std)


def draw_styles(
    line_keys: jax.Array, hands: Hands, any_style: jax.Array, writers: jax.Array | np.ndarray, any_share: float
) -> jax.Array:
    """A style vector for each line of a batch.

    Args:
      line_keys: shape [B].
      any_style: the vector of no hand in particular. Shape [E].
      writers: number of each line's writer, -1 where there is none. Shape [B].
      any_share: share of the lines with a writer that use `any_style` all the same.
    Returns:
      Shape [B, E].
    """

    def draw(key, writer):
        noise_key, any_key = jax.random.split(key)
        noise = jax.random.normal(noise_key, any_style.shape, any_style.dtype)
        z = hands.mean[writer] + jnp.exp(hands.log_std[writer]) * noise
        is_any = (writer < 0) | (jax.random.uniform(any_key) < any_share)
        return jnp.where(is_any, any_style, z)

    return jax.vmap(draw)(line_keys, writers)
