"""Pages for pen plotters: G-code and HPGL, strokes in an order that lets the pen travel little.

Both draw polylines that stay within `TOLERANCE` of the curves that SVG and PDF have.
"""

import dataclasses
import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from graves_jax.data.curves import flatten
from graves_jax.drawing.page import Page
from graves_jax.errors import InputError

TOLERANCE = 0.02
ORIGINS = ("bottom_left", "top_left")
# Of a Bezier segment.
_MOST_PIECES = 64
# HPGL counts in fortieths of a millimetre.
_HPGL_PER_MM = 40
# Far more than any plotter does.
_FASTEST = 1e6


@dataclasses.dataclass(frozen=True)
class Plotter:
    """What a plotter has to be told.

    Attributes:
      pen_up, pen_down: its commands; several stand apart by a semicolon.
      feed: speed of the pen on paper, mm/min.
      travel_feed: speed of the pen in the air, mm/min; None moves with G0 as fast as the machine can.
      origin: the corner of the paper that is (0, 0): bottom_left with y upwards, or top_left with y downwards.
      offset: of the paper from the machine's own zero, (x, y) in mm.
      dwell: how long the pen takes to go up or down, in seconds.
    """

    pen_up: str = "M3 S0"
    pen_down: str = "M3 S1000"
    feed: float = 2_000.0
    travel_feed: float | None = None
    origin: str = "bottom_left"
    offset: tuple[float, ...] = (0.0, 0.0)
    dwell: float = 0.15

    def __post_init__(self):
        for name, speed in (("feed", self.feed), ("travel_feed", self.travel_feed)):
            if speed is not None and not 0 < speed <= _FASTEST:
                raise InputError(f"Expected a {name} above 0 and up to {_FASTEST:,.0f} mm/min, found {speed:g}.")
        if not 0 <= self.dwell <= 60:
            raise InputError(f"Expected a pen that takes 0 to 60 s to move, found {self.dwell:g}.")
        if self.origin not in ORIGINS:
            raise InputError(f"Expected an origin out of {', '.join(ORIGINS)}, found {self.origin!r:.40}.")
        if len(self.offset) != 2 or not all(map(math.isfinite, self.offset)):
            raise InputError(f"Expected an offset of two numbers in mm, found {self.offset!r:.60}.")
        for name, command in (("pen_up", self.pen_up), ("pen_down", self.pen_down)):
            if not command.strip() or not command.isprintable() or not command.isascii():
                raise InputError(f"Expected a {name} command in one line of ASCII, found {command!r:.60}.")


def page_to_gcode(page: Page, plotter: Plotter | None = None) -> str:
    """G-code that draws a page in millimetres and goes back to the origin with the pen up."""
    plotter = Plotter() if plotter is None else plotter
    travel = "G0" if plotter.travel_feed is None else f"G1 F{plotter.travel_feed:g}"
    up, down = (
        [part.strip() for part in command.split(";") if part.strip()] for command in (plotter.pen_up, plotter.pen_down)
    )
    wait = [f"G4 P{plotter.dwell:g}"] if plotter.dwell else []
    lines = [
        f"; graves_jax, paper {page.width:g} x {page.height:g} mm, origin {plotter.origin}",
        "G21 ; millimetres",
        "G90 ; absolute positions",
        *up,
        *wait,
    ]
    for stroke in ordered(polylines(page)):
        points = _on_machine(stroke, page, plotter)
        lines.append(f"{travel} {_position(points[0])}")
        lines += [*down, *wait]
        lines += [
            f"G1 {_position(point)}{f' F{plotter.feed:g}' if number == 0 else ''}"
            for number, point in enumerate(points[1:])
        ]
        lines += [*up, *wait]
    lines += [f"{travel} {_position(np.array(plotter.offset))}", "M2"]
    return "\n".join(lines) + "\n"


def page_to_hpgl(page: Page, plotter: Plotter | None = None) -> str:
    """HPGL that draws a page in millimetres with pen 1."""
    plotter = Plotter() if plotter is None else plotter
    commands = ["IN", "SP1"]
    for stroke in ordered(polylines(page)):
        points = np.round(_on_machine(stroke, page, plotter) * _HPGL_PER_MM).astype(int)
        first, *others = [f"{x},{y}" for x, y in points.tolist()]
        commands += [f"PU{first}", f"PD{','.join(others)}"]
    return ";\n".join([*commands, "PU0,0", "SP0", ""])


def polylines(page: Page, tolerance: float = TOLERANCE) -> list[np.ndarray]:
    """The page's strokes as points, each [N, 2] with N at least 2, in the order of writing.

    Args:
      tolerance: how far the straight pieces may leave the curve, in the page's unit.
    """
    return [_flattened(stroke, tolerance) if page.smooth else _corners(stroke) for stroke in page.strokes()]


def ordered(strokes: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The strokes in an order, and each in a direction, that lets the pen travel little: always to the nearest end.

    It starts from the first one. As written, lines of text one after another, is an order too, and is kept where the
    other is no shorter.
    """
    if len(strokes) < 3:
        return list(strokes)
    ends = np.array([(stroke[0], stroke[-1]) for stroke in strokes])
    left = np.ones(len(strokes), bool)
    done, at, number, backwards = [], ends[0, 0], 0, False
    for _ in strokes:
        left[number] = False
        done.append(strokes[number][::-1] if backwards else strokes[number])
        at = done[-1][-1]
        # What is done is out of reach.
        distances = np.where(left[:, None], np.hypot(*(ends - at).transpose(2, 0, 1)), np.inf)
        number, backwards = divmod(int(distances.argmin()), 2)
    return done if travel(done) < travel(strokes) else list(strokes)


def travel(strokes: Sequence[np.ndarray]) -> float:
    """How far the pen moves in the air from the first stroke to the last."""
    return sum(math.dist(before[-1], after[0]) for before, after in pairwise(strokes))


def _on_machine(points: np.ndarray, page: Page, plotter: Plotter) -> np.ndarray:
    if plotter.origin == "bottom_left":
        points = np.column_stack([points[:, 0], page.height - points[:, 1]])
    return points + np.array(plotter.offset)


def _position(point: np.ndarray) -> str:
    # Adding 0 makes -0 a plain 0.
    x, y = np.round(point, 3) + 0.0
    return f"X{x:g} Y{y:g}" if max(abs(x), abs(y)) < 1_000 else f"X{x:.3f} Y{y:.3f}"


def _flattened(segments: np.ndarray, tolerance: float) -> np.ndarray:
    """Points along Bezier segments, more where they bend more."""
    # The distance of the chord of a piece from its curve is at most second difference / 8 / pieces².
    bend = 6 * np.hypot(*np.diff(segments, n=2, axis=1).transpose(2, 0, 1)).max(axis=1)
    pieces = np.clip(np.ceil(np.sqrt(bend / (8 * tolerance))), 1, _MOST_PIECES).astype(int)
    points = [segments[:1, 0]]
    for count, segment in zip(pieces.tolist(), segments, strict=True):
        points.append(flatten(segment[None], count)[0] if count > 1 else segment[3:])
    return np.concatenate(points)


def _corners(segments: np.ndarray) -> np.ndarray:
    return np.concatenate([segments[:1, 0], segments[:, 3]])
