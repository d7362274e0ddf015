"""Words into lines: wrapped by the width of their ink, broken where nothing else helps, justified where asked for."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from graves_jax.layout.document import Paragraph, Word, breaks
from graves_jax.layout.words import PIECE_GAP, WordInk

# A gap of a justified line is at most so many usual ones; a line that would need more stays ragged.
WIDEST_GAP = 2.5
# A gap as it was written counts for half, the hand's usual one for the other half.
_OWN_GAP = 0.5
# A column of the text, in x-heights: about what a character takes.
COLUMN = 1.3
# A word that leaves less than this part of a line empty is not hyphenated.
_EMPTY_ENOUGH = 0.08


class Span(NamedTuple):
    """A part of a word, or all of it: characters `start` to `stop` of word `word` of paragraph `paragraph`."""

    paragraph: int
    word: int
    start: int
    stop: int
    hyphen: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Line:
    """A line of the page, in x-heights.

    Attributes:
      paragraph: its number; of a blank line as well.
      words: ink and place of the left edge of each, from the left margin.
      scales: of each word; 1, or less where a word had to shrink to fit.
      text: as it stands there.
    """

    paragraph: int
    words: tuple[tuple[WordInk, float], ...] = ()
    scales: tuple[float, ...] = ()
    text: str = ""


@dataclasses.dataclass(frozen=True)
class Wrapped:
    """What wrapping came to.

    Attributes:
      lines: top to bottom; a blank paragraph is a line without words.
      wanted: parts of words that it needs and has no ink of; it went on with a guess.
      shrunk: texts of the words that no line could hold.
    """

    lines: list[Line]
    wanted: list[Span]
    shrunk: list[str]


def wrap(
    paragraphs: Sequence[Paragraph],
    inks: dict[Span, WordInk],
    *,
    width: Callable[[int], float],
    gap: float,
    hyphenate: Callable[[str], Sequence[int]] | None = None,
    may_want: bool = True,
    justify: bool = False,
) -> Wrapped:
    """Fills lines with words, each line as full as it gets.

    Args:
      inks: of each whole word, and of the parts that an earlier round wanted.
      width: of line n from the left margin to the right one, in x-heights.
      gap: between words, in x-heights.
      hyphenate: see `document.breaks`.
      may_want: whether words may be broken where there is no ink of the parts yet.
      justify: whether lines reach to the right margin, all but the last of a paragraph.
    """
    return _Wrapping(paragraphs, inks, width, gap, hyphenate, may_want, justify).run()


class _Wrapping:
    """The state of wrapping: lines so far, and the line that is being filled."""

    def __init__(self, paragraphs, inks, width, gap, hyphenate, may_want, justify):
        self.paragraphs, self.inks, self.hyphenate = paragraphs, inks, hyphenate
        self.width, self.gap, self.may_want, self.justify = width, gap, may_want, justify
        self.result = Wrapped([], [], [])

    def run(self) -> Wrapped:
        for number, paragraph in enumerate(self.paragraphs):
            self._begin_line(number)
            for place, word in enumerate(paragraph.words):
                self._add(Span(number, place, 0, len(word.text)), word)
            self._end_line(last=True)
        return self.result

    def _begin_line(self, paragraph: int) -> None:
        self.number = paragraph
        self.placed: list[tuple[WordInk, float]] = []
        self.scales: list[float] = []
        self.glued: list[bool] = []
        self.text = ""
        # An indent that leaves less than half a line is that much.
        self.room = self.width(len(self.result.lines))
        self.x = min(self.paragraphs[paragraph].indent * COLUMN, self.room / 2)

    def _end_line(self, *, last: bool) -> None:
        words = self.placed
        if self.justify and not last and len(words) > 1:
            words = _spread(words, self.scales, self.glued, self.room, self.gap)
        self.result.lines.append(Line(self.number, tuple(words), tuple(self.scales), self.text))

    def _add(self, span: Span, word: Word) -> None:
        """Sets a word in this line or the next ones."""
        while True:
            ink = self._ink(span)
            left = self._left(ink, word)
            if left + ink.width <= self.room:
                self._place(span, ink, left, word)
                return
            part = self._part(span, left)
            if part is not None:
                self._place(part, self._ink(part), left, word)
                span = Span(span.paragraph, span.word, part.stop, span.stop)
            elif not self.placed:
                # Nothing helps: it is the only word of its line, and shrinks.
                self.result.shrunk.append(self._text(span))
                self._place(span, ink, left, word, scale=(self.room - left) / ink.width)
                return
            self._end_line(last=False)
            self._begin_line(self.number)

    def _left(self, ink: WordInk, word: Word) -> float:
        if not self.placed:
            return self.x
        if word.glued:
            return self.x + PIECE_GAP
        gap = self.gap if ink.gap is None else _OWN_GAP * ink.gap + (1 - _OWN_GAP) * self.gap
        left = self.x + float(np.clip(gap, 0.7 * self.gap, 1.4 * self.gap))
        return left if word.column is None else max(left, word.column * COLUMN)

    def _place(self, span: Span, ink: WordInk, left: float, word: Word, scale: float = 1.0) -> None:
        self.text += " " * (bool(self.placed) and not word.glued) + self._text(span)
        self.glued.append(bool(self.placed) and word.glued)
        self.placed.append((ink, left))
        self.scales.append(scale)
        self.x = left + ink.width * scale

    def _part(self, span: Span, left: float) -> Span | None:
        """The longest beginning of a word that fits in what is left of the line."""
        fits_alone = self._ink(span).width <= self.width(len(self.result.lines) + 1)
        if fits_alone and (self.hyphenate is None and "-" not in self._text(span)[1:-1]):
            return None
        if fits_alone and self.room - self.x < _EMPTY_ENOUGH * self.room:
            return None
        text = self.paragraphs[span.paragraph].words[span.word].text[span.start : span.stop]
        for place, hyphen in reversed(breaks(text, hyphenate=self.hyphenate, anywhere=not fits_alone)):
            part = Span(span.paragraph, span.word, span.start, span.start + place, hyphen)
            rest = Span(span.paragraph, span.word, part.stop, span.stop)
            known = part in self.inks and rest in self.inks
            if (known or self.may_want) and left + self._ink(part).width <= self.room:
                self.result.wanted.extend(wanted for wanted in (part, rest) if wanted not in self.inks)
                return part
        return None

    def _ink(self, span: Span) -> WordInk:
        """Its ink, or as wide a piece of the whole word's as its share of the characters."""
        if span in self.inks:
            return self.inks[span]
        word = self.paragraphs[span.paragraph].words[span.word].text
        whole = self.inks[Span(span.paragraph, span.word, 0, len(word))]
        share = (span.stop - span.start + span.hyphen) / len(word)
        return WordInk((np.array([[0.0, 0.0], [whole.width * share, -1.0]]),))

    def _text(self, span: Span) -> str:
        word = self.paragraphs[span.paragraph].words[span.word].text
        return word[span.start : span.stop] + "-" * span.hyphen


def _spread(
    words: list[tuple[WordInk, float]], scales: list[float], glued: list[bool], room: float, usual: float
) -> list[tuple[WordInk, float]]:
    """The words moved apart, none of them stretched, until the last one ends at the margin; if no gap gets too wide.

    The pieces of a long word stay where they are to each other.
    """
    ink, left = words[-1]
    gaps_before = np.cumsum(~np.array(glued)) - 1
    if not gaps_before[-1]:
        return words
    more = (room - left - ink.width * scales[-1]) / gaps_before[-1]
    if more + usual > WIDEST_GAP * usual:
        return words
    return [(ink, left + number * more) for number, (ink, left) in zip(gaps_before, words, strict=True)]
