import numpy as np
import pytest
from scipy.interpolate import BPoly

from graves_jax.data.curves import flatten, smooth_segments, straight_segments


def random_points(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 2)) * 10


@pytest.mark.parametrize("segments_of", [smooth_segments, straight_segments])
@pytest.mark.parametrize("count", [2, 3, 50])
def test_a_curve_passes_through_its_points_in_order(segments_of, count):
    points = random_points(count)
    segments = segments_of(points)
    assert segments.shape == (count - 1, 4, 2)
    np.testing.assert_array_equal(segments[:, 0], points[:-1])
    np.testing.assert_array_equal(segments[:, 3], points[1:])


def test_the_direction_is_continuous_at_every_inner_point():
    segments = smooth_segments(random_points(40))
    arriving, leaving = segments[:-1, 3] - segments[:-1, 2], segments[1:, 1] - segments[1:, 0]
    cosine = np.sum(arriving * leaving, axis=1) / (np.hypot(*arriving.T) * np.hypot(*leaving.T))
    np.testing.assert_allclose(cosine, 1, atol=1e-9)


def test_a_segment_is_the_curve_of_barry_and_goldman():
    """Their pyramid of linear interpolations defines the same curve with no derivative in sight."""
    points = random_points(4)
    knots = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T) ** 0.5)])

    def blend(i, j, p, q, t):
        return ((knots[j] - t) * p + (t - knots[i]) * q) / (knots[j] - knots[i])

    parameters = np.arange(1, 9) / 8
    expected = []
    for t in knots[1] + parameters * (knots[2] - knots[1]):
        first = [blend(i, i + 1, points[i], points[i + 1], t) for i in range(3)]
        second = [blend(i, i + 2, first[i], first[i + 1], t) for i in range(2)]
        expected.append(blend(1, 2, second[0], second[1], t))
    np.testing.assert_allclose(flatten(smooth_segments(points), 8)[1], expected, atol=1e-12)


def test_points_of_a_circle_give_a_circle():
    angle = np.linspace(0, 2 * np.pi, 25)
    curve = flatten(smooth_segments(np.column_stack([np.cos(angle), np.sin(angle)])), 10)
    np.testing.assert_allclose(np.hypot(*curve.reshape(-1, 2).T), 1, atol=2e-3)


def test_points_on_a_line_stay_on_it_and_in_order():
    x = np.array([0, 1, 1.1, 5, 5.01, 40.0])
    curve = flatten(smooth_segments(np.column_stack([x, 2 * x])), 20).reshape(-1, 2)
    np.testing.assert_allclose(curve[:, 1], 2 * curve[:, 0], atol=1e-9)
    assert np.all(np.diff(curve[:, 0]) >= -1e-9)


def test_a_point_that_repeats_changes_nothing_but_adds_a_segment_of_no_length():
    points = random_points(6)
    with_pause = points[[0, 0, 1, 2, 2, 2, 3, 4, 5, 5]]
    segments = smooth_segments(with_pause)
    assert np.isfinite(segments).all()
    moving = np.any(segments != segments[:, :1], axis=(1, 2))
    np.testing.assert_array_equal(np.flatnonzero(~moving), [0, 3, 4, 8])
    np.testing.assert_allclose(segments[moving], smooth_segments(points))


@pytest.mark.parametrize("points", [np.zeros((1, 2)), np.full((4, 2), 7.0)])
def test_ink_without_extent_is_a_dot(points):
    segments = smooth_segments(points)
    assert np.all(segments == points[0])


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_size_does_not_matter(size):
    np.testing.assert_allclose(smooth_segments(random_points(9) * size) / size, smooth_segments(random_points(9)))


def test_flatten_agrees_with_scipy():
    segments = smooth_segments(random_points(5))
    for segment, pieces in zip(segments, flatten(segments, 7), strict=True):
        np.testing.assert_allclose(pieces, BPoly(segment[:, None], [0, 1])(np.arange(1, 8) / 7), atol=1e-12)
