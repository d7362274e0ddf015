"""Lines of known slope and size are found to have it, whatever ascenders, quotation marks and outliers do."""

import numpy as np
import pytest

from graves_jax.data.line_geometry import (
    HEIGHT,
    baseline_slope,
    drop_standing_points,
    halfway,
    longest_jump,
    longest_step,
    straighten,
    thin,
    turning_points,
)


def zigzag(heights, depths=None, *, step=30.0, points=12):
    """A stroke that swings between the baseline y = 0 (or depths below it) and the heights, y downwards."""
    depths = np.zeros(len(heights)) if depths is None else np.asarray(depths)
    y = np.stack([depths, -np.asarray(heights, float)], axis=1).ravel()
    x = np.arange(len(y)) * step
    t = np.linspace(0, len(y) - 1, points * (len(y) - 1) + 1)
    return np.column_stack([np.interp(t, np.arange(len(y)), x), np.interp(t, np.arange(len(y)), y)])


def turned(strokes, slope):
    angle = np.arctan(slope)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return [stroke @ turn for stroke in strokes]


PLAIN = [zigzag([100] * 40)]


def test_turning_points_of_a_zigzag():
    low, high = turning_points([zigzag([100, 60, 80])])
    assert low.tolist() == [[0, 0], [60, 0], [120, 0]]
    assert high.tolist() == [[30, -100], [90, -60], [150, -80]]


def test_turning_points_of_level_ink_and_dots():
    low, high = turning_points([np.array([[0.0, 1], [5, 1], [9, 1]]), np.array([[3.0, 3]])])
    assert len(low) == len(high) == 0
    low, high = turning_points([np.array([[0.0, 0], [1, 5], [2, 5], [3, 5], [4, 0]])])
    assert low.tolist() == [[1, 5]]
    assert high.tolist() == [[0, 0], [4, 0]]


@pytest.mark.parametrize("slope", [-0.3, -0.05, 0.0, 0.02, 0.3])
def test_slope_of_a_turned_line(slope):
    assert baseline_slope(turned(PLAIN, slope)) == pytest.approx(slope, abs=0.002)


@pytest.mark.parametrize("slope", [-0.1, 0.0, 0.1])
def test_slope_withstands_what_pulls_least_squares(slope):
    heights, depths = np.full(40, 100.0), np.zeros(40)
    heights[30:38:2] = 260
    depths[2:10:3] = 150
    quotation_mark = np.array([[2_400.0, -300], [2_400, -250], [2_405, -240]])
    strokes = turned([zigzag(heights, depths), quotation_mark, quotation_mark + np.array([30, 0])], slope)
    points = np.concatenate(strokes)
    assert abs(np.polyfit(points[:, 0], points[:, 1], 1)[0] - slope) > 0.02, "the case is no test otherwise"
    assert baseline_slope(strokes) == pytest.approx(slope, abs=0.008)


def test_the_shorter_a_line_the_nearer_it_is_held_to_level():
    found = [baseline_slope(turned([zigzag([100] * swings)], 0.3)) for swings in (2, 3, 6, 40)]
    assert found == sorted(found)
    assert 0 < found[0] < 0.15
    assert found[-1] > 0.29


@pytest.mark.parametrize(
    "strokes",
    [
        [np.array([[5.0, 5.0]])],
        [np.array([[0.0, 0.0]]), np.array([[0.0, 0.0]])],
        [np.array([[0.0, 3.0], [10, 3]])],
        [np.array([[3.0, 0.0], [3, 10]])],
        [np.array([[3.0, 0.0]]), np.array([[8.0, 10]])],
    ],
)
def test_degenerate_ink_stays_finite(strokes):
    for before, after in zip(strokes, straighten(strokes), strict=True):
        assert after.shape == before.shape
        assert np.isfinite(after).all()


@pytest.mark.parametrize(("scale", "slope", "shift"), [(1.0, 0.0, 0.0), (7.0, 0.1, 900.0), (0.01, -0.2, -5.0)])
def test_straightening_undoes_size_slope_and_place(scale, slope, shift):
    expected = straighten(PLAIN)[0]
    found = straighten([stroke * scale + shift for stroke in turned(PLAIN, slope)])[0]
    np.testing.assert_allclose(np.diff(found, axis=0), np.diff(expected, axis=0), atol=0.2)
    y = expected[:, 1]
    assert np.abs(y - np.median(y)).mean() == pytest.approx(HEIGHT)


def test_one_far_point_hardly_changes_the_size():
    far = [*PLAIN, np.array([[1_200.0, -2_000]])]
    y = np.concatenate(far)[:, 1]
    assert y.std() > 1.5 * PLAIN[0][:, 1].std(), "the case is no test otherwise"
    plain_width, width = (np.ptp(straighten(strokes)[0][:, 0]) for strokes in (PLAIN, far))
    assert width == pytest.approx(plain_width, rel=0.1)


@pytest.mark.parametrize(
    ("length", "kept"), [(1, [0]), (2, [0, 1]), (3, [0, 2]), (4, [0, 2, 3]), (5, [0, 2, 4]), (6, [0, 2, 4, 5])]
)
def test_thinning_keeps_first_second_ones_and_last(length, kept):
    stroke = np.column_stack([np.arange(length), np.arange(length) ** 2])
    np.testing.assert_array_equal(thin(stroke), stroke[kept])


def test_standing_points():
    stroke = np.array([[0, 0], [0, 0], [1, 0], [1, 0], [1, 0], [0, 0], [0, 1]])
    assert drop_standing_points(stroke).tolist() == [[0, 0], [1, 0], [0, 0], [0, 1]]
    assert drop_standing_points(np.zeros((5, 2))).tolist() == [[0, 0]]


def test_longest_step_and_jump():
    strokes = [np.array([[0.0, 0], [3, 4]]), np.array([[3.0, 16]]), np.array([[0.0, 16], [0, 15]])]
    assert longest_step(strokes) == 5
    assert longest_jump(strokes) == 12
    assert longest_step(strokes[1:2]) == longest_jump(strokes[:1]) == 0


@pytest.mark.parametrize("length", range(1, 9))
def test_thinned_points_and_those_between_are_all_points(length):
    """Put back where `halfway` says they lay, the points left out complete the stroke."""
    stroke = np.random.default_rng(length).normal(size=(length, 2))
    kept, between = thin(stroke), halfway(stroke)
    assert between.shape == kept.shape
    before = np.concatenate([kept[:1], kept[:-1]])
    left_out = (before + between)[(between != 0).any(axis=1)]
    whole = np.concatenate([kept, left_out])
    np.testing.assert_allclose(whole[np.lexsort(whole.T)], stroke[np.lexsort(stroke.T)], atol=1e-12)
