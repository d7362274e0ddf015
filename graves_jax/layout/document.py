"""A text as paragraphs of words: what stands in a line of the text, and where a word may be broken."""

import dataclasses
import itertools
import re
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

# So many spaces in a row are no gap between words: they set the next word in a column, as in a table.
COLUMN_SPACES = 3
# Longer words are written in parts. (Real lines have some 30 characters.)
LONGEST_WORD = 28
# An address or a path may go on in the next line behind these.
_BREAKS_BEHIND = "/-_.,?&=:;@#%+~"
# On either side of a hyphen in a word that is broken there.
_FEWEST_LETTERS = 3


@dataclasses.dataclass(frozen=True)
class Word:
    """What stands between two spaces.

    Attributes:
      text: its characters.
      column: of its first character in the line of the text, from 0, where it stands in a column; else None.
      glued: whether no gap is before it, because it is the next part of a word too long to be written at once. It may
        begin a line all the same.
    """

    text: str
    column: int | None = None
    glued: bool = False


@dataclasses.dataclass(frozen=True)
class Paragraph:
    """A line of the text, which may fill many lines of the page; without words a blank one.

    Attributes:
      words: in their order.
      indent: columns by which all its lines go in.
      begins_page: whether a form feed stands before it.
    """

    words: tuple[Word, ...]
    indent: int = 0
    begins_page: bool = False

    @property
    def text(self) -> str:
        """Its words with single spaces."""
        return "".join(" " * (number > 0 and not word.glued) + word.text for number, word in enumerate(self.words))


def read_paragraphs(text: str, *, join_lines: bool = False) -> list[Paragraph]:
    """The paragraphs of a text, without blank ones at its end.

    Args:
      text: as `characters.make_writable` gives it.
      join_lines: for a text that was wrapped by hand: only a blank line, or one that goes in farther or less far than
        the one before, begins a paragraph.
    """
    pages = [[_paragraph(line) for line in page.split("\n")] for page in text.split("\f")]
    for page in pages[1:]:
        # What stands behind the form feed in the same line is the first of its page.
        page[0] = dataclasses.replace(page[0], begins_page=True)
    paragraphs = list(itertools.chain.from_iterable(pages))
    while paragraphs and not paragraphs[-1].words:
        paragraphs.pop()
    return _joined(paragraphs) if join_lines else paragraphs


def pieces(word: str, apart: Collection[str]) -> list[str]:
    """A word cut around each character of `apart`."""
    cut, start = [], 0
    for place, (before, after) in enumerate(itertools.pairwise(word), start=1):
        if before in apart or after in apart:
            cut.append(word[start:place])
            start = place
    return [*cut, word[start:]]


class Break(NamedTuple):
    """A place in a word where it may go on in the next line: behind so many characters, with a hyphen or without."""

    place: int
    hyphen: bool


def breaks(
    word: str, *, hyphenate: Callable[[str], Sequence[int]] | None = None, anywhere: bool = False
) -> list[Break]:
    """Where a word may be broken, from left to right.

    Args:
      hyphenate: the places of a word of letters where its language allows a hyphen; None breaks no such word.
      anywhere: for a word that no line can hold: an address behind its signs, anything else behind any character.
    """
    found: dict[int, bool] = {}
    for place in range(1, len(word)):
        before, after = word[place - 1], word[place]
        letters = sum(map(str.isalpha, word[:place])), sum(map(str.isalpha, word[place:]))
        is_compound = before == "-" and after.isalpha() and min(letters) >= _FEWEST_LETTERS
        if is_compound or (anywhere and before in _BREAKS_BEHIND and after.isalnum()):
            found[place] = False
    if hyphenate is not None:
        for letters in re.finditer(r"[^\W\d_]+", word):
            found |= {letters.start() + place: True for place in hyphenate(letters.group())}
    if anywhere and not found:
        # Two characters stay on either side where there are as many.
        least = min(2, len(word) // 2)
        places = range(least, len(word) - least + 1) if least else ()
        found = {place: word[place - 1].isalpha() and word[place].isalpha() for place in places}
    return [Break(place, hyphen) for place, hyphen in sorted(found.items())]


def _paragraph(line: str) -> Paragraph:
    found = list(re.finditer(r"\S+", line))
    words = []
    for number, match in enumerate(found):
        gap = match.start() - found[number - 1].end() if number else 0
        first, *others = _parts(match.group())
        words.append(Word(first, match.start() if gap >= COLUMN_SPACES else None))
        words += [Word(part, glued=True) for part in others]
    return Paragraph(tuple(words), indent=found[0].start() if found else 0)


def _parts(word: str) -> list[str]:
    """A word in parts of at most `LONGEST_WORD` characters, cut behind a sign where the second half of one has any."""
    parts = []
    while len(word) > LONGEST_WORD:
        signs = [place for place in range(LONGEST_WORD // 2, LONGEST_WORD + 1) if word[place - 1] in _BREAKS_BEHIND]
        place = signs[-1] if signs else LONGEST_WORD
        parts.append(word[:place])
        word = word[place:]
    return [*parts, word]


def _joined(paragraphs: Sequence[Paragraph]) -> list[Paragraph]:
    joined: list[Paragraph] = []
    for paragraph in paragraphs:
        before = joined[-1] if joined and joined[-1].words and paragraph.words else None
        if before and before.indent == paragraph.indent and not paragraph.begins_page:
            joined[-1] = dataclasses.replace(before, words=before.words + paragraph.words)
        else:
            joined.append(paragraph)
    return joined
