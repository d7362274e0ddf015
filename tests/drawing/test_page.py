from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graves_jax.data.curves import flatten
from graves_jax.data.ink import Ink
from graves_jax.drawing.page import MOST_PIXELS, check_bitmap_size, lay_out
from graves_jax.errors import InputError


def drawn_points(strokes):
    return np.concatenate([flatten(stroke, 8).reshape(-1, 2) for stroke in strokes])


def assert_on_page(page, margin):
    points = drawn_points(page.strokes())
    low, high = margin - 1e-6, np.array([page.width, page.height]) - margin + 1e-6
    assert np.all(points >= low) and np.all(points <= high)


def test_strokes_are_the_ink_up_to_scale_and_place(line):
    placed = [np.concatenate([s[:1, 0], s[:, 3]]) for s in lay_out(line).strokes()]
    ink = np.concatenate([stroke if len(stroke) > 1 else stroke[[0, 0]] for stroke in line.strokes()])
    placed = np.concatenate(placed)
    scale = np.ptp(placed[:, 0]) / np.ptp(ink[:, 0])
    np.testing.assert_allclose(placed - placed[0], scale * (ink - ink[0]), atol=1e-3)


def test_the_longest_line_fills_the_width_between_the_margins(lines):
    page = lay_out(lines, width=640, margin=25)
    assert page.width == 640
    ends = [stroke.reshape(-1, 2)[:, 0] for stroke in page.strokes()]
    assert min(map(np.min, ends)) == pytest.approx(25)
    assert max(map(np.max, ends)) == pytest.approx(615)
    assert_on_page(page, 25)


def test_lines_are_flush_left_in_order_and_do_not_touch(lines):
    boxes = [drawn_points(strokes) for strokes in lay_out(lines).lines]
    lefts = [box[:, 0].min() for box in boxes]
    np.testing.assert_allclose(lefts, 20, atol=2)
    for above, below in pairwise(boxes):
        assert above[:, 1].max() < below[:, 1].min()


def test_lines_keep_one_scale(line):
    double = Ink(line.offsets * [2, 2, 1])
    small, large = lay_out([line, double]).lines
    assert np.ptp(drawn_points(large)[:, 0]) == pytest.approx(2 * np.ptp(drawn_points(small)[:, 0]), rel=1e-4)


def test_line_spacing_moves_lines_apart(lines):
    assert lay_out(lines, line_spacing=3).height > lay_out(lines, line_spacing=1).height


def test_a_given_height_is_kept_and_everything_fits(lines):
    page = lay_out(lines, width=900, height=90)
    assert (page.width, page.height) == (900, 90)
    assert_on_page(page, 20)


def test_y_grows_downwards():
    down = Ink(np.array([[0, 10, 0], [5, 10, 1]]))
    stroke = lay_out(down).strokes()[0]
    assert stroke[-1, 3, 1] > stroke[0, 0, 1]


def test_a_short_word_is_not_blown_up_to_the_width():
    page = lay_out(Ink(np.array([[5, 10, 0], [5, -10, 1]])), width=600)
    assert page.height < 200


def test_the_pen_suits_the_writing_unless_it_is_given(line):
    widths = [lay_out(line, width=width).stroke_width for width in (300, 1_000, 2_000)]
    assert widths == sorted(widths)
    assert lay_out(line, stroke_width=3.25).stroke_width == 3.25


def test_a_varying_pen_is_broad_where_it_is_slow(wave):
    page = lay_out(wave, variable_width=True, stroke_width=2)
    speed = np.hypot(*wave.offsets[:, :2].T)
    width = page.widths[0][0]
    assert len(width) == len(speed)
    assert np.corrcoef(speed, width)[0, 1] < -0.9
    assert width.max() > 2 > width.min() > 0.5


def test_dots_are_broader_than_lines():
    page = lay_out(Ink(np.array([[10, 0, 1], [5, 5, 1]])), stroke_width=2)
    line_width, dot_width = (widths[0] for widths in page.stroke_widths())
    assert dot_width > line_width == 2


EXTREMES = {
    "one dot": [[0, 0, 1]],
    "one row": [[3, 4, 1]],
    "no extent": [[0, 0, 0], [0, 0, 0], [0, 0, 1]],
    "two equal dots": [[0, 0, 1], [0, 0, 1]],
    "a level line": [[5, 0, 0], [5, 0, 1]],
    "an upright line": [[0, 5, 0], [0, 5, 1]],
    "huge": [[3e38, 3e38, 0], [3e38, -3e38, 1]],
    "tiny": [[1e-44, 0, 0], [1e-44, 1e-44, 1]],
    "a jump": [[1, 1, 0], [1e30, 0, 1], [1, 1, 1]],
}


@pytest.mark.parametrize("options", [{}, {"variable_width": True}, {"smooth": False}, {"height": 50}, {"margin": 0}])
@pytest.mark.parametrize("offsets", EXTREMES.values(), ids=EXTREMES.keys())
def test_extreme_ink_stays_on_the_page(offsets, options):
    page = lay_out(Ink(np.array(offsets)), **options)
    assert np.isfinite(np.concatenate(page.strokes())).all()
    assert page.width > 0 and page.height > 0
    assert_on_page(page, options.get("margin", 20))


offset = st.floats(-1e6, 1e6, width=32)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.tuples(offset, offset, st.integers(0, 1)), min_size=1, max_size=8), min_size=1, max_size=4))
def test_any_ink_stays_on_the_page(rows):
    page = lay_out([Ink(np.array(line)) for line in rows])
    assert_on_page(page, 20)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"width": 0}, "positive width"),
        ({"width": float("nan")}, "positive width"),
        ({"width": 99.5}, "whole pixels"),
        ({"height": -1}, "positive height"),
        ({"stroke_width": 0}, "positive stroke_width"),
        ({"line_spacing": float("inf")}, "positive line_spacing"),
        ({"margin": -1}, "margin"),
        ({"width": 100, "margin": 50}, "margin"),
        ({"height": 30, "margin": 15}, "margin"),
    ],
)
def test_impossible_sizes_are_named(wave, options, message):
    with pytest.raises(InputError, match=message):
        lay_out(wave, **options)


def test_no_ink_is_an_error():
    with pytest.raises(InputError, match="at least one line"):
        lay_out([])


def test_a_page_too_large_to_paint_is_an_error(wave):
    check_bitmap_size(lay_out(wave))
    for options in ({"width": 70_000}, {"width": 60_000, "height": MOST_PIXELS // 60_000 + 1}):
        with pytest.raises(InputError, match="pixels"):
            check_bitmap_size(lay_out(wave, **options))
