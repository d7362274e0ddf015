"""How a pen moves along a path: where it has been after equal intervals of time.

A tablet reports the pen at a fixed rate, so the points of real ink lie close together where the hand is slow: in
corners, where it turns about, and where a stroke starts and ends. The speed here follows the two-thirds power law of
human movement (Lacquaniti, Terzuolo & Viviani 1983: speed proportional to curvature to the power -1/3) and starts
from rest and ends at rest in each stroke.

All strokes of a line are worked on at once. A `Path` holds them one after the other.
"""

from typing import NamedTuple

import numpy as np

# Distance between the points of a path, in units of a path whose small letters are about 12 units high.
STEP = 0.5
# Added to the curvature (1 / units), so that the speed on a straight line is finite.
_CURVATURE_FLOOR = 0.04
# Units over which the pen gathers speed from rest, and comes to rest.
_RAMP = 3.0
# What is left of its speed at the very end of a stroke.
_REST = 0.25
# Passes of the binomial filter over the curvature: a hand slows down before a corner and not in it.
_CURVATURE_PASSES = 6
# Units between two independent draws of the tremor.
_TREMOR_LENGTH = 5.0


class Path(NamedTuple):
    """Strokes one after the other.

    Attributes:
      points: positions. Shape [N, 2].
      sizes: points per stroke, at least 1 each; they add up to N. Shape [S].
    """

    points: np.ndarray
    sizes: np.ndarray

    @property
    def stops(self) -> np.ndarray:
        """The index after the last point of each stroke. Shape [S]."""
        return np.cumsum(self.sizes)

    @property
    def starts(self) -> np.ndarray:
        """The index of the first point of each stroke. Shape [S]."""
        return self.stops - self.sizes

    def strokes(self) -> list[np.ndarray]:
        """The points of each stroke, [n, 2] each."""
        return np.split(self.points, self.stops[:-1])


def resample_by_length(path: Path) -> Path:
    """The same strokes as points about `STEP` apart, each stroke evenly from its first point to its last."""
    lengths = np.hypot(*np.diff(path.points, axis=0).T)
    position = _running_total(path, lengths)
    extent = position[path.stops - 1] - position[path.starts]
    return _resample(path, position, np.maximum(np.round(extent / STEP).astype(int), 1) + 1)


def round_corners(path: Path, rounding: float) -> Path:
    """Smooths each stroke with a binomial filter; its first and last point stay.

    Args:
      path: points about `STEP` apart.
      rounding: standard deviation of the filter along the path, in units.
    """
    # One pass of the weights 1/4, 1/2, 1/4 has a variance of half a step squared.
    return path._replace(points=_smooth(path, path.points, passes=round(2 * (rounding / STEP) ** 2)))


def shake(path: Path, tremor: float, rng: np.random.Generator) -> Path:
    """Moves the points by noise that is smooth along the path: `tremor`, in units, at its knots, linear between."""
    knots = np.arange(0, len(path.points) * STEP + 2 * _TREMOR_LENGTH, _TREMOR_LENGTH)
    noise = rng.normal(0, tremor, (2, len(knots)))
    along = np.arange(len(path.points)) * STEP
    return path._replace(points=path.points + np.stack([np.interp(along, knots, axis) for axis in noise], axis=1))


def speeds(path: Path) -> np.ndarray:
    """Speed of the pen at each point, by curvature and by the distance to the stroke's ends.

        v = (κ + κ₀)^(-1/3)  times  a start from rest and an end at rest at constant acceleration

    Args:
      path: points about `STEP` apart.
    Returns:
      Units of length per unit of time, above 0. Shape [N].
    """
    bend = np.zeros_like(path.points)
    bend[1:-1] = path.points[2:] - 2 * path.points[1:-1] + path.points[:-2]
    bend[path.starts] = bend[path.stops - 1] = 0
    # The points are evenly spaced, so their second difference is the curvature; 2 / STEP where the pen turns about.
    curvature = _smooth(path, np.hypot(*bend.T)[:, None] / STEP**2, passes=_CURVATURE_PASSES)[:, 0]
    index = np.arange(len(path.points))
    to_start = index - np.repeat(path.starts, path.sizes)
    to_stop = np.repeat(path.stops - 1, path.sizes) - index
    ramp = np.sqrt(np.minimum(np.minimum(to_start, to_stop) * STEP / _RAMP + _REST**2, 1))
    return ramp * (curvature + _CURVATURE_FLOOR) ** (-1 / 3)


def durations(path: Path) -> np.ndarray:
    """When the pen is at each point, from 0 at the first; lifting it takes no time. Shape [N]."""
    speed = speeds(path)
    lengths = np.hypot(*np.diff(path.points, axis=0).T)
    return _running_total(path, lengths * 2 / (speed[1:] + speed[:-1]))


def resample_by_time(path: Path, interval: float) -> Path:
    """Where the pen is after equal times: about `interval`, so that each stroke's first and last point are kept."""
    times = durations(path)
    duration = times[path.stops - 1] - times[path.starts]
    return _resample(path, times, np.maximum(np.round(duration / interval).astype(int), 1) + 1)


def _running_total(path: Path, increments: np.ndarray) -> np.ndarray:
    """Sums up what is between neighbouring points, [N - 1] to [N], leaving out what is between strokes."""
    increments = increments.copy()
    increments[path.stops[:-1] - 1] = 0
    return np.concatenate([[0.0], np.cumsum(increments)])


def _resample(path: Path, position: np.ndarray, sizes: np.ndarray) -> Path:
    """Each stroke as `sizes` points at equal steps of `position`, which rises along it. Linear interpolation."""
    # Strokes are set apart by 1, so that none reaches into its neighbour.
    stroke = np.repeat(np.arange(len(path.sizes)), path.sizes)
    apart = position + stroke
    first, last = apart[path.starts], apart[path.stops - 1]
    new_stroke = np.repeat(np.arange(len(sizes)), sizes)
    index = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    wanted = first[new_stroke] + (last - first)[new_stroke] * index / (sizes - 1)[new_stroke]
    wanted = np.minimum(wanted, last[new_stroke])
    return Path(np.stack([np.interp(wanted, apart, axis) for axis in path.points.T], axis=1), sizes)


def _smooth(path: Path, values: np.ndarray, *, passes: int) -> np.ndarray:
    """Passes of the weights 1/4, 1/2, 1/4 over values [N, D] within each stroke; the ends of a stroke stay."""
    inner = np.ones(len(values), bool)
    inner[path.starts] = inner[path.stops - 1] = False
    weight = np.where(inner, 0.25, 0.0)[1:-1, None]
    values = values.copy()
    for _ in range(passes):
        values[1:-1] += weight * (values[2:] - 2 * values[1:-1] + values[:-2])
    return values
