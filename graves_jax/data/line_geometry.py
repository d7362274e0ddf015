"""How a line of ink lies on the page, and bringing lines to one slope, size and sampling.

Everything here works on strokes: absolute positions, y downwards, each stroke [N, 2], as `Ink.strokes` gives them.
"""

from collections.abc import Sequence

import numpy as np

# After `straighten`, points lie this far from the middle of their line on average; an x-height is about one and a
# half times as much. IAM-OnDB's own units are near: the median line measures 66.
HEIGHT = 100.0

# How sure the writing keeps level before any of it is seen, against what one turning point says, both in line
# heights. A word of a few letters is turned part of the way, a line of thirty all of it.
_PRIOR_STRENGTH = 9.0
# Tukey's biweight with a bound that closes in, in line heights: ascenders, descenders, quotation marks and dots fall
# outside in the end, and the two rows of turning points on the baseline and at the x-height decide.
_TUKEY_BOUNDS = (3.0, 2.0, 1.5, 1.2, 1.0, 1.0, 1.0)


def turning_points(strokes: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Where the pen turns up and down: the lowest points of its swings, and the highest ones. Each [N, 2].

    A stroke begins and ends with a turning point; where the pen runs level, its first point stands for all.
    """
    low, high = [np.zeros((0, 2))], [np.zeros((0, 2))]
    for stroke in strokes:
        moves = np.concatenate([[True], np.diff(stroke[:, 1]) != 0])
        points = stroke[moves]
        if len(points) < 2:
            continue
        down = np.diff(points[:, 1]) > 0
        arrives_down = np.concatenate([[not down[0]], down])
        leaves_down = np.concatenate([down, [not down[-1]]])
        low.append(points[arrives_down & ~leaves_down])
        high.append(points[~arrives_down & leaves_down])
    return np.concatenate(low), np.concatenate(high)


def baseline_slope(strokes: Sequence[np.ndarray]) -> float:
    """The slope dy/dx of the line: one robust regression through low and high turning points, parallel to each other.

    A least-squares line through all points is pulled by a quotation mark at one end, or by ascenders and descenders
    that are not evenly spread; this one is not. A short line is held near level.
    """
    points = np.concatenate(strokes)
    height = _height(points[:, 1] - np.polyval(_least_squares(points), points[:, 0]))
    low, high = turning_points(strokes)
    x, y = np.concatenate([low, high]).T
    if height == 0 or not len(x):
        return 0.0
    group = np.repeat([0, 1], [len(low), len(high)])
    weight, slope = np.ones(len(x)), 0.0
    for bound in _TUKEY_BOUNDS:
        total = np.bincount(group, weight, 2)
        centre = np.stack([np.bincount(group, weight * values, 2) / total for values in (x, y)])
        dx, dy = np.stack([x, y]) - centre[:, group]
        slope = (weight * dx * dy).sum() / ((weight * dx**2).sum() + _PRIOR_STRENGTH * height**2)
        residual = (dy - slope * dx) / (bound * 1.3 * height)
        # Never quite 0, so that a group that lies outside as a whole still has a centre.
        weight = np.maximum(1 - residual**2, 0) ** 2 + 1e-6
    return float(slope)


def straighten(strokes: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Turns a line by its `baseline_slope` and scales it so that its height is `HEIGHT`, the same for both axes.

    The height is the mean distance of the points from their median: ascenders and descenders count, a single far
    point hardly does. Ink without height is only turned.
    """
    slope = baseline_slope(strokes)
    cosine, sine = np.array([1.0, slope]) / np.hypot(1.0, slope)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    turned = [stroke @ turn for stroke in strokes]
    height = _height(np.concatenate(turned)[:, 1])
    return [stroke * (HEIGHT / height if height else 1.0) for stroke in turned]


def drop_standing_points(stroke: np.ndarray) -> np.ndarray:
    """Removes points at the very place of the point before: a resting pen adds no information and has no direction."""
    return stroke[np.concatenate([[True], (np.diff(stroke, axis=0) != 0).any(axis=1)])]


def thin(stroke: np.ndarray, every: int = 2) -> np.ndarray:
    """Keeps the first of a stroke's points, one in `every` after it, and the last."""
    return stroke[_kept(len(stroke), every)]


def halfway(stroke: np.ndarray) -> np.ndarray:
    """Where the points that `thin` leaves out lay: for each kept one, the way to the one left out just before it.

    Zero where nothing was left out. Shape [n, 2] for a stroke whose thinned form has n points.
    """
    kept = _kept(len(stroke), 2)
    before = np.concatenate([[0], kept[:-1]])
    return np.where((kept - before == 2)[:, None], stroke[kept - 1] - stroke[before], 0.0)


def longest_step(strokes: Sequence[np.ndarray]) -> float:
    """The longest step with the pen down."""
    return max(np.hypot(*np.diff(stroke, axis=0).T).max(initial=0.0) for stroke in strokes)


def longest_jump(strokes: Sequence[np.ndarray]) -> float:
    """The longest way in the air, from the end of a stroke to the beginning of the next."""
    ends = np.array([stroke[-1] for stroke in strokes[:-1]]).reshape(-1, 2)
    beginnings = np.array([stroke[0] for stroke in strokes[1:]]).reshape(-1, 2)
    return float(np.hypot(*(beginnings - ends).T).max(initial=0.0))


def _height(y: np.ndarray) -> float:
    return float(np.abs(y - np.median(y)).mean())


def _least_squares(points: np.ndarray) -> np.ndarray:
    """Slope and offset; level where there is no width."""
    x, y = points.T
    variance = x.var()
    slope = ((x - x.mean()) * (y - y.mean())).mean() / variance if variance else 0.0
    return np.array([slope, y.mean() - slope * x.mean()])


def _kept(num_points: int, every: int) -> np.ndarray:
    """Indices of the points that `thin` keeps."""
    return np.unique(np.append(np.arange(0, num_points, every), num_points - 1))
