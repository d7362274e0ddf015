import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graves_jax.data.curves import flatten, smooth_segments
from graves_jax.errors import InputError
from graves_jax.layout.document import read_paragraphs
from graves_jax.layout.pages import SQUARE, Setting, set_lines, set_pages
from graves_jax.layout.paper import RULINGS, make_paper
from graves_jax.layout.words import WordInk


@pytest.fixture(scope="module")
def pages_of(whole_words):
    """A function from a text and a setting to sheets."""

    def sheets(text, setting):
        paragraphs = read_paragraphs(text)
        wrapped = set_lines(paragraphs, whole_words(paragraphs), setting, gap=1.2, may_want=False)
        return set_pages(paragraphs, wrapped.lines, setting)

    return sheets


def texts(sheets):
    return [[line.text for line in sheet.lines] for sheet in sheets]


def bounds(sheets):
    """(left, top, right, bottom) of the curves as they are drawn."""
    curves = [smooth_segments(stroke) for sheet in sheets for line in sheet.lines for stroke in line.strokes]
    points = np.concatenate([flatten(segments, 4).reshape(-1, 2) for segments in curves])
    return (*points.min(axis=0), *points.max(axis=0))


def test_lines_stand_a_line_spacing_apart_and_their_letters_are_of_the_size_asked_for(pages_of):
    setting = Setting(make_paper("A4"), x_height=3.0, line_spacing=9.0, wander=0.0)
    [sheet] = pages_of("xxx\nxxx\n\nxxx", setting)
    bottoms = [max(stroke[:, 1].max() for stroke in line.strokes) for line in sheet.lines]
    np.testing.assert_allclose(np.diff(bottoms), [9.0, 18.0])
    assert np.ptp(np.concatenate(sheet.lines[0].strokes)[:, 1]) == pytest.approx(3.0, rel=0.05)


def test_a_full_page_is_followed_by_another(pages_of):
    setting = Setting(make_paper("A6"), wander=0.0)
    rows = len(setting.baselines)
    sheets = pages_of("\n".join(f"x{number}" for number in range(2 * rows + 1)), setting)
    assert [len(sheet.lines) for sheet in sheets] == [rows, rows, 1]
    assert texts(sheets)[2] == [f"x{2 * rows}"]


def test_no_sheet_but_the_first_begins_with_a_blank_line(pages_of):
    setting = Setting(make_paper("A6"))
    rows = len(setting.baselines)
    sheets = pages_of("\nx" + "\nx" * (rows - 2) + "\n\n\ny", setting)
    y = [min(stroke[:, 1].min() for stroke in sheet.lines[0].strokes) for sheet in sheets]
    assert texts(sheets)[1] == ["y"] and y[0] > y[1] + setting.pitch / 2


def test_a_form_feed_begins_a_sheet(pages_of):
    assert texts(pages_of("a\n\fb\fc", Setting(make_paper("A6")))) == [["a"], ["b"], ["c"]]


def test_the_left_edge_wanders_inwards_or_not_at_all(pages_of):
    paper = make_paper("A4")
    lefts = {}
    for wander in (0.0, 3.0):
        [sheet] = pages_of("\n".join(["xx"] * 20), Setting(paper, wander=wander, pen=0.2))
        lefts[wander] = [min(stroke[:, 0].min() for stroke in line.strokes) for line in sheet.lines]
    np.testing.assert_allclose(lefts[0.0], 20.1)
    assert np.std(lefts[3.0]) > 0.2
    assert min(lefts[3.0]) >= 20.1 and max(lefts[3.0]) <= 23.1


def test_a_line_that_reaches_over_the_upper_margin_stands_lower(whole_words):
    setting = Setting(make_paper("A6"), wander=0.0)
    paragraphs = read_paragraphs("x")
    [span] = whole_words(paragraphs)
    tall = {span: WordInk((np.array([[0.0, 0.0], [1.0, -4.0]]),))}
    [sheet] = set_pages(paragraphs, set_lines(paragraphs, tall, setting, gap=1.0).lines, setting)
    assert sheet.lines[0].strokes[0][0, 1] == pytest.approx(setting.baselines[1])
    # One that is taller than the sheet is made lower.
    monstrous = {span: WordInk((np.array([[0.0, 90.0], [1.0, -400.0]]),))}
    sheets = set_pages(paragraphs, set_lines(paragraphs, monstrous, setting, gap=1.0).lines, setting)
    _, top, _, bottom = bounds(sheets)
    assert top >= 20.0 and bottom <= 148 - 20.0


def test_rules_are_where_the_lines_stand(pages_of):
    ruled = Setting(make_paper("A5", [15], "ruled"), wander=0.0)
    [sheet] = pages_of("xx\nxx", ruled)
    baseline = max(stroke[:, 1].max() for stroke in sheet.lines[0].strokes)
    assert np.abs(sheet.rules[:, 1] - baseline).min() < 0.3
    squared = Setting(make_paper("A5", [15], "squared"), line_spacing=11.0)
    assert squared.pitch == 2 * SQUARE
    np.testing.assert_allclose(squared.baselines % SQUARE, 0, atol=1e-9)
    assert not len(pages_of("x", Setting(make_paper("A5")))[0].rules)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"x_height": 0.0}, "x_height"),
        ({"line_spacing": float("nan")}, "line_spacing"),
        ({"pen": -1.0}, "pen"),
        ({"wander": -1.0}, "wanders"),
        ({"x_height": 60.0}, "room for letters"),
        ({"wander": 165.0}, "room for letters"),
    ],
)
def test_settings_that_cannot_be_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        Setting(make_paper("A4"), **options)


WORDS = st.text("aghjpxABQ01.,-/@", min_size=1, max_size=40)
TEXTS = st.lists(st.lists(WORDS, max_size=12).map(" ".join), min_size=1, max_size=12).map("\n".join)


@settings(max_examples=40, deadline=None)
@given(
    text=TEXTS,
    sides=st.tuples(st.integers(40, 300), st.integers(40, 300)),
    margins=st.tuples(*[st.floats(0, 12)] * 4),
    x_height=st.floats(0.5, 3.0),
    line_spacing=st.floats(1.0, 12.0),
    wander=st.floats(0.0, 2.0),
    pen=st.floats(0.05, 1.0),
    justify=st.booleans(),
    ruling=st.sampled_from(RULINGS),
)
def test_no_ink_is_outside_the_margins_and_no_word_is_lost(
    pages_of, text, sides, margins, x_height, line_spacing, wander, pen, justify, ruling
):
    paper = make_paper(f"{sides[0]}x{sides[1]}", margins, ruling)
    setting = Setting(paper, x_height=x_height, line_spacing=line_spacing, wander=wander, pen=pen, justify=justify)
    sheets = pages_of(text, setting)
    written = "".join(line.text for sheet in sheets for line in sheet.lines)
    assert "".join(written.split()) == "".join(text.split())
    if not written:
        return
    left, top, right, bottom = bounds(sheets)
    half = pen / 2 - 1e-6
    assert left >= paper.left + half and top >= paper.top + half
    assert right <= paper.width - paper.right - half and bottom <= paper.height - paper.bottom - half
