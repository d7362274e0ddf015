"""How often lines fail: in how many written ones sampling/faults.py finds a fault, and in how many that people wrote.

Real lines are taken to be without faults, so the second share is the rate of false positives.
"""

import collections
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.evaluation.following import follow
from graves_jax.model.weights import Weights
from graves_jax.sampling.faults import find_fault
from graves_jax.sampling.letters import doubts
from graves_jax.sampling.write import write_lines


class Failures(NamedTuple):
    """Shares of lines.

    Attributes:
      at_first: with a fault in the first drawing.
      in_the_end: with a fault still after it was drawn again.
      faults: how often each was found in first drawings.
    """

    at_first: float
    in_the_end: float
    faults: dict[str, int]


def count_failures(
    weights: Weights, texts: Sequence[str], *, bias: float, seed: int, style: Ink | np.ndarray | None = None
) -> Failures:
    """Writes each text once, and those that failed again as always.

    Args:
      style: as `write_lines` takes it: of all lines, or of each.
    Raises:
      InputError: a text or the bias is one that `write_lines` refuses.
    """
    key = jax.random.key(seed)
    keys = [jax.random.fold_in(key, row) for row in range(len(texts))]
    first = write_lines(weights, texts, keys=keys, bias=bias, style=style, max_attempts=1)
    faults = {row: line.fault for row, line in enumerate(first) if line.fault}
    failed = list(faults)
    if isinstance(style, np.ndarray) and style.ndim == 2:
        style = style[failed]
    again = write_lines(
        weights, [texts[row] for row in failed], keys=[keys[row] for row in failed], bias=bias, style=style
    )
    return Failures(
        at_first=len(failed) / len(texts),
        in_the_end=sum(line.fault is not None for line in again) / len(texts),
        faults=dict(collections.Counter(faults.values())),
    )


def count_refusals(weights: Weights, inks: Sequence[Ink]) -> dict[str, int]:
    """How many real lines faults.py would refuse, by fault; each ink is that of a training line, with its text."""
    faults = [
        find_fault(
            inks[row],
            followed.position,
            finished=True,
            weights=weights,
            words=doubts(inks[row], followed.position, weights),
        )
        for row, followed in follow(weights, inks)
    ]
    return dict(collections.Counter(fault for fault in faults if fault))
