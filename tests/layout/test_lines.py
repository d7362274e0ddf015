import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graves_jax.layout.document import read_paragraphs
from graves_jax.layout.lines import PIECE_GAP, WIDEST_GAP, Span, wrap
from graves_jax.layout.words import WordInk, join, usual_gap

GAP = 1.0


def bars(paragraphs, **widths):
    """A bar for each word: as wide as it has characters, unless it is named."""
    return {
        Span(number, place, 0, len(word.text)): WordInk(
            (np.array([[0, 0], [widths.get(word.text, len(word.text)), -1]], float),)
        )
        for number, paragraph in enumerate(paragraphs)
        for place, word in enumerate(paragraph.words)
    }


def wrapped(text, width, **options):
    paragraphs = read_paragraphs(text)
    return wrap(paragraphs, bars(paragraphs), width=lambda line: width, gap=GAP, **options)


def texts(result):
    return [line.text for line in result.lines]


def right_edges(result):
    return [
        max(left + ink.width * scale for (ink, left), scale in zip(line.words, line.scales, strict=True))
        for line in result.lines
        if line.words
    ]


def test_lines_are_as_full_as_they_get():
    assert texts(wrapped("aaa bbb cc d\n\neeee", 7.0)) == ["aaa bbb", "cc d", "", "eeee"]
    assert texts(wrapped("aaa bbb cc d", 6.9)) == ["aaa", "bbb cc", "d"]


def test_it_is_the_ink_that_counts_and_not_the_characters():
    paragraphs = read_paragraphs("iii mmm iii")
    inks = bars(paragraphs, iii=1.0, mmm=6.0)
    result = wrap(paragraphs, inks, width=lambda line: 10.0, gap=GAP)
    assert texts(result) == ["iii mmm iii"]


def test_each_line_has_its_own_width():
    paragraphs = read_paragraphs("aaa bbb ccc")
    result = wrap(paragraphs, bars(paragraphs), width=lambda line: [3.0, 7.0][line], gap=GAP)
    assert texts(result) == ["aaa", "bbb ccc"]


def test_indents_hold_for_all_lines_of_a_paragraph_and_leave_half_a_line():
    result = wrapped("  aaa bbb", 6.5)
    lefts = [line.words[0][1] for line in result.lines]
    assert lefts[0] == lefts[1] > 0
    assert wrapped(" " * 40 + "aaa", 8.0).lines[0].words[0][1] == 4.0


def test_columns_stand_below_each_other():
    result = wrapped("tea       3\nbread     4", 40.0)
    assert result.lines[0].words[1][1] == result.lines[1].words[1][1]


def test_justified_lines_end_at_the_margin_but_for_the_last_and_for_wide_gaps():
    result = wrapped("aaa bbb cccccc dd ee fff", 8.0, justify=True)
    assert texts(result) == ["aaa bbb", "cccccc", "dd ee", "fff"]
    assert right_edges(result) == [8.0, 6.0, 5.0, 3.0]
    gap = result.lines[0].words[1][1] - 3.0
    assert GAP < gap <= WIDEST_GAP * GAP
    for line in result.lines:
        assert line.scales == (1.0,) * len(line.words)


def test_a_hyphenated_word_is_wanted_in_parts_and_then_set():
    text, places = "aaaa hyphenation", lambda word: [2, 6] if word == "hyphenation" else []
    paragraphs = read_paragraphs(text)
    inks = bars(paragraphs)
    first = wrap(paragraphs, inks, width=lambda line: 12.0, gap=GAP, hyphenate=places)
    parts = [Span(0, 1, 0, 6, hyphen=True), Span(0, 1, 6, 11)]
    assert first.wanted == parts
    # The guess was too small: the beginning takes more room than there is, and the shorter one is wanted.
    inks[parts[0]], inks[parts[1]] = (WordInk((np.array([[0, 0], [width, 1]], float),)) for width in (8.0, 5.0))
    second = wrap(paragraphs, inks, width=lambda line: 12.0, gap=GAP, hyphenate=places)
    assert second.wanted == [Span(0, 1, 0, 2, hyphen=True), Span(0, 1, 2, 11)]
    # Without more to be written it goes to the next line as a whole.
    last = wrap(paragraphs, inks, width=lambda line: 12.0, gap=GAP, hyphenate=places, may_want=False)
    assert texts(last) == ["aaaa", "hyphenation"] and not last.wanted
    wider = wrap(paragraphs, inks, width=lambda line: 13.0, gap=GAP, hyphenate=places, may_want=False)
    assert texts(wider) == ["aaaa hyphen-", "ation"]


def test_a_word_that_no_line_can_hold_breaks_or_shrinks():
    assert wrapped("wordy", 3.5).wanted == [Span(0, 0, 0, 2, hyphen=True), Span(0, 0, 2, 5)]
    shrunk = wrapped("wordy", 4.0, may_want=False)
    assert shrunk.shrunk == ["wordy"] and right_edges(shrunk) == [4.0]


def test_parts_of_one_word_stand_together_and_may_part_at_the_end_of_a_line():
    address = "www.site.org/" + "abcdefghijkl/" * 3
    result = wrapped(f"see {address} x", 30.0)
    assert "".join(texts(result)).replace(" ", "") == f"see{address}x"
    assert " " not in texts(result)[0].removeprefix("see ")


def test_pieces_of_a_word_do_not_overlap(bar):
    joined = join([bar(2.0), bar(1.0)])
    assert joined.width > 3.0 and joined.box[0] == 0.0


def test_the_usual_gap_is_the_median_within_what_reads_well():
    inks = [WordInk((np.zeros((1, 2)),), gap) for gap in (None, 1.0, 1.2, 90.0)]
    assert usual_gap(inks) == 1.2
    assert usual_gap(inks[3:], most=2.0) == 2.0 and usual_gap(inks[:1]) > 0


@settings(max_examples=150, deadline=None)
@given(st.text("ab-/ .\n", max_size=120), st.floats(2.5, 40.0), st.booleans())
def test_nothing_is_lost_and_nothing_reaches_over_the_margin(text, width, justify):
    result = wrapped(text, width, justify=justify, may_want=False)
    assert "".join("".join(texts(result)).split()) == "".join(text.split())
    assert all(edge <= width + 1e-9 for edge in right_edges(result))


def test_the_pieces_of_a_long_word_stay_together_in_a_justified_line():
    address = "x" * 40
    paragraphs = read_paragraphs(f"aa {address} bb ccccccc")
    assert [word.glued for word in paragraphs[0].words][:3] == [False, False, True]
    width = 45 + 2 * GAP + PIECE_GAP + GAP / 2
    [first, _] = wrap(paragraphs, bars(paragraphs), width=lambda line: width, gap=GAP, justify=True).lines
    assert first.text == f"aa {address} bb"
    ends = [left + ink.width for ink, left in first.words]
    gaps = [left - end for (_, left), end in zip(first.words[1:], ends, strict=False)]
    assert ends[-1] == pytest.approx(width)
    assert gaps[1] == pytest.approx(PIECE_GAP) and gaps[0] == pytest.approx(gaps[2]) and gaps[0] > GAP
    # Where nothing else stands in the line, nothing is moved.
    [alone, _] = wrapped(f"{address} bbbb", 44.0, justify=True).lines
    assert alone.words[1][1] - (alone.words[0][1] + alone.words[0][0].width) == pytest.approx(PIECE_GAP)
