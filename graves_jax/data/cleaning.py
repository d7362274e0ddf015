"""Protocols: what is done to the lines of a source before they become a corpus.

- "paper": the data of Graves (2013), section 4.2. Recording errors aside, everything is left as it is: every figure
  that is compared with the paper comes from this one.
"""

import collections
import dataclasses
from collections.abc import Callable, Iterable

import numpy as np

from graves_jax.data.corpus import Line
from graves_jax.data.ink import Ink

# The paper removes steps "larger than a certain threshold" and does not give it. Beyond this one there are 102 in
# 6.75 million training steps of IAM-OnDB, and their standard deviation is 41.34 by 37.10 units.
MAX_STEP = 1_500.0


@dataclasses.dataclass(frozen=True)
class Cleaned:
    """What a protocol made of the lines that it was given.

    Attributes:
      lines: the lines that stay, in their order.
      skipped: lines left out, counted by reason.
      changed: what was done to those that stay, counted by kind.
    """

    lines: list[Line]
    skipped: dict[str, int]
    changed: dict[str, int]


def paper(lines: Iterable[Line]) -> Cleaned:
    """Graves's protocol: steps longer than `MAX_STEP` units are dropped, nothing else is touched."""
    kept, changed = [], collections.Counter()
    for line in lines:
        ink = drop_steps(line.ink, MAX_STEP)
        if len(ink) < len(line.ink):
            changed[f"steps over {MAX_STEP:,.0f} units dropped ({line.split})"] += len(line.ink) - len(ink)
        kept.append(dataclasses.replace(line, ink=ink))
    return Cleaned(kept, skipped={}, changed=dict(changed))


def drop_steps(ink: Ink, bound: float) -> Ink:
    """Removes the rows whose step is longer than `bound`; what follows is drawn on from where the pen was.

    The ink thus closes up by the length of the jump. A stroke that ended on a removed row ends on the row before it,
    and where there is none, at the origin, as a dot.

    Args:
      ink: in the unit of its recording.
      bound: in the same unit.
    """
    keep = np.hypot(ink.offsets[:, 0], ink.offsets[:, 1]) <= bound
    if keep.all():
        return ink
    offsets = np.concatenate([[[0, 0, 0]], ink.offsets])
    kept = np.flatnonzero(np.concatenate([[True], keep]))
    # The bits of the rows up to the next one that stays: it ends a stroke if any of them did.
    bits = np.maximum.reduceat(offsets[:, 2], kept)
    offsets = np.column_stack([offsets[kept, :2], bits])
    starts_with_a_dot = bits[0] == 1
    return Ink(offsets if starts_with_a_dot else offsets[1:], ink.text)


PROTOCOLS: dict[str, Callable[[Iterable[Line]], Cleaned]] = {"paper": paper}
