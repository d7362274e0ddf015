"""Log-loss of a network on whole lines: nats, summed over a line's points and averaged over lines."""

import functools
from collections.abc import Iterable
from typing import NamedTuple

import jax
import numpy as np

from graves_jax.data.batches import Batch
from graves_jax.model.network import NetworkConfig
from graves_jax.training.losses import nats_per_line


class LogLoss(NamedTuple):
    """Log-loss of many lines, each whole.

    Attributes:
      nats: of each line, in the order of the batches. Shape [N], float64.
      points: of each line. Shape [N], int64.
    """

    nats: np.ndarray
    points: np.ndarray

    @property
    def nats_per_line(self) -> float:
        return float(self.nats.mean())

    @property
    def nats_per_point(self) -> float:
        return float(self.nats.sum() / self.points.sum())


@functools.partial(jax.jit, static_argnums=1)
def _batch_nats(params, network: NetworkConfig, batch: Batch) -> jax.Array:
    return nats_per_line(params, network, batch)


def log_loss(params, network: NetworkConfig, batches: Iterable[Batch]) -> LogLoss:
    """Log-loss of every line in the batches; rows that are all padding are left out."""
    nats, points = [], []
    for batch in batches:
        real = batch.mask.any(axis=1)
        nats.append(np.asarray(_batch_nats(params, network, batch), np.float64)[real])
        points.append(batch.mask.sum(axis=1)[real])
    return LogLoss(np.concatenate(nats), np.concatenate(points))
