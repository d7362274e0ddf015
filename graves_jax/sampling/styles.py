"""Hands to write in: the styles that ship, and a person's own."""

import functools
import json
import os
import pathlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax
import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.data.joining import join
from graves_jax.data.json_lines import read_json_lines
from graves_jax.data.line_geometry import drop_standing_points, straighten, thin
from graves_jax.data.own_ink.conform import conform
from graves_jax.data.own_ink.readers import read_own_ink
from graves_jax.errors import InputError
from graves_jax.model.scale import target_of
from graves_jax.model.weights import Weights, fingerprint
from graves_jax.pretrained import DEFAULT, FOLDER, shipped_normalisation
from graves_jax.sampling.hands import hand_style, is_hand
from graves_jax.sampling.write import check_seed, check_text

# Each named style is a style vector of the default weights, and for other weights a line that these wrote in it, in the
# unit of their training data; the line's id is the name.
SHIPPED = FOLDER / "styles.jsonl"
VECTORS = FOLDER / DEFAULT / "styles.json"
ANY = "any"
# A style longer than this slows every line down and says nothing more about the hand.
MAX_POINTS = 1_500
_FILES = (".jsonl", ".json", ".inkml", ".xml")


def style_names() -> list[str]:
    """The styles that ship."""
    return list(_shipped())


def draw_style(number: int, weights: Weights) -> np.ndarray | None:
    """The style vector of hand `number`: a hand that nobody has, drawn from N(0, 1). Shape [E], float32.

    None for weights without style vectors, whose every line is in another hand.

    Raises:
      InputError: the number is not a whole one of 0 to 2³² - 1.
    """
    size = weights.network.style_size
    return np.asarray(jax.random.normal(jax.random.key(check_seed(number)), (size,))) if size else None


def draw_hands(numbers: Iterable[int], weights: Weights) -> np.ndarray | None:
    """The style vectors of several hands, each as `draw_style` draws it. Shape [N, E]; None as there."""
    size = weights.network.style_size
    return np.stack([np.asarray(draw_style(number, weights)) for number in numbers]) if size else None


def load_style(style: str | os.PathLike | Ink | np.ndarray, weights: Weights) -> Ink | np.ndarray | None:
    """A hand to write in, as `write_lines` takes it.

    Args:
      style: a name of `style_names()`; "any", no hand in particular; a style vector, shape [E]; a .hand file that
        learn_hand.py made; a .jsonl or .inkml file of own ink, of which as many lines are taken as are read on from;
        or a line of ink with its text, in any unit.
      weights: that are to write on in it.
    Returns:
      Ink with its text at the scale of the weights; or a style vector, shape [E], for a name where the weights are the
      default ones, and for a .hand file where they are not the hand's own.
    Raises:
      InputError: there is no such style or file, it is too long or belongs to other weights, or the network cannot read
        its text.
    """
    if isinstance(style, np.ndarray):
        return style
    if isinstance(style, str) and style == ANY:
        return np.asarray(weights.params["any_style"]) if weights.network.style_size else None
    if isinstance(style, str | os.PathLike) and is_hand(style):
        return hand_style(style, weights)
    if isinstance(style, str) and not style.endswith(_FILES):
        shipped = _shipped_vectors()
        if style in shipped.styles and fingerprint(weights) == shipped.weights_sha256:
            return shipped.styles[style]
        if style not in _shipped():
            names = ", ".join([ANY] * bool(weights.network.style_size) + style_names())
            names = names and f"one of the names {names}, or "
            raise InputError(f"Expected a style of {names}a .jsonl, .inkml or .hand file, found {style!r:.200}.")
        ink = _shipped()[style]
        check_text(weights, ink.transcript)
        ink = ink if weights.normalisation == shipped_normalisation(DEFAULT) else to_scale(ink, weights)
    elif isinstance(style, str | os.PathLike):
        ink = _from_file(pathlib.Path(style), weights)
    elif isinstance(style, Ink):
        if not style.text:
            raise InputError("Expected a style with the text that it says, found ink without one.")
        check_text(weights, style.text)
        ink = to_scale(style, weights)
    else:
        raise InputError(f"Expected a style that is a name, a file or a line of ink, found {style!r:.60}.")
    if len(ink) > MAX_POINTS:
        raise InputError(f"Expected a style of at most {MAX_POINTS:,} points, found {len(ink):,}.")
    return ink


def adjust_style(
    z: np.ndarray | Ink | None, weights: Weights, *, slant: float = 0.0, width: float = 1.0, strokes: float = 1.0
) -> np.ndarray:
    """A hand that leans more or less, is wider or narrower, or joins its letters more or less, and else much the same.

    Along directions that were found by `explore_styles.py`; the model card tells how far they hold.

    Args:
      z: style vector of the default weights. Shape [E].
      weights: the default ones.
      slant: degrees to the right that are added, -30 to 30.
      width: factor of the width of its letters, 0.5 to 2.
      strokes: factor of the strokes per letter, 0.5 to 2: less joins the letters.
    Returns:
      Shape [E], float32.
    Raises:
      InputError: the hand is not a style vector, other weights write it, or a number is out of range.
    """
    if not -30 <= slant <= 30 or not 0.5 <= width <= 2 or not 0.5 <= strokes <= 2:
        raise InputError(
            "Expected a slant of -30 to 30 degrees, and factors of 0.5 to 2 for width and strokes, "
            f"found {slant:g}, {width:g} and {strokes:g}."
        )
    shipped = _shipped_vectors()
    if not isinstance(z, np.ndarray) or fingerprint(weights) != shipped.weights_sha256:
        raise InputError(
            "Expected a hand that is a style vector of the default weights, to change what it is like; "
            "found ink or other weights."
        )
    moved = np.array(z, np.float64)
    for name, change in (("slant", slant), ("width", np.log(width)), ("strokes", np.log(strokes))):
        direction = shipped.directions[name]
        moved += change / direction.per_step * direction.vector
    return moved.astype(np.float32)


def _from_file(path: pathlib.Path, weights: Weights) -> Ink:
    """Own ink at the scale of the weights: the first of its lines, side by side."""
    lines = read_own_ink(path)
    # Weights with a code for all other characters read any text.
    known = [line for line in lines if weights.alphabet.has_other or not weights.alphabet.unknown(line.text)]
    if not known or len(lines) == 1:
        check_text(weights, lines[0].text)
    if len(lines) == 1 and lines[0].times is None:
        return to_scale(Ink.from_strokes(lines[0].strokes, lines[0].text), weights)
    conformed = conform(known, target_of(weights))
    # What learn_hand.py would leave out is read only where there is nothing else.
    usable = [line for line in conformed if line.reason is None] or conformed[:1]
    return join([line.ink for line in usable[: number_to_read([len(line.ink) for line in usable])]])


def number_to_read(lengths: Sequence[int]) -> int:
    """How many lines of so many points each are read before a text is written on: at least one."""
    # Between two lines, the way through the air is a row of its own.
    total = np.cumsum(lengths) + np.arange(len(lengths))
    return max(int((total <= MAX_POINTS).sum()), 1)


def to_scale(ink: Ink, weights: Weights) -> Ink:
    """Own ink at the size, and about the points per character, of the lines that the weights were trained on.

    Raises:
      InputError: the ink has no extent to go by.
    """
    strokes = ink.strokes()
    every = max(1, round(len(ink) / (len(ink.transcript) * weights.network.points_per_character)))
    data = weights.provenance.get("data")
    if isinstance(data, dict) and data.get("protocol") == "writer":
        strokes = [thin(drop_standing_points(stroke), every) for stroke in straighten(strokes)]
    else:
        strokes = [thin(stroke, every) for stroke in strokes]
        spread = np.prod(Ink.from_strokes(strokes).offsets[:, :2].std(axis=0, dtype=np.float64))
        if spread == 0:
            raise InputError("Expected a style whose ink moves along both axes, found one that does not.")
        factor = np.sqrt(np.prod(weights.normalisation.std) / spread)
        strokes = [stroke * factor for stroke in strokes]
    # The last stroke ends where the ink does: the pen is up when the new text begins.
    return Ink.from_strokes(strokes, ink.text)


@functools.cache
def _shipped() -> dict[str, Ink]:
    if not SHIPPED.is_file():
        return {}
    return {line.line_id: line.ink for line in read_json_lines(SHIPPED)}


class Direction(NamedTuple):
    """In the space of style vectors, along which one thing about a hand changes.

    Attributes:
      vector: of length 1. Shape [E], float32, read-only.
      per_step: change for one such step: of the slant in degrees, of width and strokes per letter in their logarithm.
    """

    vector: np.ndarray
    per_step: float


class _ShippedVectors(NamedTuple):
    """What ships with the default weights, whose fingerprint it has: named style vectors, and directions."""

    weights_sha256: str
    styles: dict[str, np.ndarray]
    directions: dict[str, Direction]


@functools.cache
def _shipped_vectors() -> _ShippedVectors:
    if not VECTORS.is_file():
        return _ShippedVectors("", {}, {})
    content = json.loads(VECTORS.read_text(encoding="utf-8"))
    return _ShippedVectors(
        content["weights_sha256"],
        {name: _read_only(vector) for name, vector in content["styles"].items()},
        {name: Direction(_read_only(row["vector"]), row["per_step"]) for name, row in content["directions"].items()},
    )


def _read_only(values: Sequence[float]) -> np.ndarray:
    vector = np.array(values, np.float32)
    vector.flags.writeable = False
    return vector
