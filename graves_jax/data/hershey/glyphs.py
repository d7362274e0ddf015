"""The Hershey stroke fonts as a hand would write them: which stroke first, where the pen stays down, what is dotted.

The fonts (A. V. Hershey, 1967; PyPI `Hershey-Fonts`, MIT) were drawn for plotters: a glyph is a bag of polylines. The
tables below give each glyph a writing order, in a small notation: "1+0 2;3r" writes stroke 1, goes on into stroke 0
without lifting the pen, lifts it, writes stroke 2, and adds as a mark (a dot, a cross) stroke 3 in reverse.
Strokes that a table leaves out are shading, which one pen line does not need.

Units: small letters are `X_HEIGHT` high, y grows downwards, the baseline is y = 0, and a glyph starts at x = 0.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from HersheyFonts import HersheyFonts

# What the fonts draw: printable ASCII, the space first.
CHARACTERS = "".join(chr(code) for code in range(32, 127))
X_HEIGHT = 12.0
# The baseline of every face, in the fonts' own coordinates (which grow downwards too).
_FONT_BASELINE = 9.0
# A polyline that turns by more than this at a vertex, in radians, has a corner there; else it stands for a curve.
_CORNER = np.radians(80)
# Distance between the points of a smoothed stroke.
_SPACING = 0.5

_PRINT = {
    "a": "1+0", "b": "0+1", "d": "1+0", "g": "1+0", "h": "0+1", "i": "1;0", "j": "1;0", "k": "0 1+2", "m": "0+1+2",
    "n": "0+1", "p": "0+1", "q": "1+0", "r": "0+1", "u": "0+1", "v": "0+1r", "w": "0+1r+2+3r", "z": "1+0+2",
    "A": "0r+1 2", "B": "0+1+2", "D": "0+1", "E": "1r+0+3 2", "G": "0+1r", "K": "0 1+2", "L": "0+1",
    "M": "0r+1+2r+3", "N": "0r+1+2r", "P": "0+1", "R": "0+1+2", "V": "0+1r", "W": "0+1r+2+3r", "Z": "1+0+2",
}  # fmt: skip
_SYMBOLS = {
    "7": "1+0", "%": "1+0 2", "@": "0+2", "$": "2 0 1", "[": "2r+0+3", "]": "2+1+3r", "~": "0",
    "^": "0r+1",
}  # fmt: skip
_SCRIPT = {
    "d": "0+1", "g": "0+1", "h": "0+1", "i": "1;0", "j": "1;0", "k": "0+1+2", "m": "0+1+2", "n": "0+1", "p": "0+1+2",
    "q": "0+1", "s": "0+1", "t": "0+1;2", "u": "0+1", "v": "0+1", "w": "0+1+2", "x": "0;1", "y": "0+1",
    "B": "0+1", "K": "0 1+2", "M": "0+1+2", "N": "0+1", "U": "0+1", "W": "0+1r+2+3r", "Y": "0+1",
}  # fmt: skip
# Capitals of scriptc that are good letters without their shading.
_ORNATE = {
    "A": "0r+1+3", "B": "1 2+4", "C": "0", "D": "1", "E": "0+2", "F": "1 3", "G": "0+2", "H": "0 2", "J": "1",
    "K": "0 3+5", "M": "0r+1+3r+4", "N": "0r+1+3r", "O": "0", "P": "1 2", "R": "1 2+5", "T": "1", "U": "1+2", "V": "1",
    "W": "0+2r+3+5r", "X": "0 2", "Y": "1+3",
}  # fmt: skip
# Round cursive letters start at the upper right of their bowl. A pen that comes from the letter before goes there over
# the top and back again, along this many of the font's points.
_OVER_THE_TOP = {"a": 5, "c": 5, "d": 5, "g": 5, "o": 3, "q": 5}
# The fonts draw these as wide as a printer's signs; a hand makes them smaller: (size, how far down in font units).
_PLACED = {"-": (0.45, 3.0), "+": (0.6, 2.0), "=": (0.6, 2.0), "<": (0.7, 1.0), ">": (0.7, 1.0), "~": (0.6, 2.0)}

# The fonts' braces are ornaments of three lines each. These are plain ones, in the same coordinates.
_BRACE = np.array([(3, -16), (0, -15), (-1, -12), (-1, -3), (-4, 0), (-1, 3), (-1, 12), (0, 15), (3, 16)], float)
_REDRAWN = {"{": [_BRACE], "}": [_BRACE * [-1, 1]]}


class Source(NamedTuple):
    """Some characters of a font.

    Attributes:
      font: its name in the package `Hershey-Fonts`.
      characters: which ones.
      orders: writing order by character; the font's own, with lifts between, for those that it leaves out.
      x_height: height in the font's units that is scaled to `X_HEIGHT`.
      lean: run per rise, added so that they stand as the other sources of a face do.
    """

    font: str
    characters: str
    orders: Mapping[str, str]
    x_height: float
    lean: float = 0.0


class Face(NamedTuple):
    """A way of writing: where its glyphs come from and what the pen does between them.

    Attributes:
      sources: together they have all of `CHARACTERS`; a later one takes precedence.
      retraces: whether the pen stays down where it must go back along its own line.
      joins_next: letters from which the pen goes on to the next letter without a lift.
      marks_wait: whether dots and crosses wait for the end of the word.
    """

    sources: tuple[Source, ...]
    retraces: bool = True
    joins_next: str = ""
    marks_wait: bool = False


_SMALL = "abcdefghijklmnopqrstuvwxyz"
_CAPITALS = _SMALL.upper()
_PRINTED = (
    Source("futural", CHARACTERS, _PRINT | _SYMBOLS, x_height=14),
    Source("rowmans", "*,.:;^_`", _SYMBOLS, x_height=14),
)
# The script fonts draw digits and symbols with two lines. Those of the print go with them, smaller and leaning.
_JOINED = (
    Source("rowmans", CHARACTERS, _SYMBOLS, x_height=11, lean=0.25),
    Source("scripts", _SMALL, _SCRIPT, x_height=9),
)
_PLAIN_CAPITALS = Source("futural", _CAPITALS, _PRINT, x_height=10, lean=0.25)
# The Q of the script fonts looks like a 2 to most readers of today, so joined hands print it.
_SCRIPT_CAPITALS = Source("scripts", _CAPITALS.replace("Q", ""), _SCRIPT, x_height=9)
_ORNATE_CAPITALS = Source("scriptc", "".join(_ORNATE), _ORNATE, x_height=9)
FACES: Mapping[str, Face] = {
    # Quick print: the pen goes back along a stem without a lift.
    "futural": Face(_PRINTED),
    # School print: as the font has it, a lift between most strokes.
    "rowmans": Face(_PRINTED, retraces=False),
    # Joined, each letter dotted or crossed before the next one.
    "scripts": Face((*_JOINED, _PLAIN_CAPITALS, _SCRIPT_CAPITALS), joins_next=_SMALL + "ACEHKLMNRUZ"),
    # The same with more ornate capitals.
    "scriptc": Face((*_JOINED, _PLAIN_CAPITALS, _SCRIPT_CAPITALS, _ORNATE_CAPITALS), joins_next=_SMALL + "AHKLMRUZ"),
    # Joined, with plain capitals; dots and crosses come at the end of the word.
    "cursive": Face((*_JOINED, _PLAIN_CAPITALS), joins_next=_SMALL, marks_wait=True),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Glyph:
    """One character of a face as smooth pen strokes.

    Attributes:
      strokes: in the order of writing, each [n, 2]; none for the space.
      marks: dots and crosses, each [n, 2].
      lead_in: where a pen that comes from the letter before goes first. Shape [n, 2], n may be 0.
      width: advance from this character to the next.
      joins_previous: whether a pen that comes from the letter before goes on into this one.
      joins_next: whether the pen goes on from here to a letter that follows.
      enters_low: whether a pen that comes from the letter before starts near the baseline.
    """

    strokes: tuple[np.ndarray, ...]
    marks: tuple[np.ndarray, ...]
    lead_in: np.ndarray
    width: float
    joins_previous: bool
    joins_next: bool
    enters_low: bool


@functools.cache
def glyphs(face_name: str) -> Mapping[str, Glyph]:
    """The glyphs of a face: one for each of `CHARACTERS`."""
    face, result = FACES[face_name], {}
    for source in face.sources:
        font = HersheyFonts()
        font.load_default_font(source.font)
        for c in source.characters:
            result[c] = make_glyph(font.all_glyphs[c], c, source, face)
    return result


def make_glyph(font_glyph, character: str, source: Source, face: Face) -> Glyph:
    """Brings a glyph of the font into writing order and into this module's units."""
    shrink, drop = _PLACED.get(character, (1.0, 0.0))
    origin = np.array([shrink * font_glyph.left_offset, _FONT_BASELINE])
    to_units = X_HEIGHT / source.x_height * np.array([[1, 0], [-source.lean, 1]])

    drawn = _REDRAWN.get(character) or [np.array(stroke, float) for stroke in font_glyph.strokes]
    raw = [shrink * _without_blob(stroke) + [0, drop] - origin for stroke in drawn]
    raw = [stroke @ to_units for stroke in raw]
    body, _, marks = source.orders.get(character, " ".join(map(str, range(len(raw))))).partition(";")
    joins = character in face.joins_next
    lead_points = _OVER_THE_TOP.get(character, 0) if joins else 0
    return Glyph(
        strokes=_in_order(raw, body, face.retraces),
        marks=_in_order(raw, marks, face.retraces),
        lead_in=_smooth(raw[0][:lead_points][::-1]) if lead_points else np.zeros((0, 2)),
        width=to_units[0, 0] * shrink * font_glyph.char_width,
        joins_previous=joins and character in _SMALL,
        joins_next=joins,
        enters_low=joins and character == "e",
    )


def _in_order(raw: list[np.ndarray], order: str, retraces: bool) -> tuple[np.ndarray, ...]:
    """The smooth strokes of an order such as "0+1r 2"."""
    return tuple(stroke for part in order.split() for stroke in _carried_on(raw, part, retraces))


def _carried_on(raw: list[np.ndarray], part: str, retraces: bool) -> list[np.ndarray]:
    """The strokes of a part such as "0+1r": one, or several where the pen would have to go back and does not."""
    done = []
    for name in part.split("+"):
        stroke = raw[int(name.rstrip("r"))]
        stroke = _smooth(stroke[::-1] if name.endswith("r") else stroke)
        if done and (retraces or np.allclose(done[-1][-1], stroke[0])):
            done[-1] = np.concatenate([done[-1], stroke])
        else:
            done.append(stroke)
    return done


def _without_blob(stroke: np.ndarray) -> np.ndarray:
    """A dot is drawn as a small closed polygon, for a comma with a tail: a pen makes a tick, or the tail alone."""
    is_blob = len(stroke) >= 5 and (stroke[4] == stroke[0]).all() and np.ptp(stroke[:5], axis=0).max() <= 2
    if not is_blob:
        return stroke
    return stroke[4:] if len(stroke) > 5 else stroke[[stroke[:, 1].argmin(), stroke[:, 1].argmax()]]


def _smooth(points: np.ndarray) -> np.ndarray:
    """A curve through the vertices of a polyline, straight into and out of its corners: cubic Hermite pieces.

    Args:
      points: shape [n, 2], n at least 2.
    Returns:
      Points about `_SPACING` apart. Shape [m, 2].
    """
    points = points[np.concatenate([[True], (np.diff(points, axis=0) != 0).any(axis=1)])]
    chords = np.diff(points, axis=0)
    lengths = np.hypot(*chords.T)
    directions = chords / lengths[:, None]
    along = points[2:] - points[:-2]
    smooth_through = (directions[1:] * directions[:-1]).sum(axis=1) > np.cos(_CORNER)
    tangents = along / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    leaving = np.concatenate([directions[:1], np.where(smooth_through[:, None], tangents, directions[1:])])
    arriving = np.concatenate([np.where(smooth_through[:, None], tangents, directions[:-1]), directions[-1:]])
    pieces = [points[:1]]
    for start, stop, length, d0, d1 in zip(points[:-1], points[1:], lengths, leaving, arriving, strict=True):
        t = np.linspace(0, 1, max(int(np.ceil(length / _SPACING)), 1) + 1)[1:, None]
        pieces.append(
            (1 - t) ** 2 * ((1 + 2 * t) * start + t * length * d0) + t**2 * ((3 - 2 * t) * stop - (1 - t) * length * d1)
        )
    return np.concatenate(pieces)
