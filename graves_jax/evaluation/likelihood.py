"""Log-loss and squared error of a network on whole lines, as Graves (2013) reports them in his tables 3 and 4.

A log-loss is that of a density in normalised units, so it moves with the normalisation: dividing both axes by 10 % more
buys some 120 nats a line. And the coordinates of a recording are whole numbers, on which a density may spike without
knowing anything about writing. So two more figures go with it, one without a unit (`LogLoss.raw_nats_per_line`) and
one of ink whose grid is smoothed away (`dequantise`).
"""

import dataclasses
import functools
from collections.abc import Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.batches import Batch, evaluation_batches
from graves_jax.data.corpus import Corpus
from graves_jax.data.ink import Normalisation
from graves_jax.model import mixture as mixture_lib
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import Weights
from graves_jax.training.losses import outputs


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


def evaluate(
    weights: Weights, corpus: Corpus, split: str = "validation", *, batch_size: int = 32, num_lines: int | None = None
) -> LogLoss:
    """Log-loss of the lines of a split, whole and as they are recorded, normalised as the weights' training lines were.

    Args:
      split: of the corpus, or a subset.
      batch_size: lines at a time; only speed and memory change.
      num_lines: only so many, spread evenly; None for all.
    Returns:
      Lines from short to long.
    Raises:
      InputError: the split has no lines, or a text of it does not fit the alphabet.
    """
    batches = evaluation_batches(
        corpus,
        split,
        # A prediction network reads no text: any transcript will do.
        alphabet=weights.alphabet if weights.network.reads_text else Alphabet(corpus.characters),
        normalisation=weights.normalisation,
        batch_size=batch_size,
        num_lines=num_lines,
    )
    return log_loss(weights.params, weights.network, (batch for batch, _ in batches))


def dequantise(corpus: Corpus, rng: np.random.Generator) -> Corpus:
    """The corpus with uniform noise of ±½ raw unit on every dx and dy, drawn anew for each.

    The noise is on the offsets, not on the coordinates that they connect. Offsets of whole coordinates are whole, and
    the cubes of width 1 around them fill their space without overlap; the density in a line's cube integrates to a
    probability of the line as recorded, and so by Jensen's inequality

        E_noise[-log p(offsets + noise)]  ≥  -log P(offsets)

    in raw units (Theis et al. 2016, arXiv:1511.01844): no spike on the grid can buy more than the grid is worth. Noise
    on the coordinates would bound the same probability, but less tightly: each offset would bear two draws, one of
    them with the opposite sign in the offset before. The network reads what it predicts: it is fed the noisy offsets.
    """
    noise = rng.uniform(-0.5, 0.5, corpus.xy.shape)
    return dataclasses.replace(corpus, xy=(corpus.xy + noise).astype(np.float32))


def is_on_grid(corpus: Corpus) -> bool:
    """Whether every offset is a whole number, as a recording's are and those of cleaned ink are not."""
    return bool((corpus.xy == np.round(corpus.xy)).all())
