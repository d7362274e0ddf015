"""Log-loss and squared error of a network on whole lines, as Graves (2013) reports them in his tables 3 and 4.

A log-loss is that of a density in normalised units, so it moves with the normalisation: dividing both axes by 10 % more
buys some 120 nats a line. And the coordinates of a recording are whole numbers, on which a density may spike without
knowing anything about writing. So two more figures go with it, one without a unit (`LogLoss.raw_nats_per_line`) and
one of ink whose grid is smoothed away (`dequantise`).
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.batches import Batch, evaluation_batches
from graves_jax.data.corpus import Corpus
from graves_jax.model.likelihood import LogLoss, log_loss
from graves_jax.model.weights import Weights


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
    batches = split_batches(weights, corpus, split, batch_size=batch_size, num_lines=num_lines)
    return log_loss(weights.params, weights.network, (batch for batch, _ in batches))


def split_batches(
    weights: Weights, corpus: Corpus, split: str, *, batch_size: int, num_lines: int | None = None
) -> Iterator[tuple[Batch, np.ndarray]]:
    """`evaluation_batches` of a split as these weights read them."""
    return evaluation_batches(
        corpus,
        split,
        # A prediction network reads no text: any transcript will do.
        alphabet=weights.alphabet if weights.network.reads_text else Alphabet(corpus.characters),
        normalisation=weights.normalisation,
        batch_size=batch_size,
        num_lines=num_lines,
    )


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
