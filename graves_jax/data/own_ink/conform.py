"""Own ink brought to what a network has learned from, whatever recorded it: unit, resolution, rate, and how it lies.

A tablet reports 200 points a second and a mouse 60, in pixels or in hundredths of a millimetre. What a network sees is
the pen's movement between two points, so all of this has to be as in its training data:

- **rate**: strokes are sampled anew, evenly in time where times are known, else evenly in points; one interval for all
  lines, such that they have the training data's points per character on average. So a quick hand and a slow one still
  differ, line by line and letter by letter.
- **unit**: each line is turned level and scaled by the height of its writing (line_geometry.py); ink for weights that
  did not learn from such lines is then scaled as a whole to the spread of their data.
- **taps**: a dot far from all writing is where a hand or a mouse touched, and is left out.

What cannot be brought there is left out with the reason.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from graves_jax.data.corpus import Line
from graves_jax.data.ink import Ink
from graves_jax.data.line_geometry import HEIGHT, straighten, thin
from graves_jax.data.own_ink.readers import OwnLine
from graves_jax.data.page_fit import fits_its_page

# Fewer points do not show the shape of a letter.
MIN_POINTS_PER_CHARACTER = 4.0
# Least height of the writing, by the measure of `straighten`, on a grid of whole units: with less, letters are stairs.
MIN_HEIGHT_ON_GRID = 4.0
# Rests of the pen are cut to so many usual intervals.
_LONGEST_REST = 3.0
_SHORTEST_STEP = 0.1
# Of the height of the writing, by the same measure: what is no larger is a dot, and farther from the rest a tap.
_DOT, _FAR = 0.5, 6.0
# Lines that say how many points a character takes in this hand.
_LINES_OF_A_PAGE = 3


class Target(NamedTuple):
    """What ink has to be like.

    Attributes:
      points_per_character: offsets, spaces included.
      spread: geometric mean of the standard deviations of dx and dy; None where lines of `HEIGHT` are what is wanted.
      every: sampled so many times as densely, of which one point in so many is kept, and the last of a stroke: where
        the training data was made so, strokes end as they do there.
    """

    points_per_character: float
    spread: float | None = None
    every: int = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Conformed:
    """A line that was brought to a target.

    Attributes:
      line: as it was recorded.
      ink: as the network is to see it.
      height: of the writing as recorded, in its unit; an x-height is about one and a half times as much.
      taps: strokes left out.
      reason: why the line cannot be used, or None.
    """

    line: OwnLine
    ink: Ink
    height: float
    taps: int
    reason: str | None

    @property
    def recorded_points_per_character(self) -> float:
        return self.line.num_points / len(self.line.text)


def conform(lines: Sequence[OwnLine], target: Target) -> list[Conformed]:
    """Brings lines of one person and device to a target, each in its place.

    Raises:
      InputError: a line's ink is a single point.
    """
    tidied = [_without_taps(line) for line in lines]
    reasons = [_reason(line) for line in tidied]
    paths = _paths(tidied)
    interval = _interval([path for path, reason in zip(paths, reasons, strict=True) if not reason] or paths, target)
    inks = []
    for path in paths:
        strokes = straighten([_sampled(stroke, interval) for stroke in path.strokes])
        inks.append(Ink.from_strokes([thin(stroke, target.every) for stroke in strokes], path.text))
    reasons = _with_misfits(inks, reasons)
    factor = 1.0
    if target.spread is not None:
        usable = [ink for ink, reason in zip(inks, reasons, strict=True) if not reason]
        factor = target.spread / spread(usable or inks)
    return [
        Conformed(
            line,
            Ink(ink.offsets * np.array([factor, factor, 1.0]), ink.text),
            _height(kept.strokes),
            len(line.strokes) - len(kept.strokes),
            reason,
        )
        for line, kept, ink, reason in zip(lines, tidied, inks, reasons, strict=True)
    ]


def spread(inks: Sequence[Ink]) -> float:
    """Geometric mean of the standard deviations of dx and dy over all lines; 1 where ink does not move."""
    offsets = np.concatenate([ink.offsets[:, :2] for ink in inks])
    return float(np.sqrt(np.prod(offsets.std(axis=0, dtype=np.float64)))) or 1.0


def upside_down(line: OwnLine) -> OwnLine:
    """The line with y the other way round."""
    return dataclasses.replace(line, strokes=[stroke * [1.0, -1.0] for stroke in line.strokes])


def _without_taps(line: OwnLine) -> OwnLine:
    """Without dots far from all other ink."""
    height = _height(line.strokes)
    small = [np.ptp(stroke, axis=0).max() <= _DOT * height for stroke in line.strokes]
    written = [stroke for stroke, is_small in zip(line.strokes, small, strict=True) if not is_small]
    if not written or height == 0:
        return line
    ink = np.concatenate(written)
    keep = [
        not is_small or np.hypot(*(ink - stroke[0]).T).min() <= _FAR * height
        for stroke, is_small in zip(line.strokes, small, strict=True)
    ]
    times = None if line.times is None else [time for time, kept in zip(line.times, keep, strict=True) if kept]
    strokes = [stroke for stroke, kept in zip(line.strokes, keep, strict=True) if kept]
    return dataclasses.replace(line, strokes=strokes, times=times)


def _height(strokes: list[np.ndarray]) -> float:
    """Of the writing, by the measure that `straighten` brings to `HEIGHT`, in the line's own unit; 0 where flat."""
    straight = straighten(strokes)
    y = np.concatenate(straight)[:, 1]
    is_flat = np.abs(y - np.median(y)).mean() < HEIGHT / 2
    length = _length(straight)
    # Dots alone have none.
    return 0.0 if is_flat or length == 0 else HEIGHT * _length(strokes) / length


def _length(strokes: list[np.ndarray]) -> float:
    return float(sum(np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in strokes))


def _reason(line: OwnLine) -> str | None:
    """Why a line as it was recorded is not one to learn from."""
    words, points = len(line.text.split()), np.concatenate(line.strokes)
    if len(line.strokes) < max(2, words / 2):
        return f"{len(line.strokes)} stroke(s) of ink for {words} word(s)"
    per_character = len(points) / len(line.text)
    if per_character < MIN_POINTS_PER_CHARACTER:
        return f"{per_character:.1f} points per character, expected at least {MIN_POINTS_PER_CHARACTER:g}"
    height = _height(line.strokes)
    if height == 0:
        return "ink without height"
    if height < MIN_HEIGHT_ON_GRID and (points == np.round(points)).all():
        return f"letters about {1.5 * height:.0f} units high, on a grid of whole units"
    return None


def _with_misfits(inks: list[Ink], reasons: list[str | None]) -> list[str | None]:
    """The reasons, and one for lines whose length does not fit their text, beside the others of this hand."""
    rows = [row for row, reason in enumerate(reasons) if not reason]
    if len(rows) < _LINES_OF_A_PAGE:
        return reasons
    fitting = fits_its_page([Line(inks[row], f"own-{row}") for row in rows])
    misfits = {row for row, fits in zip(rows, fitting, strict=True) if not fits}
    return [
        "far more or less ink than its text takes on the other lines" if row in misfits else reason
        for row, reason in enumerate(reasons)
    ]


class _Stroke(NamedTuple):
    """Points [N, 2] no two neighbours of which are the same, and when the pen was there [N], in any unit, from 0."""

    points: np.ndarray
    times: np.ndarray


class _Path(NamedTuple):
    strokes: list[_Stroke]
    text: str


def _paths(lines: Sequence[OwnLine]) -> list[_Path]:
    """How the pen went, in time: as recorded where all lines have times, else by even intervals between points."""
    times = [line.times for line in lines if line.times is not None]
    timed = len(times) == len(lines)
    steps = np.concatenate([np.diff(time) for line in times for time in line]) if timed else np.zeros(0)
    steps = steps[steps > 0]
    usual = float(np.median(steps)) if len(steps) else 0.0
    return [
        _Path(
            [
                _moving(stroke, line.times[number] / usual if line.times and usual else np.arange(float(len(stroke))))
                for number, stroke in enumerate(line.strokes)
            ],
            line.text,
        )
        for line in lines
    ]


def _moving(points: np.ndarray, times: np.ndarray) -> _Stroke:
    """A stroke without standing points, and with its rests cut short. Times are in usual intervals."""
    moves = (np.diff(points, axis=0) != 0).any(axis=1)
    points = points[np.concatenate([[True], moves])]
    # Devices may report several points at one moment: these are set a little apart.
    steps = np.maximum(np.diff(times)[moves], _SHORTEST_STEP)
    if len(steps):
        # A long way in a long time is no rest: there the device has left out points.
        lengths = np.hypot(*np.diff(points, axis=0).T)
        steps = np.where(lengths <= np.median(lengths), np.minimum(steps, _LONGEST_REST), steps)
    return _Stroke(points, np.concatenate([[0.0], np.cumsum(steps)]))


def _interval(paths: list[_Path], target: Target) -> float:
    """Time between points before every so-manieth is kept, that gives the target's points per character.

    A stroke of duration d has d / interval steps. Of these one in `every` stays, and mostly a shorter one at the end.
    """
    duration = sum(stroke.times[-1] for path in paths for stroke in path.strokes)
    strokes = sum(len(path.strokes) for path in paths)
    points = target.points_per_character * sum(len(path.text) for path in paths)
    own = 1 + (target.every - 1) / (2 * target.every)
    # Most strokes have more than two points even where there are many for the text.
    return float(duration / max(points - own * strokes, strokes) / target.every) or 1.0


def _sampled(stroke: _Stroke, interval: float) -> np.ndarray:
    """Where the pen is after even times, about `interval`; first and last point are kept. Shape [n, 2].

    Between recorded points the pen goes along cubic Hermite curves, its velocity at a point being that from the point
    before to the point after: a recording of few points becomes no polygon.
    """
    points, times = stroke
    if len(points) == 1:
        return points
    number = max(round(times[-1] / interval), 1) + 1
    wanted = np.linspace(0.0, times[-1], number)
    place = np.clip(np.searchsorted(times, wanted, side="right") - 1, 0, len(times) - 2)
    velocity = (
        np.gradient(points, times, axis=0, edge_order=2) if len(points) > 2 else np.diff(points, axis=0) / times[-1]
    )
    velocity = np.broadcast_to(velocity, points.shape)
    step = np.diff(times)[place, None]
    t = (wanted - times[place])[:, None] / step
    start, stop = points[place], points[place + 1]
    leaving, arriving = velocity[place] * step, velocity[place + 1] * step
    curve = (1 - t) ** 2 * ((1 + 2 * t) * start + t * leaving) + t**2 * ((3 - 2 * t) * stop - (1 - t) * arriving)
    curve[0], curve[-1] = points[0], points[-1]
    return curve
