"""What the figure of the writer protocol shows: the lines that it changes most, and some that it leaves out.

A part of figures.py.
"""

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from graves_jax.data.corpus import Corpus, Line, page_of
from graves_jax.data.iam_ondb.cleaning import misfit, writer
from graves_jax.data.iam_ondb.transcripts import repair_transcript
from graves_jax.data.ink import Ink
from graves_jax.data.line_geometry import baseline_slope, drop_standing_points, straighten

# Enough to show what happens, few enough to be cleaned while one waits.
NUM_PAGES, NUM_LEFT_OUT = 60, 3
LABEL_CHARACTERS = 40
UNLIKE_ITS_PAGE = "ink and text do not fit, beside the page"


class BeforeAndAfter(NamedTuple):
    """A line as it was recorded, and what the protocol made of it."""

    label: str
    before: Ink
    after: Ink | None  # None: left out


def choose_changes(corpus: Corpus) -> list[BeforeAndAfter]:
    """The most turned, the largest and the smallest line of some pages of raw ink, and lines that are left out.

    Args:
      corpus: under the paper protocol.
    Returns:
      Fewer than that where one line is several of these.
    """
    lines = pages_of(corpus, NUM_PAGES)
    cleaned = {line.line_id: line.ink for line in writer(lines).lines}
    kept = [line for line in lines if line.line_id in cleaned]
    return [*(most_changed(kept, cleaned) if kept else []), *left_out(lines, cleaned)]


def most_changed(kept: Sequence[Line], cleaned: dict[str, Ink]) -> list[BeforeAndAfter]:
    """Of the lines that stay, by what is done to them; each once."""
    chosen: dict[str, BeforeAndAfter] = {}
    slopes = np.array([baseline_slope(line.ink.strokes()) for line in kept])
    heights = np.array([np.ptp(np.concatenate(line.ink.strokes())[:, 1]) for line in kept])
    points = np.array([len(line.ink) for line in kept])
    for place, name in (
        (slopes.argmax(), f"falls by {100 * slopes.max():.0f} %"),
        (slopes.argmin(), f"rises by {-100 * slopes.min():.0f} %"),
        (heights.argmax(), "largest"),
        (heights.argmin(), "smallest"),
        (points.argmax(), "most points"),
    ):
        line = kept[int(place)]
        after = cleaned[line.line_id]
        label = f"{name}\n{len(line.ink)} points, then {len(after)}"
        chosen.setdefault(line.line_id, BeforeAndAfter(label, line.ink, after))
    return list(chosen.values())


def left_out(lines: Sequence[Line], cleaned: dict[str, Ink]) -> list[BeforeAndAfter]:
    """The first line for each of a few reasons."""
    first: dict[str, BeforeAndAfter] = {}
    for line in lines:
        if line.line_id not in cleaned:
            strokes = [drop_standing_points(stroke) for stroke in straighten(line.ink.strokes())]
            reason = misfit(strokes, repair_transcript(line.ink.transcript)) or UNLIKE_ITS_PAGE
            label = "\n".join(["left out:", *textwrap.wrap(reason, LABEL_CHARACTERS), repr(line.ink.transcript)])
            first.setdefault(reason, BeforeAndAfter(label, line.ink, None))
    return list(first.values())[:NUM_LEFT_OUT]


def pages_of(corpus: Corpus, count: int) -> list[Line]:
    """All lines of some pages, spread over the corpus."""
    pages = list(dict.fromkeys(page_of(line_id) for line_id in corpus.line_ids))
    chosen = {pages[place] for place in np.linspace(0, len(pages) - 1, min(count, len(pages))).astype(int)}
    return [corpus[index] for index, line_id in enumerate(corpus.line_ids) if page_of(line_id) in chosen]
