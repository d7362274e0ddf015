"""Smooth curves through pen points: the one smoothing that SVG, PNG, PDF and GIF share.

A stroke is drawn as cubic Bezier segments, shape [S, 4, 2]: start, first handle, second handle, end. Segment s starts
where segment s - 1 ends, and every segment's ends are pen points, so a curve passes through all the ink. A dot is one
segment whose four points are equal.
"""

import numpy as np


def smooth_segments(points: np.ndarray) -> np.ndarray:
    """Centripetal Catmull-Rom curve through pen points, as Bezier segments.

    The knots are √distance apart. Pen points are sampled evenly in time and so unevenly in space; with evenly spaced
    knots the curve would loop and overshoot where a long step meets a short one, with these it cannot form a cusp
    or a loop within a segment (Yuksel, Schaefer & Keyser 2011).

    Args:
      points: pen points of one stroke. Shape [N, 2] with N at least 1; points may repeat.
    Returns:
      Shape [max(N - 1, 1), 4, 2].
    """
    if len(points) == 1:
        return np.repeat(points[None], 4, axis=1)
    # A point that repeats the one before it has no direction of its own: the curve is that of the distinct points.
    moved = np.concatenate([[True], np.any(np.diff(points, axis=0) != 0, axis=1)])
    tangents, knots = _tangents(points[moved])
    distinct = np.cumsum(moved) - 1
    start, end = distinct[:-1], distinct[1:]
    thirds = np.where(end > start, knots[np.minimum(start, len(knots) - 1)] / 3, 0)[:, None]
    return np.stack(
        [points[:-1], points[:-1] + thirds * tangents[start], points[1:] - thirds * tangents[end], points[1:]], axis=1
    )


def straight_segments(points: np.ndarray) -> np.ndarray:
    """Straight lines through pen points in the same form. Shape [N, 2] to [max(N - 1, 1), 4, 2]."""
    if len(points) == 1:
        return np.repeat(points[None], 4, axis=1)
    share = np.array([0, 1 / 3, 2 / 3, 1])[None, :, None]
    return points[:-1, None] * (1 - share) + points[1:, None] * share


def flatten(segments: np.ndarray, pieces: int) -> np.ndarray:
    """Points along Bezier segments, evenly spaced in each one's parameter, its start left out, its end included.

    Args:
      segments: shape [S, 4, 2].
      pieces: how many points for each segment.
    Returns:
      Shape [S, pieces, 2].
    """
    t = np.arange(1, pieces + 1)[:, None] / pieces
    bernstein = np.concatenate([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], axis=1)
    return np.einsum("pk,skd->spd", bernstein, segments)


def _tangents(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Derivative at each of N distinct points [N, 2], and the knot intervals [N - 1] that it refers to."""
    steps = np.diff(points, axis=0)
    if not len(steps):
        return np.zeros((1, 2)), np.zeros(1)
    knots = np.sqrt(np.hypot(*steps.T))
    velocity = steps / knots[:, None]
    if len(steps) == 1:
        return np.repeat(velocity, 2, axis=0), knots
    # Barry & Goldman's derivative at an inner point. At either end the derivative that makes the outer segment a
    # parabola, so that three points of an arc look like an arc.
    before, after = knots[:-1, None], knots[1:, None]
    inner = (velocity[:-1] * after + velocity[1:] * before) / (before + after)
    return np.concatenate([2 * velocity[:1] - inner[:1], inner, 2 * velocity[-1:] - inner[-1:]]), knots
