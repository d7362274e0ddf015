"""Paper: its size, its margins and what is printed on it before anybody writes. Everything in millimetres."""

import dataclasses
import math
import re
from collections.abc import Sequence

from graves_jax.errors import InputError

SIZES = {
    "A3": (297.0, 420.0),
    "A4": (210.0, 297.0),
    "A5": (148.0, 210.0),
    "A6": (105.0, 148.0),
    "letter": (215.9, 279.4),
    "legal": (215.9, 355.6),
}
RULINGS = ("plain", "ruled", "squared")
# Of a side. PDF ends at 5_080 mm.
SMALLEST, LARGEST = 20.0, 5_000.0


@dataclasses.dataclass(frozen=True)
class Paper:
    """A sheet.

    Attributes:
      width, height: of the sheet.
      left, top, right, bottom: margins that no ink crosses.
      ruling: plain, ruled (a line under each line of writing) or squared.
    """

    width: float
    height: float
    left: float
    top: float
    right: float
    bottom: float
    ruling: str = "plain"

    @property
    def room(self) -> tuple[float, float]:
        """Width and height between the margins."""
        return self.width - self.left - self.right, self.height - self.top - self.bottom


def make_paper(size: str = "A4", margins: Sequence[float] = (20.0,), ruling: str = "plain") -> Paper:
    """A sheet from what people say of it.

    Args:
      size: a name of `SIZES`, in capitals or not, or width x height in mm as "210x297".
      margins: one for all sides; or top and bottom, left and right; or top, right, bottom, left, as CSS has them.
      ruling: one of `RULINGS`.
    Raises:
      InputError: an unknown size or ruling, or margins that leave no room.
    """
    width, height = _size(size)
    if len(margins) not in (1, 2, 4):
        raise InputError(
            f"Expected 1, 2 or 4 margins (all; vertical, horizontal; top, right, bottom, left), found {len(margins)}."
        )
    top, right, bottom, left = {1: (0, 0, 0, 0), 2: (0, 1, 0, 1), 4: (0, 1, 2, 3)}[len(margins)]
    paper = Paper(width, height, margins[left], margins[top], margins[right], margins[bottom], ruling)
    if not all(0 <= margin < math.inf for margin in margins):
        raise InputError(f"Expected margins of 0 mm or more, found {', '.join(f'{margin:g}' for margin in margins)}.")
    if min(paper.room) <= 0:
        raise InputError(
            f"Expected margins that leave room to write on paper of {width:g} x {height:g} mm, "
            f"found {', '.join(f'{margin:g}' for margin in margins)} mm."
        )
    if ruling not in RULINGS:
        raise InputError(f"Expected a ruling out of {', '.join(RULINGS)}, found {ruling!r:.40}.")
    return paper


def _size(size: str) -> tuple[float, float]:
    for name, sides in SIZES.items():
        if size.lower() == name.lower():
            return sides
    found = re.fullmatch(r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*[x×X]\s*(\d{1,6}(?:\.\d{1,6})?)\s*(?:mm)?\s*", size)
    if not found:
        raise InputError(
            f"Expected a paper out of {', '.join(SIZES)}, or width x height in mm as 210x297, found {size!r:.60}."
        )
    width, height = map(float, found.groups())
    if not all(SMALLEST <= side <= LARGEST for side in (width, height)):
        raise InputError(f"Expected paper of {SMALLEST:g} to {LARGEST:,.0f} mm a side, found {width:g} x {height:g}.")
    return width, height
