"""Lines side by side are one line."""

import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.data.joining import join


def line(text, width, height, seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform((0, 0), (width, height), (40, 2))
    points[[0, -1], 0] = 0, width
    return Ink.from_strokes(np.split(points, [15, 25]), text)


def test_strokes_and_texts_follow_one_another_with_a_space_between():
    inks = [line("ab", 100, 20, 0), line("cde", 60, 20, 1)]
    joined = join(inks)
    assert joined.text == "ab cde"
    assert len(joined.strokes()) == 6 and len(joined) == sum(map(len, inks)) + 1
    first, second = np.concatenate(joined.strokes()[:3]), np.concatenate(joined.strokes()[3:])
    assert np.ptp(first[:, 0]) == 100 or np.isclose(np.ptp(first[:, 0]), 100)
    # A character of the first line is 50 wide.
    assert np.isclose(second[:, 0].min() - first[:, 0].max(), 50, atol=1e-3)
    assert np.isclose(np.median(first[:, 1]), np.median(second[:, 1]), atol=1e-3)
    shapes = [stroke - stroke[0] for ink in inks for stroke in ink.strokes()]
    for found, expected in zip(joined.strokes(), shapes, strict=True):
        np.testing.assert_allclose(found - found[0], expected, atol=1e-3)


def test_one_line_stays_as_it_is():
    ink = line("ab", 100, 20, 2)
    joined = join([ink])
    assert joined.text == "ab"
    np.testing.assert_allclose(joined.offsets, ink.offsets, atol=1e-4)
