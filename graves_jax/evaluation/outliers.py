"""Lines whose ink and text do not belong together, according to a network that was trained on them and the rest.

The writer protocol (cleaning.py) finds a missing word by counting. A trained network finds more: led along
the ink, its window does not come to the end of a text that says more than the ink, and has left a text that says less
before the ink is over. Ink that no longer looks like writing, because the whiteboard lost its readings, is improbable.
"""

import collections
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from graves_jax.data.corpus import Line, page_of

# Bounds, set by looking at lines of IAM-OnDB with the weights `iam`. Of 24 training lines with 3 to 5 characters left,
# 21 have lost a word or have another one.
MAX_CHARACTERS_LEFT = 2
# In average characters. Of 9 lines with little more ink left, 6 say a word or a sign more than their text.
MAX_INK_LEFT = 2.5
# Beside the middle line of the page, since people differ by more. Above, 1 line in 500, half have lost readings, are
# crossed out or say something else; the others are merely scrawled.
MAX_NATS_ABOVE_PAGE = 1.0


class Fit(NamedTuple):
    """How well the ink of a line and its text belong together (evaluation/following.py measures it)."""

    nats_per_point: float  # -log p(ink | text) per point, normalised units
    characters_left: int  # at the end of the text, to which the window never came
    ink_left: float  # when the window had left the text, in points of an average character


def misfits(lines: Sequence[Line], fits: Sequence[Fit]) -> dict[str, list[Line]]:
    """The lines that are not to be learned from, by reason.

    Args:
      lines: of whole pages. A page is what lines share that have the same id up to its last dash and the same writer.
      fits: of each line.
    """
    pages = [(page_of(line.line_id), line.writer) for line in lines]
    nats_of = collections.defaultdict(list)
    for page, fit in zip(pages, fits, strict=True):
        nats_of[page].append(fit.nats_per_point)
    medians = {page: np.median(nats) for page, nats in nats_of.items()}
    found = collections.defaultdict(list)
    for line, page, fit in zip(lines, pages, fits, strict=True):
        reason = misfit(fit, page_nats=medians[page])
        if reason:
            found[reason].append(line)
    return dict(found)


def misfit(fit: Fit, *, page_nats: float) -> str | None:
    """Why a line is not one to learn from, or None; `page_nats` are those per point of the middle line of its page."""
    if fit.characters_left > MAX_CHARACTERS_LEFT:
        return "words of the text are not in the ink"
    if fit.ink_left > MAX_INK_LEFT:
        return "words of the ink are not in the text"
    if fit.nats_per_point - page_nats > MAX_NATS_ABOVE_PAGE:
        return "unlikely ink"
    return None
