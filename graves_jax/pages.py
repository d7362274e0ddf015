"""Text to pages in one hand: joins the layout, which needs no model, and the sampling of words, which needs no page."""

import dataclasses
import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import jax
import numpy as np

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.evaluation.readers import slant
from graves_jax.layout.characters import make_writable
from graves_jax.layout.document import Paragraph, pieces, read_paragraphs
from graves_jax.layout.lines import Span
from graves_jax.layout.pages import Setting, Sheet, set_lines, set_pages
from graves_jax.layout.signs import draw_sign, drawable
from graves_jax.layout.words import WordInk, extent, join, usual_gap
from graves_jax.model.weights import Weights, check_reads_text
from graves_jax.sampling.faults import CANNOT_BE_TOLD, MAX_DOUBT
from graves_jax.sampling.styles import draw_style
from graves_jax.sampling.words import median_x_height, words_of
from graves_jax.sampling.write import DEFAULT_BIAS, Written, check_seed, write_lines

MAX_CHARACTERS = 1_000_000
# Words are written together in lines of so many characters at most: those that the weights learned from have some 30.
LINE_CHARACTERS = 34
# What every hand writes first: its size and the gaps between its words are measured on these, so that they do not
# depend on the text. One of them is also the style of a hand that is drawn from the seed.
SPECIMENS = ("a line that shows my hand", "we can see some of the summer sun", "now and then it was nearer home")
_SPECIMEN_DRAWINGS = 4
# A line with a word so doubtful (sampling/letters.py) is drawn so many times more, with keys of a branch of their own.
# (Of 386 words in 2,114 that an off-the-shelf reader misread 140 were so doubtful, and 49 of the others.)
DOUBTFUL, _MORE_DRAWINGS, _AGAIN = 5.0, 2, 2**31
# Words that are broken at the end of a line are written anew in parts, which may be wider than was guessed.
_ROUNDS = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Pages:
    """What was written.

    Attributes:
      sheets: in order.
      lines: as the network wrote them, to be cut into words.
      num_words: of the text.
      redrawn: lines that went wrong and were drawn again.
      mapped: characters that were replaced because the hand does not know them, and by what.
      drawn: signs that the hand does not know, which were drawn from a stroke font instead.
      shrunk: words that no line could hold, which were made smaller.
    """

    sheets: list[Sheet]
    lines: list[Written]
    num_words: int
    redrawn: int
    mapped: dict[str, str]
    drawn: list[str]
    shrunk: list[str]

    @property
    def faults(self) -> list[Written]:
        """Lines that are kept although something is wrong with them."""
        return [line for line in self.lines if line.fault]

    def ink_box(self, pen: float) -> list[float]:
        """(left, top, right, bottom) of all ink of a pen, over all sheets, in mm."""
        left, top, right, bottom = extent([s for sheet in self.sheets for line in sheet.lines for s in line.strokes])
        half = pen / 2
        boxes = [(left - half, top - half, right + half, bottom + half)]
        boxes += [sheet.picture.box for sheet in self.sheets if sheet.picture is not None]
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        return [round(side, 2) for side in (min(lefts), min(tops), max(rights), max(bottoms))]


def write_pages(
    weights: Weights,
    text: str,
    setting: Setting,
    *,
    style: Ink | np.ndarray | None = None,
    seed: int = 0,
    bias: float = DEFAULT_BIAS,
    best_of: int = 1,
    plain_letters: bool = False,
    draw_signs: bool = True,
    join_lines: bool = False,
    hyphenate: Callable[[str], Sequence[int]] | None = None,
    progress: bool = False,
) -> Pages:
    """Writes a text in one hand and sets it on paper.

        pages = graves_jax.write_pages(graves_jax.load(), text, graves_jax.Setting(graves_jax.make_paper("A5")))
        graves_jax.save_sheets("letter.pdf", pages.sheets)

    A paragraph's ink depends on the seed, the hand and its own words (and on how many equal ones stand before it): to
    change a paragraph redraws no other.

    Args:
      setting: the paper, and how the lines stand on it.
      style: the hand to write in, as `write_lines` takes it; None draws one from the seed.
      bias: 0 writes as messily as people do, more is neater.
      best_of: how many drawings each line is chosen from.
      plain_letters: letters with accents that the hand does not know lose them.
      draw_signs: signs that the hand does not know are drawn from a stroke font; if not they are an error.
      join_lines: see `document.read_paragraphs`.
      hyphenate: see `document.breaks`.
      progress: shows a bar on standard error.
    Raises:
      InputError: there is nothing to write, or too much; or a character can neither be written nor replaced.
    """
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"Expected a text of at most {MAX_CHARACTERS:,} characters, found {len(text):,}.")
    check_reads_text(weights)
    known = frozenset(weights.alphabet.characters)
    signs = drawable() - known if draw_signs else frozenset()
    writable = make_writable(text, known | signs, plain_letters=plain_letters)
    paragraphs = read_paragraphs(writable.text, join_lines=join_lines)
    num_words = sum(not word.glued for paragraph in paragraphs for word in paragraph.words)
    if not num_words:
        raise InputError("Expected a text with something to write, found only spaces.")

    hand = Hand(weights, style, seed=seed, bias=bias, best_of=best_of, signs=signs, progress=progress)
    spans = [
        Span(number, place, 0, len(word.text))
        for number, paragraph in enumerate(paragraphs)
        for place, word in enumerate(paragraph.words)
    ]
    inks = hand.write(paragraphs, spans)
    for round_number in range(_ROUNDS + 1):
        wrapped = set_lines(
            paragraphs, inks, setting, gap=hand.gap, hyphenate=hyphenate, may_want=round_number < _ROUNDS
        )
        if not wrapped.wanted:
            break
        inks |= hand.write(paragraphs, wrapped.wanted)
    return Pages(
        sheets=set_pages(paragraphs, wrapped.lines, setting),
        lines=hand.lines,
        num_words=num_words,
        redrawn=sum(line.attempts > best_of for line in hand.lines),
        mapped=writable.mapped,
        drawn=sorted(signs & set(writable.text)),
        shrunk=wrapped.shrunk,
    )


class Hand:
    """One hand: writes words, the same for the same seed and paragraph, and knows its own size.

    Attributes:
      gap: that it leaves between words, in x-heights.
      lines: all that it wrote for the text so far.
    """

    def __init__(self, weights, style, *, seed, bias, best_of, signs=frozenset(), progress=False):
        self.seed, self.signs = check_seed(seed), signs
        self.key = jax.random.key(self.seed)
        texts = _specimens(weights.alphabet)
        keys = [jax.random.fold_in(self.key, number) for number in range(len(texts))]
        style = draw_style(seed, weights) if style is None else style
        if style is None:
            [specimen] = write_lines(
                weights, texts[:1], keys=keys[:1], bias=bias, best_of=max(best_of, _SPECIMEN_DRAWINGS)
            )
            style = specimen.ink
        self._write_lines = functools.partial(write_lines, weights, bias=bias, best_of=best_of, style=style)
        self.progress = progress
        self.lines: list[Written] = []
        specimens = self._write_lines(texts, keys=keys)
        self.x_height = median_x_height(specimens)
        self.slant = slant([stroke for line in specimens for stroke in line.ink.strokes()])
        self.gap = usual_gap([word for line in words_of(specimens, self.x_height) for word in line])

    def write(self, paragraphs: Sequence[Paragraph], spans: Sequence[Span]) -> dict[Span, WordInk]:
        """The ink of words or parts of them; those of one paragraph are written together."""
        cut = {span: pieces(_text(paragraphs, span), self.signs) for span in spans}
        numbers = _numbers_among_equal(paragraphs)
        texts, keys, owners = [], [], []
        for key, own in self._by_paragraph(paragraphs, numbers, spans):
            pieces_of = [
                (span, place) for span in own for place, piece in enumerate(cut[span]) if piece not in self.signs
            ]
            for number, line in enumerate(_filled(pieces_of, lambda item: cut[item[0]][item[1]])):
                texts.append(" ".join(cut[span][place] for span, place in line))
                keys.append(jax.random.fold_in(key, number))
                owners.append(line)
        inks: dict[tuple[Span, int], WordInk] = {}
        for line, words in zip(owners, self._words(texts, keys), strict=True):
            inks |= zip(line, words, strict=True)
        return {
            span: join(
                [self._piece(paragraphs, numbers, inks, span, place, piece) for place, piece in enumerate(cut[span])]
            )
            for span in spans
        }

    def _words(self, texts: list[str], keys: list[jax.Array]) -> list[list[WordInk]]:
        """Writes lines, those with a doubtful word more than once, and takes each word from its best drawing."""
        if not texts:
            return []
        drawings = [[line] for line in self._write_lines(texts, keys=keys, many=True, progress=self.progress)]
        doubtful = [n for n, [line] in enumerate(drawings) if line.words is not None and line.words.max() > DOUBTFUL]
        again = [(n, number) for n in doubtful for number in range(1, _MORE_DRAWINGS + 1)]
        if again:
            more_keys = [jax.random.fold_in(jax.random.fold_in(keys[n], _AGAIN), number) for n, number in again]
            more = self._write_lines([texts[n] for n, _ in again], keys=more_keys, many=True, progress=self.progress)
            for (n, _), line in zip(again, more, strict=True):
                drawings[n].append(line)
        self.lines += map(_kept, drawings)
        return [_best_words(lines, words_of(lines, self.x_height)) for lines in drawings]

    def _piece(self, paragraphs, numbers, inks, span: Span, place: int, piece: str) -> WordInk:
        if piece not in self.signs:
            return inks[span, place]
        text, number = paragraphs[span.paragraph].text, numbers[span.paragraph]
        return draw_sign(piece, slant=self.slant, rng=_rng(self.seed, text, number, *span[1:3], place))

    def _by_paragraph(
        self, paragraphs: Sequence[Paragraph], numbers: Sequence[int], spans: Sequence[Span]
    ) -> Iterator[tuple[jax.Array, list[Span]]]:
        """Each paragraph's key and its spans. A paragraph is known by its words, and by its number among equal ones."""
        of: dict[int, list[Span]] = {}
        for span in spans:
            of.setdefault(span.paragraph, []).append(span)
        for place, own in sorted(of.items()):
            what = "\n".join([paragraphs[place].text, *(_text(paragraphs, span) for span in own)])
            digest = hashlib.sha256(f"{numbers[place]}\n{what}".encode()).digest()
            yield jax.random.fold_in(self.key, int.from_bytes(digest[:4], "little")), own


def _specimens(alphabet: Alphabet) -> list[str]:
    """Texts by which a hand shows its size: `SPECIMENS`, or words of its own letters where it lacks one of theirs."""
    known = alphabet.characters
    if set("".join(SPECIMENS)) <= set(known):
        return list(SPECIMENS)
    letters = [c for c in known if c.islower()] or [c for c in known if not c.isspace()]
    words = ["".join(letters[start : start + 4]) for start in range(0, len(letters), 4)]
    return [" ".join(words[start : start + 6]) for start in range(0, len(words), 6)][: len(SPECIMENS)]


def _numbers_among_equal(paragraphs: Sequence[Paragraph]) -> list[int]:
    """How many paragraphs of the same words stand before each."""
    seen: Counter[str] = Counter()
    numbers = []
    for paragraph in paragraphs:
        numbers.append(seen[paragraph.text])
        seen[paragraph.text] += 1
    return numbers


def _kept(lines: Sequence[Written]) -> Written:
    """The first drawing of a line, without the fault of a word that was taken from another drawing."""
    first = lines[0]
    if first.fault is None or not first.fault.endswith(CANNOT_BE_TOLD):
        return first
    settled = np.min([line.words for line in lines if line.words is not None], axis=0).max() <= MAX_DOUBT
    return dataclasses.replace(first, fault=None) if settled else first


def _best_words(lines: Sequence[Written], words: Sequence[list[WordInk]]) -> list[WordInk]:
    """Of several drawings of a line the least doubtful of each word; all of the first where it has no doubtful one.

    A word of another drawing says nothing of the gap to its neighbour.
    """
    if len(lines) == 1:
        return words[0]
    doubts = np.array([line.words for line in lines])
    best = np.where(doubts[0] > DOUBTFUL, doubts.argmin(axis=0), 0)
    return [
        words[0][n] if row == 0 else dataclasses.replace(words[row][n], gap=None) for n, row in enumerate(best.tolist())
    ]


def _rng(*names) -> np.random.Generator:
    """Chance that depends on nothing but what is named."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(repr(names).encode()).digest()[:8], "little"))


def _text(paragraphs: Sequence[Paragraph], span: Span) -> str:
    return paragraphs[span.paragraph].words[span.word].text[span.start : span.stop] + "-" * span.hyphen


def _filled(items: Sequence, text_of: Callable) -> Iterator[list]:
    """Items in lines of at most `LINE_CHARACTERS` characters with the spaces between them, as even as they get."""
    total = sum(len(text_of(item)) + 1 for item in items)
    target = total / max(-(-total // LINE_CHARACTERS), 1)
    line, length, done = [], 0, 0
    for item in items:
        more = len(text_of(item)) + 1
        if line and (length + more > LINE_CHARACTERS or length >= target):
            yield line
            line, length = [], 0
        line.append(item)
        length += more
        done += more
    if line:
        yield line
