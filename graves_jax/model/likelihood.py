"""Nats of a batch: the negative log-likelihood of its pen points, equation (26), padding left out."""

import functools
from collections.abc import Iterable
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np

from graves_jax.data.batches import Batch
from graves_jax.data.ink import Normalisation
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
    return cast(jax.Array, y_hat)  # Flax cannot know what a method returns


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


class LogLoss(NamedTuple):
    """Log-loss and squared error of many lines, each whole; normalised units.

    Attributes:
      nats: -log p(line), or -log p(line | text), summed over its points, (26). Shape [N], float64.
      points: of each line. Shape [N], int64.
      squared_errors: ‖Σ_j π_j μ_j - (dx, dy)‖² summed over its points. Shape [N], float64.
    """

    nats: np.ndarray
    points: np.ndarray
    squared_errors: np.ndarray

    @property
    def nats_per_line(self) -> float:
        return float(self.nats.mean())

    @property
    def nats_per_line_standard_error(self) -> float:
        """Of the mean over lines, taken as independent, which lines of one writer are not quite; NaN for one line."""
        if len(self.nats) < 2:
            return float("nan")
        return float(self.nats.std(ddof=1) / np.sqrt(len(self.nats)))

    @property
    def nats_per_point(self) -> float:
        return float(self.nats.sum() / self.points.sum())

    @property
    def sse(self) -> float:
        """Squared distance from the mixture's mean to the true offset, averaged over all points of all lines.

        The paper leaves open what it calls SSE. Its 0.23 and 0.41 are of this order: always to guess the mean offset
        gives 2, one for each axis.
        """
        return float(self.squared_errors.sum() / self.points.sum())

    def raw_nats_per_line(self, normalisation: Normalisation) -> float:
        """Log-loss of the ink in its own unit, whatever it was divided by: nats + T log(std_dx std_dy), per line."""
        return self.nats_per_line + float(self.points.mean() * np.log(normalisation.std).sum())


@functools.partial(jax.jit, static_argnums=1)
def _batch_loss(params, network: NetworkConfig, batch: Batch) -> tuple[jax.Array, jax.Array]:
    """Nats and squared error of each line. Shapes [B]."""
    mixture = mixture_lib.mixture_from_outputs(outputs(params, network, batch), sigma_floor=network.sigma_floor)
    points = jnp.swapaxes(batch.offsets, 0, 1)
    nats = -mixture_lib.log_probability(mixture, points)
    squared_error = jnp.sum(jnp.square(mixture_lib.mean_offset(mixture) - points[..., :2]), axis=-1)
    nats, squared_error = (jnp.where(batch.mask.T, value, 0.0).sum(axis=0) for value in (nats, squared_error))
    return nats, squared_error


def log_loss(params, network: NetworkConfig, batches: Iterable[Batch]) -> LogLoss:
    """Log-loss of every line in the batches, in their order; rows that are all padding are left out."""
    nats, points, squared_errors = [], [], []
    for batch in batches:
        real = batch.mask.any(axis=1)
        batch_nats, batch_errors = _batch_loss(params, network, batch)
        nats.append(np.asarray(batch_nats, np.float64)[real])
        points.append(batch.mask.sum(axis=1)[real])
        squared_errors.append(np.asarray(batch_errors, np.float64)[real])
    return LogLoss(np.concatenate(nats), np.concatenate(points), np.concatenate(squared_errors))
