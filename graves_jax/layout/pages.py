"""Lines onto sheets of paper: baselines, the left edge, page breaks. Sheets are in millimetres."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from graves_jax.errors import InputError
from graves_jax.layout.document import Paragraph
from graves_jax.layout.lines import Line, Span, Wrapped, wrap
from graves_jax.layout.paper import Paper
from graves_jax.layout.words import WordInk

# Room above the first baseline and below the last one, in x-heights: ascenders and descenders.
ASCENT, DESCENT = 2.4, 1.3
# Squared paper has squares of so many millimetres.
SQUARE = 5.0
# How far the left edge of a line depends on that of the line before.
_STEADINESS = 0.7
# A line needs room for so many x-heights, or no letter fits.
_NARROWEST = 6.0


@dataclasses.dataclass(frozen=True)
class Setting:
    """How a page is set.

    Attributes:
      paper: the sheet.
      x_height: of the writing, in mm.
      line_spacing: from baseline to baseline, in mm. Squared paper takes the nearest whole number of squares.
      wander: by how much at most the left edge of a line goes in, in mm; 0 is a straight edge.
      justify: whether lines reach to the right margin.
      pen: width of the pen in mm, which stays inside the margins too.
      seed: of the wandering.
    """

    paper: Paper
    x_height: float = 2.2
    line_spacing: float = 7.0
    wander: float = 0.8
    justify: bool = False
    pen: float = 0.35
    seed: int = 0

    def __post_init__(self):
        for name, least in (("x_height", 0.2), ("line_spacing", 0.5), ("pen", 0.01)):
            if not least <= getattr(self, name) <= 1_000:
                raise InputError(f"Expected a {name} of {least:g} to 1,000 mm, found {getattr(self, name):g}.")
        if not 0 <= self.wander <= 1_000:
            raise InputError(f"Expected a left edge that wanders by 0 to 1,000 mm, found {self.wander:g}.")
        width, height = self.paper.room
        least = np.array([_NARROWEST, ASCENT + DESCENT]) * self.x_height + (self.pen + self.wander, self.pen)
        if width < least[0] or height < least[1]:
            raise InputError(
                f"Expected room for letters of {self.x_height:g} mm, at least {least[0]:.0f} x {least[1]:.0f} mm, "
                f"found {width:g} x {height:g} mm between the margins."
            )

    @property
    def pitch(self) -> float:
        """From baseline to baseline, in mm."""
        if self.paper.ruling != "squared":
            return self.line_spacing
        return max(round(self.line_spacing / SQUARE), 1) * SQUARE

    @functools.cached_property
    def baselines(self) -> np.ndarray:
        """Where a sheet's lines may stand, in mm from its upper edge; at least one. Shape [N]."""
        above, below = ASCENT * self.x_height + self.pen / 2, DESCENT * self.x_height + self.pen / 2
        first = self.paper.top + above
        if self.paper.ruling == "squared":
            first = min(np.ceil(first / SQUARE) * SQUARE, self.paper.height - self.paper.bottom - below)
        last = self.paper.height - self.paper.bottom - below
        return first + self.pitch * np.arange(int((last - first) / self.pitch + 1e-9) + 1)


@dataclasses.dataclass(frozen=True, eq=False)
class SheetLine:
    """A line of writing where it stands on its sheet.

    Attributes:
      text: its transcript.
      strokes: in mm from the upper left corner of the sheet. Each [N, 2].
    """

    text: str
    strokes: list[np.ndarray]


class Picture(NamedTuple):
    """A PNG on a sheet, its upper left corner and its size in mm."""

    png: bytes
    left: float
    top: float
    width: float
    height: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom)."""
        return self.left, self.top, self.left + self.width, self.top + self.height


@dataclasses.dataclass(frozen=True, eq=False)
class Sheet:
    """A page.

    Attributes:
      paper: the sheet.
      lines: of writing, top to bottom.
      rules: straight lines that are printed on the paper, in mm, (x0, y0, x1, y1) each. Shape [N, 4].
      picture: of a signature, or None.
    """

    paper: Paper
    lines: list[SheetLine]
    rules: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 4)))
    picture: Picture | None = None


def set_lines(
    paragraphs: Sequence[Paragraph],
    inks: dict[Span, WordInk],
    setting: Setting,
    *,
    gap: float,
    hyphenate: Callable[[str], Sequence[int]] | None = None,
    may_want: bool = True,
) -> Wrapped:
    """Wraps the paragraphs for a sheet; see `lines.wrap`."""
    room = setting.paper.room[0] - setting.pen

    def width(line: int) -> float:
        return (room - _wander(setting, line)) / setting.x_height

    return wrap(paragraphs, inks, width=width, gap=gap, hyphenate=hyphenate, may_want=may_want, justify=setting.justify)


def set_pages(paragraphs: Sequence[Paragraph], lines: Sequence[Line], setting: Setting) -> list[Sheet]:
    """Lines below each other, a new sheet where one is full or where a form feed stands; at least one sheet.

    A blank line is left out where a sheet would begin with it, other than the first. A line whose ink reaches over the
    upper margin stands one line lower; one that crosses the lower margin goes to the next sheet.
    """
    sheets: list[list[SheetLine]] = [[]]
    row = 0
    begun = None
    for number, line in enumerate(lines):
        is_new = line.paragraph != begun and paragraphs[line.paragraph].begins_page
        begun = line.paragraph
        if is_new and number:
            sheets.append([])
            row = 0
        if not line.words:
            row += not (row == 0 and len(sheets) > 1)
            continue
        if row >= len(setting.baselines):
            sheets.append([])
            row = 0
        place = _place(line, number, setting, row)
        if place is None and row:
            sheets.append([])
            place = _place(line, number, setting, 0)
        row, strokes = place or _squeezed(line, number, setting)
        sheets[-1].append(SheetLine(line.text, strokes))
        row += 1
    rules = rules_of(setting)
    return [Sheet(setting.paper, lines, rules) for lines in sheets]


def rules_of(setting: Setting) -> np.ndarray:
    """What is printed on the paper: a line under each line of writing, or squares. Shape [N, 4], mm."""
    width, height = setting.paper.width, setting.paper.height
    if setting.paper.ruling == "ruled":
        return np.array([(0, y, width, y) for y in setting.baselines])
    if setting.paper.ruling == "squared":
        down = [(0, y, width, y) for y in np.arange(SQUARE, height, SQUARE)]
        return np.array(down + [(x, 0, x, height) for x in np.arange(SQUARE, width, SQUARE)])
    return np.zeros((0, 4))


def _place(line: Line, number: int, setting: Setting, row: int) -> tuple[int, list[np.ndarray]] | None:
    """The first row from `row` on in which the line keeps within the margins, and its strokes there; None if none."""
    paper = setting.paper
    top, bottom = _reach(line, setting)
    for place in range(row, len(setting.baselines)):
        y = setting.baselines[place]
        if y + bottom > paper.height - paper.bottom:
            return None
        if y + top >= paper.top:
            return place, [stroke + np.array([0, y]) for stroke in _strokes(line, number, setting)]
    return None


def _reach(line: Line, setting: Setting) -> tuple[float, float]:
    """How far the line's ink reaches above its baseline (below 0) and below it, in mm."""
    scales = [scale * setting.x_height for scale in line.scales]
    boxes = [ink.box for ink, _ in line.words]
    top = min(box[1] * scale for box, scale in zip(boxes, scales, strict=True))
    bottom = max(box[3] * scale for box, scale in zip(boxes, scales, strict=True))
    return top - setting.pen / 2, bottom + setting.pen / 2


def _strokes(line: Line, number: int, setting: Setting) -> list[np.ndarray]:
    """The line's strokes in mm, its baseline at y = 0."""
    edge = setting.paper.left + setting.pen / 2 + _wander(setting, number)
    return [
        stroke
        for (ink, left), scale in zip(line.words, line.scales, strict=True)
        for stroke in ink.placed(edge + left * setting.x_height, 0.0, scale * setting.x_height)
    ]


def _squeezed(line: Line, number: int, setting: Setting) -> tuple[int, list[np.ndarray]]:
    """A line that is too tall for any place on the sheet, made lower until it fits between the margins."""
    paper, half, y = setting.paper, setting.pen / 2, setting.baselines[0]
    top, bottom = _reach(line, setting)
    room = (y - paper.top - half, paper.height - paper.bottom - y - half)
    factor = min(1.0, room[0] / max(-top - half, 1e-9), room[1] / max(bottom - half, 1e-9))
    return 0, [stroke * (1.0, factor) + np.array([0, y]) for stroke in _strokes(line, number, setting)]


def _wander(setting: Setting, line: int) -> float:
    """By how much line n of the text goes in at its left edge, in mm: the same whatever the text says."""
    return setting.wander * float(_edges(setting.seed, line // 256)[line % 256])


@functools.lru_cache(maxsize=64)
def _edges(seed: int, block: int) -> np.ndarray:
    """A left edge that wanders, within 0 and 1, for 256 lines."""
    noise = np.random.default_rng([seed, block]).normal(size=256)
    walk = np.zeros(256)
    for line in range(256):
        walk[line] = _STEADINESS * walk[line - 1] * (line > 0) + np.sqrt(1 - _STEADINESS**2) * noise[line]
    return np.clip(0.5 + walk / 4, 0, 1)
