"""A person's lines before a hand is learned from them: which of them a network can read, and which way up they are."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from graves_jax.data.own_ink.conform import Conformed, conform, upside_down
from graves_jax.data.own_ink.readers import OwnLine
from graves_jax.errors import InputError
from graves_jax.evaluation.following import fit, follow
from graves_jax.evaluation.outliers import Fit, misfit
from graves_jax.model.scale import target_of
from graves_jax.model.weights import Weights

# Nats per point by which lines are more probable upside down where they were recorded so.
UPSIDE_DOWN = 0.1


@dataclasses.dataclass(frozen=True, eq=False)
class Examined:
    """A line with what was found out about it.

    Attributes:
      conformed: the line, brought to the weights' scale.
      fit: how ink and text belong together; None where the ink cannot be used at all.
      reason: why nothing is to be learned from it, or None.
    """

    conformed: Conformed
    fit: Fit | None
    reason: str | None

    @property
    def line_id(self) -> str:
        return self.conformed.line.line_id


def examine(weights: Weights, lines: Sequence[OwnLine], *, y_up: bool = False) -> list[Examined]:
    """Brings lines to the weights' scale and has the network read them.

    Args:
      y_up: the ink was recorded with y upwards, and is turned over.
    Raises:
      InputError: the lines are upside down.
    """
    target = target_of(weights)
    upright, turned = (list(lines), [upside_down(line) for line in lines])[:: -1 if y_up else 1]
    conformed, inverted = conform(upright, target), conform(turned, target)
    usable = [row for row, line in enumerate(conformed) if line.reason is None]
    inks = [conformed[row].ink for row in usable]
    followed = dict(follow(weights, [*inks, *(inverted[row].ink for row in usable)])) if usable else {}
    fits = [fit(weights, ink, followed[place]) for place, ink in enumerate(inks)]
    if usable:
        nats = [
            np.mean([followed[place + first].nats.mean() for place in range(len(inks))]) for first in (0, len(inks))
        ]
        if nats[0] - nats[1] > UPSIDE_DOWN:
            advice = "leave out --y_up" if y_up else "add --y_up"
            raise InputError(
                f"Expected ink whose y grows downwards, found it upside down ({nats[0]:.2f} nats per point, "
                f"{nats[1]:.2f} the other way round): {advice}."
            )
    fit_of = dict(zip(usable, fits, strict=True))
    middle = float(np.median([found.nats_per_point for found in fits])) if fits else 0.0
    return [
        Examined(line, fit_of.get(row), misfit(fit_of[row], page_nats=middle) if row in fit_of else line.reason)
        for row, line in enumerate(conformed)
    ]
