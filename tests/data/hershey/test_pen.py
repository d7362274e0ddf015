"""The pen: movement against geometry that is known in closed form."""

import numpy as np
import pytest

from graves_jax.data.hershey import pen


def _path(*strokes):
    strokes = [np.asarray(stroke, float) for stroke in strokes]
    return pen.Path(np.concatenate(strokes), np.array([len(stroke) for stroke in strokes]))


def _ellipse(a, b, turns=3.0):
    angle = np.linspace(0, 2 * np.pi * turns, 4_000)
    return np.stack([a * np.cos(angle), b * np.sin(angle)], axis=1)


CORNER = [[0, 0], [20, 0], [20, 20]]
ZIGZAG = [[0, 0], [4, 9], [9, -3], [12, 5], [30, 5]]
DOT = [[50, 0], [50, 0.3]]


def test_even_in_length_keeps_ends_and_spacing():
    path = pen.resample_by_length(_path(CORNER, DOT))
    corner, dot = path.strokes()
    np.testing.assert_allclose(corner[[0, -1]], [[0, 0], [20, 20]], atol=1e-12)
    np.testing.assert_allclose(np.hypot(*np.diff(corner, axis=0).T), pen.STEP)
    np.testing.assert_allclose(dot, DOT, atol=1e-12)


@pytest.mark.parametrize(
    "step",
    [
        pen.resample_by_length,
        lambda path: pen.round_corners(path, 1.2),
        lambda path: pen.resample_by_time(path, 2.0),
    ],
)
def test_strokes_do_not_touch_one_another(step):
    alone = [pen.resample_by_length(_path(stroke)) for stroke in (CORNER, DOT, ZIGZAG)]
    together = pen.resample_by_length(_path(CORNER, DOT, ZIGZAG))
    for one, stroke in zip(alone, step(together).strokes(), strict=True):
        np.testing.assert_allclose(step(one).points, stroke, atol=1e-9)


@pytest.mark.parametrize("rounding", [0.7, 1.0, 2.0])
def test_rounding_is_the_filters_standard_deviation(rounding):
    x = np.arange(200) * pen.STEP
    spike = np.where(np.arange(200) == 100, 1.0, 0.0)
    response = pen.round_corners(_path(np.stack([x, spike], axis=1)), rounding).points[:, 1]
    assert response.sum() == pytest.approx(1)
    assert np.sqrt((response * (x - x[100]) ** 2).sum()) == pytest.approx(rounding, rel=0.05)


def test_rounding_keeps_the_ends_and_leaves_a_straight_line():
    line = pen.resample_by_length(_path([[0, 0], [30, 15]]))
    np.testing.assert_allclose(pen.round_corners(line, 2.0).points, line.points, atol=1e-9)
    corner = pen.resample_by_length(_path(CORNER))
    rounded = pen.round_corners(corner, 2.0).points
    np.testing.assert_allclose(rounded[[0, -1]], CORNER[::2], atol=1e-12)
    assert np.hypot(*(rounded - [20, 0]).T).min() > 0.5


def test_speed_follows_the_two_thirds_power_law():
    a, b = 8.0, 2.5
    path = pen.resample_by_length(_path(_ellipse(a, b)))
    middle = slice(len(path.points) // 3, 2 * len(path.points) // 3)
    x, y = path.points[middle].T
    curvature = 1 / (a**2 * b**2 * (x**2 / a**4 + y**2 / b**4) ** 1.5)
    slope = np.polyfit(np.log(curvature), np.log(pen.speeds(path)[middle]), 1)[0]
    # The floor under the curvature takes a little from the exponent.
    assert -1 / 3 < slope < -0.2


def test_speed_is_low_at_corners_and_ends():
    path = pen.resample_by_length(_path(CORNER))
    speed = pen.speeds(path)
    corner = np.hypot(*(path.points - [20, 0]).T).argmin()
    middle = len(path.points) // 4
    assert (speed > 0).all()
    assert speed[corner] < 0.5 * speed[middle]
    assert speed[0] < 0.5 * speed[middle] and speed[-1] < 0.5 * speed[middle]


def test_points_are_even_in_time():
    path = pen.round_corners(pen.resample_by_length(_path(ZIGZAG, CORNER)), 1.0)
    times = pen.durations(path)
    sampled = pen.resample_by_time(path, 1.0)
    first = path.starts[1]
    for stroke, piece in zip(sampled.strokes(), (slice(0, first), slice(first, None)), strict=True):
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path.points[piece], axis=0).T))])
        nearest = [np.hypot(*(path.points[piece] - point).T).argmin() for point in stroke]
        intervals = np.diff(times[piece][nearest])
        assert (np.diff(along[nearest]) >= 0).all()
        # Half a step of the path at either end of an interval, in time, is what the nearest point leaves open.
        assert intervals.std() < 0.5 * intervals.mean()
        assert intervals.mean() == pytest.approx(1, rel=0.2)


def test_sampled_steps_are_long_where_the_pen_is_fast():
    path = pen.round_corners(pen.resample_by_length(_path(CORNER)), 1.0)
    points = pen.resample_by_time(path, 1.0).points
    steps = np.hypot(*np.diff(points, axis=0).T)
    to_corner = np.hypot(*((points[1:] + points[:-1]) / 2 - [20, 0]).T)
    assert steps[to_corner < 2].mean() < 0.7 * steps[(to_corner > 7) & (to_corner < 13)].mean()


def test_shake_has_its_standard_deviation_and_is_smooth():
    line = pen.resample_by_length(_path([[0, 0], [20_000, 0]]))
    shaken = pen.shake(line, 0.3, np.random.default_rng(0)).points - line.points
    # Linear interpolation between independent draws has 2/3 of their variance.
    assert shaken.std(axis=0) == pytest.approx(0.3 * np.sqrt(2 / 3), rel=0.05)
    assert np.abs(np.diff(shaken, axis=0)).max() < 0.3
