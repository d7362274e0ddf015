"""Protocols: what is done to the lines of a source before they become a corpus.

- "paper": the data of Graves (2013), section 4.2. Recording errors aside, everything is left as it is: every figure
  that is compared with the paper comes from this one.
- "writer": ink made ready for learning to write. Each line is turned level and brought to one height
  (line_geometry.py), its transcript repaired (transcripts.py), every second point kept; lines with lost readings, and
  those whose ink and text do not fit, are left out. A network that has learned from the rest finds more of these
  (evaluation/outliers.py).
"""

import collections
import dataclasses
from collections.abc import Callable, Iterable

import numpy as np

from graves_jax.data.corpus import Line
from graves_jax.data.iam_ondb.transcripts import STAND_INS, repair_transcript
from graves_jax.data.ink import Ink
from graves_jax.data.line_geometry import (
    HEIGHT,
    drop_standing_points,
    halfway,
    longest_jump,
    longest_step,
    straighten,
    thin,
)
from graves_jax.data.page_fit import fits_its_page

# The paper removes steps "larger than a certain threshold" and does not give it. Beyond this one there are 102 in
# 6.75 million training steps of IAM-OnDB, and their standard deviation is 41.34 by 37.10 units.
MAX_STEP = 1_500.0

# Bounds of the writer protocol. What lies outside was looked at: see each one.
MIN_CHARACTERS = 5
MAX_POINTS = 700
# After thinning; the median is 11. Below, letters have lost their shape; above there is more ink than text.
MIN_POINTS_PER_CHARACTER, MAX_POINTS_PER_CHARACTER = 6, 25
# Words that were crossed out, flourishes, and readings that the whiteboard lost.
MAX_STEP_DOWN = 5 * HEIGHT
# An i that gets its dot, or a word its correction, when half the line is written.
MAX_JUMP = 20 * HEIGHT


@dataclasses.dataclass(frozen=True)
class Cleaned:
    """What a protocol made of the lines that it was given.

    Attributes:
      lines: the lines that stay, in their order.
      skipped: lines left out, counted by reason.
      changed: what was done to lines, counted by kind; also to those that only their page, or weights, then left out.
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


def writer(lines: Iterable[Line]) -> Cleaned:
    """The protocol for learning to write; the module's docstring says what it does, the bounds above where it cuts."""
    kept, skipped, changed = [], collections.Counter(), collections.Counter()
    for line in lines:
        strokes = [drop_standing_points(stroke) for stroke in straighten(line.ink.strokes())]
        text = repair_transcript(line.ink.transcript)
        reason = misfit(strokes, text)
        if reason:
            skipped[reason] += 1
            continue
        changed["transcripts repaired"] += text != line.ink.text
        changed["points left out"] += len(line.ink)
        ink = Ink.from_strokes([thin(stroke) for stroke in strokes], text)
        changed["points left out"] -= len(ink)
        # Ink begins at its first point, which has no row.
        between = np.concatenate([halfway(stroke) for stroke in strokes])[-len(ink) :]
        kept.append(dataclasses.replace(line, ink=ink, halfway=between.astype(np.float32)))
    fitting = fits_its_page(kept)
    skipped["ink and text do not fit, beside the page"] = int((~fitting).sum())
    kept = [line for line, fits in zip(kept, fitting, strict=True) if fits]
    # A plus sign takes the zeros out of a Counter.
    return Cleaned(kept, dict(+skipped), dict(+changed))


def misfit(strokes: list[np.ndarray], text: str) -> str | None:
    """Why a straightened line is not one to learn from, or None.

    Args:
      strokes: before thinning, in units of `HEIGHT`.
      text: the repaired transcript.
    """
    if len(text) < MIN_CHARACTERS:
        return f"under {MIN_CHARACTERS} characters"
    if set(text) & set(STAND_INS):
        return f"text with one of {STAND_INS}, which stand for something else"
    if longest_step(strokes) > MAX_STEP_DOWN:
        return f"step over {MAX_STEP_DOWN:.0f} on paper"
    if longest_jump(strokes) > MAX_JUMP:
        return f"jump over {MAX_JUMP:,.0f} in the air"
    points = sum(len(thin(stroke)) for stroke in strokes)
    if points > MAX_POINTS:
        return f"over {MAX_POINTS} points"
    if not MIN_POINTS_PER_CHARACTER <= points / len(text) <= MAX_POINTS_PER_CHARACTER:
        return f"not {MIN_POINTS_PER_CHARACTER} to {MAX_POINTS_PER_CHARACTER} points per character"
    return None


PROTOCOLS: dict[str, Callable[[Iterable[Line]], Cleaned]] = {"paper": paper, "writer": writer}
