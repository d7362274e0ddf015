"""The mixture density output: M bivariate Gaussians for the pen's offset and a Bernoulli for its lift.

Graves (2013), equations (17)-(26), (61) and (62). Every function is pure and takes any leading axes.

Two departures in form, none in content:
  - The lift is `sigmoid(end_logit)` with end_logit = ŷ_0. Equation (18) prints e = 1 / (1 + exp(ê)), the other sign of
    the same free parameter: end_logit = -ê.
  - The correlation is kept as ρ̂, not ρ = tanh ρ̂, which float32 rounds to 1 from ρ̂ = 9 on. With
    1 / (1 ± ρ) = (1 + exp(∓2ρ̂)) / 2 the exponent of (24) is a sum of squares without cancellation:

        Z / (1 - ρ²) = ¼ [(a + b)² (1 + exp(-2ρ̂)) + (a - b)² (1 + exp(2ρ̂))],   a = (x₁-μ₁)/σ₁,   b = (x₂-μ₂)/σ₂
        -½ log(1 - ρ²) = log cosh ρ̂

    In a density ρ̂ counts up to ±20, where 1 - |ρ| is 4e-18. From ±44 on exp(2ρ̂) is infinite in float32, and a point on
    the diagonal, (a - b) = 0, has no likelihood at all.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

LOG_2 = 0.6931471805599453
LOG_2_PI = 1.8378770664093453
# At this bound a point 10,000 deviations off still has a finite density, and derivatives.
MAX_RHO_HAT = 20.0


class Mixture(NamedTuple):
    """What the next pen point is drawn from. M components; leading axes any, the same for all fields."""

    log_pi: jax.Array  # log mixture weights, normalised. Shape [..., M]
    mu: jax.Array  # means, normalised units. Shape [..., M, 2]
    log_sigma: jax.Array  # log standard deviations. Shape [..., M, 2]
    rho_hat: jax.Array  # inverse hyperbolic tangent of the correlation. Shape [..., M]
    end_logit: jax.Array  # log odds that the pen lifts after this point. Shape [...]

    @property
    def pi(self) -> jax.Array:
        return jnp.exp(self.log_pi)

    @property
    def sigma(self) -> jax.Array:
        return jnp.exp(self.log_sigma)

    @property
    def rho(self) -> jax.Array:
        return jnp.tanh(self.rho_hat)

    @property
    def end_probability(self) -> jax.Array:
        return jax.nn.sigmoid(self.end_logit)


def num_outputs(num_components: int) -> int:
    """Width of ŷ, equation (17): 121 for the paper's 20 components."""
    return 1 + 6 * num_components


def mixture_from_outputs(y_hat: jax.Array, *, bias: jax.Array | float = 0.0, sigma_floor: float = 0.0) -> Mixture:
    """Reads the network's output as a mixture.

        π = softmax(π̂ (1 + b))    σ = exp(σ̂ - b) + floor    ρ = tanh ρ̂        (19)-(22), (61), (62)

    Args:
      y_hat: (ê, π̂ [M], μ̂ [M, 2], σ̂ [M, 2], ρ̂ [M]) one after another. Shape [..., 1 + 6M].
      bias: b of section 5.4; 0 samples as the network learned, more is neater. Scalar or shape [...].
      sigma_floor: least standard deviation, normalised units. 0 is the paper's; above 0 it keeps the density from
        spiking on the grid of integer coordinates.
    Raises:
      ValueError: the last axis is not 1 + 6M long.
    """
    num_components, remainder = divmod(y_hat.shape[-1] - 1, 6)
    if remainder or num_components < 1:
        raise ValueError(f"Expected outputs of width 1 + 6M with M at least 1, found width {y_hat.shape[-1]}.")
    m = num_components
    end_logit, pi_hat, mu_hat, sigma_hat, rho_hat = (
        y_hat[..., 0],
        y_hat[..., 1 : 1 + m],
        y_hat[..., 1 + m : 1 + 3 * m],
        y_hat[..., 1 + 3 * m : 1 + 5 * m],
        y_hat[..., 1 + 5 * m :],
    )
    bias = jax.lax.broadcast_to_rank(jnp.asarray(bias, y_hat.dtype), y_hat.ndim - 1)
    log_sigma = sigma_hat.reshape(*sigma_hat.shape[:-1], m, 2) - bias[..., None, None]
    if sigma_floor > 0:
        log_sigma = jnp.logaddexp(log_sigma, jnp.log(jnp.asarray(sigma_floor, y_hat.dtype)))
    return Mixture(
        log_pi=jax.nn.log_softmax(pi_hat * (1 + bias[..., None]), axis=-1),
        mu=mu_hat.reshape(*mu_hat.shape[:-1], m, 2),
        log_sigma=log_sigma,
        rho_hat=rho_hat,
        end_logit=end_logit,
    )


def component_log_density(mixture: Mixture, x: jax.Array) -> jax.Array:
    """log N(x; μ_j, σ_j, ρ_j) of every component, equations (24) and (25).

    Args:
      x: pen offset, normalised units. Shape [..., 2].
    Returns:
      Nats. Shape [..., M].
    """
    scaled = (x[..., None, :] - mixture.mu) * jnp.exp(-mixture.log_sigma)
    a, b = scaled[..., 0], scaled[..., 1]
    rho_hat = jnp.clip(mixture.rho_hat, -MAX_RHO_HAT, MAX_RHO_HAT)
    z = 0.25 * (jnp.square(a + b) * (1 + jnp.exp(-2 * rho_hat)) + jnp.square(a - b) * (1 + jnp.exp(2 * rho_hat)))
    log_cosh = jnp.logaddexp(rho_hat, -rho_hat) - LOG_2
    return -LOG_2_PI - jnp.sum(mixture.log_sigma, axis=-1) + log_cosh - 0.5 * z


def log_density(mixture: Mixture, x: jax.Array) -> jax.Array:
    """Log-density of the next pen offset under the mixture.

        log p(x) = logsumexp_j [log π_j + log N(x; μ_j, σ_j, ρ_j)]        (Graves 2013, eq. 23-25)

    In log space throughout, so a far outlier costs many nats but never log 0.

    Args:
      x: pen offset, normalised units. Shape [..., 2].
    Returns:
      Nats per squared normalised unit. Shape [...].
    """
    return jax.nn.logsumexp(mixture.log_pi + component_log_density(mixture, x), axis=-1)


def log_probability(mixture: Mixture, point: jax.Array) -> jax.Array:
    """Log-likelihood of a whole pen point: its offset and its end-of-stroke bit, the summand of -L in (26).

    Args:
      point: (dx, dy, end_of_stroke), normalised units. Shape [..., 3].
    Returns:
      Nats. Shape [...].
    """
    end_of_stroke = point[..., 2]
    # log sigmoid(±z): exact where the probability itself would round to 0 or 1.
    log_lift = jax.nn.log_sigmoid(mixture.end_logit)
    log_stay = jax.nn.log_sigmoid(-mixture.end_logit)
    return log_density(mixture, point[..., :2]) + end_of_stroke * log_lift + (1 - end_of_stroke) * log_stay


def mean_offset(mixture: Mixture) -> jax.Array:
    """Expected next offset, Σ_j π_j μ_j. Shape [..., 2]."""
    return jnp.sum(mixture.pi[..., None] * mixture.mu, axis=-2)


class Noise(NamedTuple):
    """All the chance of one pen point, whatever the mixture. Leading axes any."""

    gumbel: jax.Array  # picks the component. Shape [..., M]
    normal: jax.Array  # the offset from its mean. Shape [..., 2]
    uniform: jax.Array  # the lift. Shape [...]


def draw_noise(key: jax.Array, num_components: int, batch_shape: tuple[int, ...] = (), dtype=jnp.float32) -> Noise:
    """What `draw` makes of a key. Apart from it, so that a sampler can draw the chance of many points at once."""
    component_key, offset_key, end_key = jax.random.split(key, 3)
    return Noise(
        gumbel=jax.random.gumbel(component_key, (*batch_shape, num_components), dtype),
        normal=jax.random.normal(offset_key, (*batch_shape, 2), dtype),
        uniform=jax.random.uniform(end_key, batch_shape, dtype),
    )


def draw(key: jax.Array, mixture: Mixture) -> jax.Array:
    """One pen point from the mixture: a component, an offset from it, a lift.

    Args:
      key: one key for all leading axes; under `jax.vmap` give each row its own.
    Returns:
      (dx, dy, end_of_stroke), normalised units. Shape [..., 3].
    """
    *batch_shape, num_components = mixture.log_pi.shape
    return draw_with_noise(draw_noise(key, num_components, tuple(batch_shape), mixture.log_pi.dtype), mixture)


def draw_with_noise(noise: Noise, mixture: Mixture) -> jax.Array:
    """`draw`, its chance given: a pure function of both. Shape [..., 3]."""
    j = jnp.argmax(mixture.log_pi + noise.gumbel, axis=-1)[..., None]
    mu, sigma = (jnp.take_along_axis(field, j[..., None], axis=-2)[..., 0, :] for field in (mixture.mu, mixture.sigma))
    rho_hat = jnp.take_along_axis(mixture.rho_hat, j, axis=-1)[..., 0]
    # The Cholesky factor of a correlation matrix: (1, 0), (ρ, √(1 - ρ²)), the root being 1 / cosh ρ̂.
    second = jnp.tanh(rho_hat) * noise.normal[..., 0] + noise.normal[..., 1] / jnp.cosh(rho_hat)
    offset = mu + sigma * jnp.stack([noise.normal[..., 0], second], axis=-1)
    lift = noise.uniform < mixture.end_probability
    return jnp.concatenate([offset, lift[..., None].astype(offset.dtype)], axis=-1)
