"""Hands to write in: the styles that ship, and a person's own."""

import functools
import pathlib

import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.data.json_lines import read_json_lines
from graves_jax.data.line_geometry import drop_standing_points, straighten, thin
from graves_jax.errors import InputError
from graves_jax.model.weights import Weights
from graves_jax.sampling.write import check_text

# Lines that the default weights wrote, one of each hand. The name of a style is the id of its line.
SHIPPED = pathlib.Path(__file__).parent.parent / "pretrained" / "styles.jsonl"
# A style longer than this slows every line down and says nothing more about the hand.
MAX_POINTS = 1_500


def style_names() -> list[str]:
    """The styles that ship."""
    return list(_shipped())


def load_style(name: str, weights: Weights) -> Ink:
    """A style by its name, or from a .jsonl file of own ink, whose first line is taken and brought to scale.

    Raises:
      InputError: there is no such style or file, or the network cannot read its text.
    """
    if not name.endswith(".jsonl"):
        if name not in _shipped():
            raise InputError(
                f"Expected a style of one of the names {', '.join(style_names())}, or a .jsonl file, found {name!r}."
            )
        return _shipped()[name]
    ink = read_json_lines(pathlib.Path(name))[0].ink
    check_text(weights, ink.text)
    ink = to_scale(ink, weights)
    if len(ink) > MAX_POINTS:
        raise InputError(f"Expected a style of at most {MAX_POINTS:,} points, found {len(ink):,} in {name}.")
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
    scaled = Ink.from_strokes(strokes, ink.text)
    # The pen is up when the new text begins.
    scaled.offsets[-1, 2] = 1
    return scaled


@functools.cache
def _shipped() -> dict[str, Ink]:
    if not SHIPPED.is_file():
        return {}
    return {line.line_id: line.ink for line in read_json_lines(SHIPPED)}
