"""Hands to write in: the styles that ship, and a person's own."""

import functools
import os
import pathlib

import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.data.json_lines import read_json_lines
from graves_jax.data.line_geometry import drop_standing_points, straighten, thin
from graves_jax.errors import InputError
from graves_jax.model.weights import Weights
from graves_jax.pretrained import DEFAULT, shipped_normalisation
from graves_jax.sampling.write import check_text

# Lines that the default weights wrote, one of each hand, in the unit of their training data. The name of a style is the
# id of its line.
SHIPPED = pathlib.Path(__file__).parent.parent / "pretrained" / "styles.jsonl"
# A style longer than this slows every line down and says nothing more about the hand.
MAX_POINTS = 1_500


def style_names() -> list[str]:
    """The styles that ship."""
    return list(_shipped())


def load_style(style: str | os.PathLike | Ink, weights: Weights) -> Ink:
    """A line in the hand to write in, brought to the scale of the weights.

    Args:
      style: a name of `style_names()`; a .jsonl file of own ink, whose first line is taken; or a line of ink with its
        text, in any unit.
      weights: that are to write on in it.
    Raises:
      InputError: there is no such style or file, it is too long, or the network cannot read its text.
    """
    if isinstance(style, str) and not style.endswith(".jsonl"):
        if style not in _shipped():
            names = f"one of the names {', '.join(style_names())}, or " if style_names() else ""
            raise InputError(f"Expected a style of {names}a .jsonl file, found {style!r:.200}.")
        ink = _shipped()[style]
        is_to_scale = weights.normalisation == shipped_normalisation(DEFAULT)
    elif isinstance(style, str | os.PathLike):
        ink, is_to_scale = read_json_lines(pathlib.Path(style))[0].ink, False
    elif isinstance(style, Ink):
        ink, is_to_scale = style, False
    else:
        raise InputError(f"Expected a style that is a name, a file or a line of ink, found {style!r:.60}.")
    if not ink.text:
        raise InputError("Expected a style with the text that it says, found ink without one.")
    check_text(weights, ink.text)
    ink = ink if is_to_scale else to_scale(ink, weights)
    if len(ink) > MAX_POINTS:
        raise InputError(f"Expected a style of at most {MAX_POINTS:,} points, found {len(ink):,}.")
    return ink


def to_scale(ink: Ink, weights: Weights) -> Ink:
    """Own ink at the size, and about the points per character, of the lines that the weights were trained on.

    Raises:
      InputError: the ink has no extent to go by.
    """
    strokes = ink.strokes()
    every = max(1, round(len(ink) / (len(ink.text) * weights.network.points_per_character)))
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
