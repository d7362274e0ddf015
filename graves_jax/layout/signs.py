"""Signs that few hands have been learned with, drawn from a stroke font in the size and slant of a hand."""

import functools
from collections.abc import Mapping

import numpy as np

from graves_jax.data.hershey.glyphs import CHARACTERS, X_HEIGHT, glyphs
from graves_jax.layout.words import WordInk

_FACE = "futural"
# How unlike each other the same sign twice is: turned by so many radians, sized by so much, shaken by parts of an x.
_TURN, _SIZE, _SHAKE = 0.04, 0.06, 0.03
# A sign is drawn a little smaller than the font has it beside letters.
_SCALE = 0.95


def _arc(centre: tuple[float, float], radius: tuple[float, float], degrees: tuple[float, float]) -> np.ndarray:
    angle = np.radians(np.linspace(*degrees, 16))
    return np.column_stack([centre[0] + radius[0] * np.cos(angle), centre[1] - radius[1] * np.sin(angle)])


# In x-heights, the baseline at 0. Those of the font are printable ASCII.
_OWN: Mapping[str, list[np.ndarray]] = {
    "€": [
        _arc((0.75, -0.85), (0.6, 0.85), (50, 310)),
        np.array([[-0.05, -1.05], [0.9, -1.05]]),
        np.array([[-0.05, -0.7], [0.8, -0.7]]),
    ],
    "£": [
        np.concatenate(
            [_arc((0.75, -1.35), (0.35, 0.4), (20, 180)), [[0.45, -0.6], [0.3, -0.05], [0.05, 0.0], [1.1, -0.05]]]
        ),
        np.array([[0.05, -0.8], [0.85, -0.8]]),
    ],
    "°": [_arc((0.3, -1.7), (0.25, 0.28), (90, 450))],
}


def drawable() -> frozenset[str]:
    """The characters that can be drawn."""
    return frozenset(CHARACTERS.strip()) | frozenset(_OWN)


def draw_sign(character: str, *, slant: float, rng: np.random.Generator) -> WordInk:
    """One sign, never twice the same.

    Args:
      slant: of the hand; how far to the right it goes for each unit up.
    """
    strokes = [stroke * _SCALE for stroke in _strokes(character)]
    angle, size = rng.normal(0, _TURN), 1 + rng.normal(0, _SIZE)
    turn = size * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    upright = np.array([[1.0, 0.0], [-slant, 1.0]])
    return WordInk(tuple(_shaken(stroke, rng) @ upright @ turn for stroke in strokes))


@functools.cache
def _strokes(character: str) -> tuple[np.ndarray, ...]:
    if character in _OWN:
        return tuple(_OWN[character])
    glyph = glyphs(_FACE)[character]
    # The font's points lie so near each other that a plotter would crawl.
    return tuple(
        stroke[np.unique([*range(0, len(stroke), 3), len(stroke) - 1])] / X_HEIGHT
        for stroke in (*glyph.strokes, *glyph.marks)
    )


def _shaken(stroke: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The stroke bent a little: its ends and its middle are moved, and what lies between follows."""
    moves = rng.normal(0, _SHAKE, size=(3, 2))
    share = np.linspace(0, 2, len(stroke))
    return stroke + np.column_stack([np.interp(share, range(3), moves[:, axis]) for axis in range(2)])
