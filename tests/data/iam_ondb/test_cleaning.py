"""Protocols on made-up lines: what stays, what goes, and that it is counted."""

import numpy as np
import pytest

from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.iam_ondb.cleaning import PROTOCOLS, drop_steps, paper, writer
from graves_jax.data.ink import Ink
from graves_jax.data.line_geometry import HEIGHT
from graves_jax.data.page_fit import fits_its_page


def drop(offsets, bound=10.0):
    return drop_steps(Ink(offsets, "text"), bound).offsets.tolist()


def test_dropping_a_step_closes_the_gap():
    assert drop([[1, 2, 0], [30, 0, 0], [3, 4, 1]]) == [[1, 2, 0], [3, 4, 1]]


def test_the_bound_is_on_the_length_and_inclusive():
    assert drop([[6, 8, 0], [6, 8.1, 0], [8, 8, 0], [-10, 0, 0], [0, -11, 0], [1, 1, 1]]) == [
        [6, 8, 0],
        [-10, 0, 0],
        [1, 1, 1],
    ]


def test_a_dropped_end_of_stroke_moves_to_the_row_before():
    assert drop([[1, 1, 0], [2, 2, 0], [99, 0, 1], [3, 3, 0], [4, 4, 1]]) == [
        [1, 1, 0],
        [2, 2, 1],
        [3, 3, 0],
        [4, 4, 1],
    ]
    assert drop([[1, 1, 0], [99, 0, 0], [99, 0, 1], [3, 3, 1]]) == [[1, 1, 1], [3, 3, 1]]


def test_a_dropped_dot_leaves_the_stroke_before_as_it_was():
    assert drop([[1, 1, 1], [99, 0, 1], [3, 3, 1]]) == [[1, 1, 1], [3, 3, 1]]


def test_a_first_stroke_that_loses_all_but_the_origin_is_a_dot():
    assert drop([[99, 0, 1], [3, 3, 0], [4, 4, 1]]) == [[0, 0, 1], [3, 3, 0], [4, 4, 1]]
    assert drop([[99, 0, 0], [3, 3, 0], [4, 4, 1]]) == [[3, 3, 0], [4, 4, 1]]
    assert drop([[99, 0, 0], [99, 0, 1]]) == [[0, 0, 1]]
    assert drop([[0, 0, 1], [99, 0, 0], [1, 1, 1]]) == [[0, 0, 1], [1, 1, 1]]


def test_dropping_steps_loses_no_end_of_stroke():
    rng = np.random.default_rng(0)
    for _ in range(200):
        offsets = np.column_stack([rng.normal(size=(12, 2)), rng.random(12) < 0.4])
        offsets[-1, 2] = 1
        kept = drop_steps(Ink(offsets, "text"), 1.2)
        assert kept.offsets[-1, 2] == 1
        assert len(kept.strokes()) <= len(Ink(offsets).strokes())
        steps = np.hypot(*kept.offsets[:, :2].T)
        assert (steps <= 1.2).all()
        assert len(kept) in (
            1,
            (np.hypot(*offsets[:, :2].T) <= 1.2).sum(),
            (np.hypot(*offsets[:, :2].T) <= 1.2).sum() + 1,
        )


def test_paper_protocol_counts_and_keeps_everything_else():
    wild = Ink([[1, 1, 0], [1_500.5, 0, 0], [1, 1, 1]], "a &amp; b")
    tame = Ink([[1_500, 0, 0], [1, 1, 1]], "#")
    lines = [Line(wild, "1", split="training"), Line(tame, "2"), Line(wild, "3", split="validation")]
    cleaned = paper(lines)
    assert [len(line.ink) for line in cleaned.lines] == [2, 2, 2]
    assert [line.ink.text for line in cleaned.lines] == ["a &amp; b", "#", "a &amp; b"]
    assert cleaned.skipped == {}
    assert cleaned.changed == {
        "steps over 1,500 units dropped (training)": 1,
        "steps over 1,500 units dropped (validation)": 1,
    }


def make_line(text="handwriting", *, line_id="p-01", swings=None, scale=1.0, slope=0.0, jump=0.0, dx=8.0, **fields):
    """Swings of the pen, two for a character and 11 points each, in strokes of a few."""
    swings = swings or 2 * len(text)
    t = np.arange(swings * 11)
    points = np.column_stack([dx * t, -60 * np.cos(t * np.pi / 5.5) + slope * dx * t]) * scale
    points[len(points) // 2 :, 0] += jump * scale
    return Line(Ink.from_strokes(np.array_split(points, 5), text), line_id, **fields)


def test_writer_protocol_makes_lines_comparable():
    lines = [make_line(scale=0.05, slope=0.1), make_line(scale=3.0, slope=-0.1), make_line()]
    cleaned = writer(lines)
    assert cleaned.skipped == {}, cleaned.skipped
    for line in cleaned.lines:
        points = np.concatenate(line.ink.strokes())
        height = points[:, 1] - np.median(points[:, 1])
        assert np.abs(height).mean() == pytest.approx(HEIGHT, rel=0.03)
        assert np.polyfit(points[:, 0], points[:, 1], 1)[0] == pytest.approx(0, abs=0.01)
        assert len(line.ink.strokes()) == 5
    lengths = [len(line.ink) for line in cleaned.lines]
    assert max(lengths) <= 0.55 * len(lines[0].ink)
    assert cleaned.changed["points left out"] == sum(len(line.ink) for line in lines) - sum(lengths)


def test_writer_protocol_repairs_and_counts_text():
    cleaned = writer([make_line("Foot ' s line"), make_line("Foot's line")])
    assert [line.ink.text for line in cleaned.lines] == ["Foot's line", "Foot's line"]
    assert cleaned.changed["transcripts repaired"] == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (make_line("four"), "under 5 characters"),
        (make_line("some # words"), "text with one of #+*, which stand for something else"),
        (make_line(jump=8_000.0), "step over 500 on paper"),
        (make_line("a line that goes on " * 4), "over 700 points"),
        (make_line("words that are nowhere", swings=20), "not 6 to 25 points per character"),
        (make_line("drawn", swings=40), "not 6 to 25 points per character"),
    ],
)
def test_writer_protocol_says_why_a_line_is_left_out(line, reason):
    cleaned = writer([line, make_line(line_id="other-01")])
    assert cleaned.skipped == {reason: 1}
    assert [line.line_id for line in cleaned.lines] == ["other-01"]


def test_a_long_way_in_the_air_is_another_reason():
    strokes = make_line().ink.strokes()
    far = [*strokes[:3], *(stroke + np.array([6_000, 0]) for stroke in strokes[3:])]
    cleaned = writer([Line(Ink.from_strokes(far, "handwriting"), "p-01")])
    assert cleaned.skipped == {"jump over 2,000 in the air": 1}
    assert cleaned.lines == []


def test_a_line_that_differs_from_its_page_is_left_out():
    page = [make_line(line_id=f"p-0{number}") for number in range(5)]
    words_missing_in_ink = make_line("handwriting and more", swings=24, line_id="p-05")
    words_missing_in_text = make_line("handwriting", swings=40, line_id="p-06")
    spread_out = make_line(dx=14.0, line_id="p-07")
    lines = [*page, words_missing_in_ink, words_missing_in_text, spread_out]
    assert fits_its_page(lines).tolist() == [True] * 5 + [False] * 3
    cleaned = writer(lines)
    assert [line.line_id for line in cleaned.lines] == [line.line_id for line in page]
    assert cleaned.skipped == {"ink and text do not fit, beside the page": 3}


def test_people_may_differ_from_each_other():
    small, wide = make_line(line_id="p-01", dx=4.0), make_line(line_id="q-01", dx=14.0)
    assert fits_its_page([small, wide]).all()
    same_form_other_writer = make_line(line_id="p-02", dx=14.0, writer="other")
    assert fits_its_page([small, same_form_other_writer]).all()
    assert fits_its_page([]).tolist() == []


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_protocols_keep_what_is_known_of_a_line(protocol):
    line = make_line(line_id="p-01", writer="w", subset="testset_v", split="validation")
    corpus = Corpus.from_lines(PROTOCOLS[protocol]([line]).lines)
    assert (corpus[0].line_id, corpus[0].writer, corpus[0].subset, corpus[0].split) == (
        "p-01",
        "w",
        "testset_v",
        "validation",
    )
